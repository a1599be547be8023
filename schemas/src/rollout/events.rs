//! Lines of type `event_msg`: what happened in the agent.

use serde_json::Value;

use super::fields::{self, Item, Payload};
use super::{Rollout, policy};
use crate::names::blotter::EventKind;
use crate::tables::Event;

/// How the ids begin that Codex gives to calls made by the code of another call.
const NESTED_CALL: &str = "exec-";
/// How the folder of a command begins.
const FILE_URL: &str = "file://";

impl Rollout {
    pub(super) fn event(&mut self, payload: &Payload, event: &mut Event) -> EventKind {
        match payload.kind.as_deref() {
            Some("task_started" | "turn_started") => {
                self.turn.clone_from(&payload.turn_id);
                event.trace_id.clone_from(&payload.trace_id);
                event.detail =
                    payload.turn_attribution.as_ref().and_then(|it| it.turn_trigger.clone());
                EventKind::TurnStart
            }
            Some("task_complete" | "turn_complete" | "turn_aborted") => {
                self.turn = None;
                event.duration_ns =
                    payload.duration_ms.and_then(|duration| duration.checked_mul(1_000_000));
                // Why it was cut off.
                event.error_type.clone_from(&payload.reason);
                EventKind::TurnEnd
            }
            Some("thread_settings_applied") => {
                if let Some(settings) = &payload.thread_settings {
                    policy(settings, event);
                    event.model.clone_from(&settings.model);
                }
                EventKind::Config
            }
            Some("token_count") => {
                let total = payload.info.as_ref().and_then(|info| info.total_token_usage);
                let Some(total) = total.filter(|total| !self.usage_records && *total != self.total)
                else {
                    return EventKind::Other;
                };
                total.since(self.total).fill(event);
                self.total = total;
                EventKind::Usage
            }
            Some("user_message") if !self.parts_told => {
                event.text = payload.message.as_ref().and_then(fields::words);
                EventKind::Prompt
            }
            Some("item_completed") => {
                payload.item.as_ref().map_or(EventKind::Other, |item| completed(item, event))
            }
            Some("exec_command_end" | "patch_apply_end" | "mcp_tool_call_end") => {
                event.call_id.clone_from(&payload.call_id);
                event.exit_code = payload.exit_code;
                event.success = payload.success;
                event.mcp_server = payload.invocation.as_ref().and_then(|it| it.server.clone());
                EventKind::Result
            }
            Some("error" | "stream_error") => {
                event.error_message = payload.message.as_ref().and_then(fields::words);
                EventKind::Error
            }
            _ => EventKind::Other,
        }
    }
}

/// Something that was done. Tool, arguments and output of a call that the model made stand in lines of
/// their own.
fn completed(item: &Item, event: &mut Event) -> EventKind {
    event.detail.clone_from(&item.kind);
    let kind = match item.kind.as_deref() {
        Some("CommandExecution") => {
            event.exit_code = item.exit_code;
            let path = |cwd: &String| cwd.strip_prefix(FILE_URL).unwrap_or(cwd).to_owned();
            event.cwd = item.cwd.as_ref().map(path);
            event.output.clone_from(&item.aggregated_output);
            EventKind::Result
        }
        Some("FileChange") => {
            event.success = succeeded(item);
            event.output.clone_from(&item.stdout);
            EventKind::Result
        }
        Some("McpToolCall") => {
            event.success = succeeded(item);
            event.mcp_server.clone_from(&item.server);
            event.tool_name.clone_from(&item.tool);
            let content = item.result.as_ref().and_then(fields::output);
            let error = || item.error.as_ref()?.get("message")?.as_str().map(str::to_owned);
            event.output = content.or_else(error);
            event.arguments = item.arguments.as_ref().map(Value::to_string);
            EventKind::Result
        }
        Some("SubAgentActivity") => {
            event.detail.clone_from(&item.activity);
            event.receiver_session_id.clone_from(&item.agent_thread_id);
            EventKind::AgentMessage
        }
        _ => return EventKind::Other,
    };
    event.call_id.clone_from(&item.id);
    let nested = item.id.as_ref().is_some_and(|id| id.starts_with(NESTED_CALL));
    if !nested {
        event.output = None;
        event.arguments = None;
        event.tool_name = None;
    }
    kind
}

/// Whether the agent calls it a success; a command that ended has an exit code instead.
fn succeeded(item: &Item) -> Option<bool> {
    match item.status.as_deref()? {
        "completed" => Some(true),
        "failed" | "declined" => Some(false),
        _ => None,
    }
}
