//! Lines of type `response_item`: what the model was told and what it said.

use serde_json::Value;

use super::Rollout;
use super::fields::{self, Payload};
use crate::dialects::codex::justification;
use crate::names::blotter::EventKind;
use crate::tables::Event;

/// How the kinds of the parts of a message begin that somebody typed.
const TYPED: &str = "user.";

impl Rollout {
    pub(super) fn item(&mut self, payload: &Payload, event: &mut Event) -> EventKind {
        match payload.kind.as_deref() {
            Some("message") => self.message(payload, event),
            Some("reasoning") => {
                event.text = payload.summary.as_ref().and_then(fields::words);
                EventKind::Other
            }
            Some("function_call") => call(payload, payload.arguments.as_ref(), event),
            Some("custom_tool_call") => call(payload, payload.input.as_ref(), event),
            Some("local_shell_call") => {
                let kind = call(payload, payload.action.as_ref(), event);
                event.tool_name = Some("local_shell".to_owned());
                kind
            }
            Some(
                "function_call_output" | "custom_tool_call_output" | "local_shell_call_output",
            ) => {
                event.call_id.clone_from(&payload.call_id);
                event.output = payload.output.as_ref().and_then(fields::output);
                EventKind::Result
            }
            Some("web_search_call") => {
                // The provider made it: there is no line of its output.
                call(payload, payload.action.as_ref(), event);
                event.call_id = payload.call_id.clone().or_else(|| payload.id.clone());
                event.tool_name = Some("web_search".to_owned());
                EventKind::Result
            }
            Some("agent_message") => message_between_agents(payload, event),
            _ => EventKind::Other,
        }
    }

    /// What somebody typed, or what the agent answered; what Codex adds by itself is `other`.
    fn message(&mut self, payload: &Payload, event: &mut Event) -> EventKind {
        match payload.role.as_deref() {
            Some("assistant") => {
                event.text = payload.content.as_ref().and_then(fields::words);
                event.detail.clone_from(&payload.phase);
                EventKind::Response
            }
            Some("user") => {
                let passed = payload.internal_chat_message_metadata_passthrough.as_ref();
                let kinds = passed.and_then(|passed| passed.content_item_kinds.as_deref());
                self.parts_told |= kinds.is_some();
                let typed = |kind: &String| kind.starts_with(TYPED);
                let kinds = kinds.unwrap_or_default();
                if !kinds.iter().any(typed) {
                    return EventKind::Other;
                }
                event.text = match &payload.content {
                    Some(Value::Array(parts)) => {
                        let parts = parts.iter().zip(kinds).filter(|(_, kind)| typed(kind));
                        Some(parts.filter_map(|(part, _)| fields::part(part)).collect())
                    }
                    other => other.as_ref().and_then(fields::words),
                };
                EventKind::Prompt
            }
            _ => EventKind::Other,
        }
    }
}

fn call(payload: &Payload, arguments: Option<&Value>, event: &mut Event) -> EventKind {
    event.call_id.clone_from(&payload.call_id);
    event.tool_name.clone_from(&payload.name);
    event.tool_namespace.clone_from(&payload.namespace);
    event.arguments = arguments.map(fields::verbatim);
    event.justification = justification(event.tool_name.as_deref(), event.arguments.as_deref());
    EventKind::Call
}

/// A message between agents, in the file of the one who received it.
pub(super) fn message_between_agents(payload: &Payload, event: &mut Event) -> EventKind {
    event.text = payload.content.as_ref().and_then(fields::words);
    event.detail = match (&payload.author, &payload.recipient) {
        (Some(author), Some(recipient)) => Some(format!("{author} to {recipient}")),
        (author, recipient) => author.clone().or_else(|| recipient.clone()),
    };
    EventKind::AgentMessage
}
