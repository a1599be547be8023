//! The OpenAI Chat Completions API: an answer as the chunks of a stream, or whole.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::scenario::{Item, Place, Step};

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    text: String,
    calls: Vec<Value>,
    model: Value,
    number: usize,
}

impl Answer {
    /// The answer that gives `step`; none for a step that is no answer.
    pub(super) fn new(step: &Step, place: Place, model: &Value) -> Option<Self> {
        let Step::Items(items) = step else { return None };
        let mut answer = Self {
            text: String::new(),
            calls: Vec::new(),
            model: model.clone(),
            number: place.step,
        };
        for (index, item) in items.iter().enumerate() {
            match item {
                Item::Message { message } => answer.text.push_str(message),
                Item::Call { call, args, .. } => answer.calls.push(json!({
                    "index": answer.calls.len(), "id": place.call_id(index), "type": "function",
                    "function": {"name": call, "arguments": args.to_string()},
                })),
                Item::Reasoning { .. } | Item::Custom { .. } => {}
            }
        }
        Some(answer)
    }

    /// As a whole.
    pub(super) fn whole(&self) -> Value {
        let mut message = json!({"role": "assistant", "content": self.text});
        if let (false, Some(fields)) = (self.calls.is_empty(), message.as_object_mut()) {
            fields.insert("tool_calls".to_owned(), json!(self.calls));
        }
        let choice = json!({"index": 0, "message": message, "finish_reason": self.finish()});
        self.object("chat.completion", &json!([choice]), true)
    }

    /// As a stream.
    pub(super) fn stream(&self) -> String {
        let said = json!({"role": "assistant", "content": self.text, "tool_calls": self.calls});
        let choice = |delta: Value, finish: Value| json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        let chunks = [
            self.object("chat.completion.chunk", &choice(said, Value::Null), false),
            self.object("chat.completion.chunk", &choice(json!({}), self.finish()), false),
            self.object("chat.completion.chunk", &json!([]), true),
        ];
        let mut out = String::new();
        for chunk in chunks {
            let _ = write!(out, "data: {chunk}\n\n");
        }
        out.push_str("data: [DONE]\n\n");
        out
    }

    fn finish(&self) -> Value {
        json!(if self.calls.is_empty() { "stop" } else { "tool_calls" })
    }

    fn object(&self, kind: &str, choices: &Value, with_usage: bool) -> Value {
        let input = 1_200 + self.number;
        let usage = json!({
            "prompt_tokens": input, "completion_tokens": 42, "total_tokens": input + 42,
            "prompt_tokens_details": {"cached_tokens": 800},
            "completion_tokens_details": {"reasoning_tokens": 7},
        });
        json!({
            "id": format!("chatcmpl_scripted_{}", self.number), "object": kind, "created": 1,
            "model": self.model, "choices": choices,
            "usage": if with_usage { usage } else { Value::Null },
        })
    }
}
