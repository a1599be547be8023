//! The Responses API: the events of an answer, as server-sent events.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::scenario::{Place, Step};

/// Tokens that the model claims for its n-th answer.
pub(super) fn usage(step: usize) -> Value {
    let input = 1_200 + 10 * step;
    json!({
        "input_tokens": input, "input_tokens_details": {"cached_tokens": 800},
        "output_tokens": 42, "output_tokens_details": {"reasoning_tokens": 7},
        "total_tokens": input + 42,
    })
}

/// The events that give `step`; none for a step that is no stream.
pub(super) fn events(step: &Step, place: Place, model: &Value) -> Option<Vec<Value>> {
    let id = format!("resp_{:?}_{}", place.asker, place.step);
    let response =
        |status: &str| json!({"id": id, "object": "response", "status": status, "model": model});
    let started = json!({"type": "response.created", "response": response("in_progress")});
    let mut events = vec![started];
    match step {
        Step::Status { .. } => return None,
        Step::Failed { failed } => {
            let mut response = response("failed");
            if let Some(response) = response.as_object_mut() {
                response.insert("error".to_owned(), failed.clone());
            }
            events.push(json!({"type": "response.failed", "response": response}));
        }
        Step::Items(items) => {
            for (index, item) in items.iter().enumerate() {
                let item = item.output(place, index);
                for kind in ["response.output_item.added", "response.output_item.done"] {
                    events.push(json!({"type": kind, "output_index": index, "item": item}));
                }
            }
            let mut response = response("completed");
            if let Some(response) = response.as_object_mut() {
                response.insert("usage".to_owned(), usage(place.step));
                response.insert("output".to_owned(), json!([]));
            }
            events.push(json!({"type": "response.completed", "response": response}));
        }
    }
    Some(events)
}

/// The events as a stream over HTTP.
pub(super) fn server_sent(events: &[Value]) -> String {
    let mut out = String::new();
    for event in events {
        let name = event.get("type").and_then(Value::as_str).unwrap_or_default();
        let _ = write!(out, "event: {name}\ndata: {event}\n\n");
    }
    out
}
