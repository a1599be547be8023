//! The Responses API as a stream of server-sent events.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::scenario::Step;

/// Tokens that the model claims for its n-th answer.
pub(super) fn usage(step: usize) -> Value {
    let input = 1_200 + 10 * step;
    json!({
        "input_tokens": input, "input_tokens_details": {"cached_tokens": 800},
        "output_tokens": 42, "output_tokens_details": {"reasoning_tokens": 7},
        "total_tokens": input + 42,
    })
}

/// The event stream that gives `step`; none for a step that is no stream.
pub(super) fn stream(step: &Step, number: usize, model: &Value) -> Option<String> {
    let id = format!("resp_scripted_{number}");
    let response =
        |status: &str| json!({"id": id, "object": "response", "status": status, "model": model});
    let mut out = String::new();
    let mut event = |name: &str, fields: Value| {
        let mut data = json!({"type": name});
        if let (Some(data), Value::Object(fields)) = (data.as_object_mut(), fields) {
            data.extend(fields);
        }
        let _ = write!(out, "event: {name}\ndata: {data}\n\n");
    };
    event("response.created", json!({"response": response("in_progress")}));
    match step {
        Step::Status { .. } => return None,
        Step::Failed { failed } => {
            let mut response = response("failed");
            if let Some(response) = response.as_object_mut() {
                response.insert("error".to_owned(), failed.clone());
            }
            event("response.failed", json!({"response": response}));
        }
        Step::Items(items) => {
            for (index, item) in items.iter().enumerate() {
                let item = item.output(number, index);
                event("response.output_item.added", json!({"output_index": index, "item": item}));
                event("response.output_item.done", json!({"output_index": index, "item": item}));
            }
            let mut response = response("completed");
            if let Some(response) = response.as_object_mut() {
                response.insert("usage".to_owned(), usage(number));
                response.insert("output".to_owned(), json!([]));
            }
            event("response.completed", json!({"response": response}));
        }
    }
    Some(out)
}
