//! Under which attribute key telemetry has what stands in a line, so that what an operator said about
//! prompts, outputs and arguments holds for session files too.

use serde_json::Value;

use crate::names::codex::{ARGUMENTS, OUTPUT, PROMPT, RESPONSE};

/// Places in a line, as keys joined by dots, and the attribute key each is treated as.
type Places = &'static [(&'static str, &'static str)];

/// The attribute key that what stands at `place` in `line` is treated as: `place` is the keys on the way
/// there, joined by dots. None where the key itself says it.
#[must_use]
pub fn attribute_of(line: &Value, place: &str) -> Option<&'static str> {
    places(line).iter().find(|(known, _)| *known == place).map(|(_, key)| *key)
}

fn places(line: &Value) -> Places {
    let at = |pointer: &str| line.pointer(pointer).and_then(Value::as_str);
    match (at("/type"), at("/payload/type")) {
        (Some("session_meta"), _) => {
            &[("payload.base_instructions", PROMPT), ("payload.instructions", PROMPT)]
        }
        (Some("turn_context"), _) => {
            &[("payload.user_instructions", PROMPT), ("payload.developer_instructions", PROMPT)]
        }
        (Some("world_state"), _) => &[("payload.state", PROMPT)],
        (Some("compacted"), _) => {
            &[("payload.message", RESPONSE), ("payload.replacement_history", PROMPT)]
        }
        (Some("response_item"), Some("message")) if at("/payload/role") == Some("assistant") => {
            &[("payload.content", RESPONSE)]
        }
        (Some("response_item"), Some("message")) => &[("payload.content", PROMPT)],
        (Some("response_item"), Some("reasoning")) => {
            &[("payload.summary", RESPONSE), ("payload.content", RESPONSE)]
        }
        (Some("response_item"), Some(_)) => {
            &[("payload.input", ARGUMENTS), ("payload.action", ARGUMENTS)]
        }
        (Some("event_msg"), Some("user_message")) => &[("payload.message", PROMPT)],
        (Some("event_msg"), Some("agent_message")) => &[("payload.message", RESPONSE)],
        (Some("event_msg"), Some("agent_reasoning")) => &[("payload.text", RESPONSE)],
        (Some("event_msg"), Some("item_completed")) => match at("/payload/item/type") {
            Some("UserMessage") => &[("payload.item.content", PROMPT)],
            Some("AgentMessage") => &[("payload.item.content", RESPONSE)],
            Some("Reasoning") => {
                &[("payload.item.summary_text", RESPONSE), ("payload.item.raw_content", RESPONSE)]
            }
            _ => ITEM,
        },
        (Some("event_msg"), Some(_)) => EVENT,
        _ => &[],
    }
}

const ITEM: Places = &[
    ("payload.item.command", ARGUMENTS),
    ("payload.item.parsed_cmd", ARGUMENTS),
    ("payload.item.changes", ARGUMENTS),
    ("payload.item.aggregated_output", OUTPUT),
    ("payload.item.stdout", OUTPUT),
    ("payload.item.stderr", OUTPUT),
    ("payload.item.result", OUTPUT),
    ("payload.item.error", OUTPUT),
];

const EVENT: Places = &[
    ("payload.last_agent_message", RESPONSE),
    ("payload.command", ARGUMENTS),
    ("payload.parsed_cmd", ARGUMENTS),
    ("payload.changes", ARGUMENTS),
    ("payload.invocation", ARGUMENTS),
    ("payload.aggregated_output", OUTPUT),
    ("payload.formatted_output", OUTPUT),
    ("payload.stdout", OUTPUT),
    ("payload.stderr", OUTPUT),
    ("payload.result", OUTPUT),
];
