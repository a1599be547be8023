//! The Anthropic Messages API: an answer as a stream of server-sent events, or whole.

use serde_json::{Value, json};

use super::scenario::{Item, Place, Step};

/// The content blocks of an answer; none for a step that is no answer.
pub(super) fn blocks(step: &Step, place: Place) -> Option<Vec<Value>> {
    let Step::Items(items) = step else { return None };
    let block = |(index, item): (usize, &Item)| match item {
        Item::Message { message } => Some(json!({"type": "text", "text": message})),
        Item::Call { call, args, .. } => Some(json!({
            "type": "tool_use", "id": place.call_id(index), "name": call, "input": args,
        })),
        Item::Reasoning { .. } | Item::Custom { .. } => None,
    };
    Some(items.iter().enumerate().filter_map(block).collect())
}

/// The answer as a whole.
pub(super) fn whole(blocks: &[Value], number: usize, model: &Value) -> Value {
    let mut message = message(number, model);
    if let Some(fields) = message.as_object_mut() {
        fields.insert("content".to_owned(), json!(blocks));
        fields.insert("stop_reason".to_owned(), stop_reason(blocks));
    }
    message
}

/// The answer as events, which [`super::responses::server_sent`] writes.
pub(super) fn events(blocks: &[Value], number: usize, model: &Value) -> Vec<Value> {
    let mut events = vec![json!({"type": "message_start", "message": message(number, model)})];
    for (index, block) in blocks.iter().enumerate() {
        let (empty, delta) = begun(block);
        let start = json!({"type": "content_block_start", "index": index, "content_block": empty});
        let delta = json!({"type": "content_block_delta", "index": index, "delta": delta});
        events.extend([start, delta, json!({"type": "content_block_stop", "index": index})]);
    }
    let delta = json!({"stop_reason": stop_reason(blocks), "stop_sequence": null});
    events.push(json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 42}}));
    events.push(json!({"type": "message_stop"}));
    events
}

fn message(number: usize, model: &Value) -> Value {
    json!({
        "id": format!("msg_scripted_{number}"), "type": "message", "role": "assistant",
        "model": model, "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {
            "input_tokens": 1_200 + number, "cache_creation_input_tokens": 10,
            "cache_read_input_tokens": 800, "output_tokens": 42,
        },
    })
}

fn stop_reason(blocks: &[Value]) -> Value {
    let calls = blocks.iter().any(|block| block.get("type").is_some_and(|kind| kind == "tool_use"));
    json!(if calls { "tool_use" } else { "end_turn" })
}

/// A block before its content came, and the content.
fn begun(block: &Value) -> (Value, Value) {
    let Some(input) = block.get("input") else {
        let text = block.get("text").cloned().unwrap_or_default();
        return (json!({"type": "text", "text": ""}), json!({"type": "text_delta", "text": text}));
    };
    let mut empty = block.clone();
    if let Some(fields) = empty.as_object_mut() {
        fields.insert("input".to_owned(), json!({}));
    }
    (empty, json!({"type": "input_json_delta", "partial_json": input.to_string()}))
}
