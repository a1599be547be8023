//! Spans of Codex and the events on them.
//!
//! Codex exports every tracing span of its process, hundreds a turn. All of them are kept in `spans` with
//! the conversation, turn and call they name; the few below also yield a row in `events`:
//!
//! | span | kind | says |
//! |---|---|---|
//! | `session_task.*` | other | a turn, from its start for its duration |
//! | `session_loop` | session_end | a conversation was closed; the row's time is the span's end |
//! | any with `codex.tool.phase` | call | a call was dispatched; `error_type` is `aborted` where it was cut off |
//! | `unified_exec.exec_command` | call | a command was handed to the executor; `detail` is how it ended |
//! | `code_mode.broker.invoke_tool` | call | code mode made a nested call |
//! | `mcp.tools.call` | mcp_call | an MCP request left for a server: absent where the call was refused |
//! | `guardian_review` | review | the automated reviewer ran, in the trace of its own conversation |
//! | `codex.hooks.*` | hook | a hook ran; whether it blocked is not said |
//! | `op.dispatch.{exec_approval,patch_approval,request_permissions_response,resolve_elicitation}` | approval_request | a client answered an approval request: absent where nobody was asked |
//!
//! Hooks and answers to approval requests name no conversation. A hook stands in the trace of its turn, an
//! answer in the trace of its conversation's `session_loop`. The address that a proxy decision is about
//! stands, with path and query, on the span `http::serve` whose id the decision's log record carries.

use opentelemetry_proto::tonic::trace::v1::{Span as OtlpSpan, span::Event as OtlpSpanEvent};

use super::{EVENT_PREFIX, conversation, logs, turn};
use crate::dialects::{at_end, same_place, set_kind};
use crate::names::blotter::EventKind;
use crate::names::codex::{self, EventName};
use crate::otlp::values::Attributes;
use crate::tables::{Event, Span};

const TURN_PREFIX: &str = "session_task.";
/// The part of a turn that is not the turn.
const TURN_RUN: &str = "session_task.run";
const SESSION_LOOP: &str = "session_loop";
const UNIFIED_EXEC: &str = "unified_exec.exec_command";
const NESTED_CALL: &str = "code_mode.broker.invoke_tool";
const MCP_CALL: &str = "mcp.tools.call";
const REVIEW: &str = "guardian_review";
const HOOK_PREFIX: &str = "codex.hooks.";
const APPROVAL_ANSWERS: [&str; 4] = [
    "op.dispatch.exec_approval",
    "op.dispatch.patch_approval",
    "op.dispatch.request_permissions_response",
    "op.dispatch.resolve_elicitation",
];
/// What a call that was cut off has as its class of error: the attribute's own name.
const ABORTED: &str = codex::ABORTED;

/// Fills a span's row and, where it yields one, the row derived from it.
pub(super) fn span(span: &OtlpSpan, row: &mut Span, event: &mut Event) -> bool {
    let attributes = Attributes(&span.attributes);
    row.turn_id = turn(&attributes);
    row.call_id = call(&attributes).or_else(|| nested_call(span));
    let Some(kind) = kind(span, &attributes, row, event) else {
        return false;
    };
    set_kind(event, kind);
    same_place(row, event);
    event.model = attributes.text(codex::MODEL);
    true
}

/// What the span is to an audit, if anything; fills the columns that only its kind has.
fn kind(
    span: &OtlpSpan,
    attributes: &Attributes<'_>,
    row: &Span,
    event: &mut Event,
) -> Option<EventKind> {
    Some(match span.name.as_str() {
        SESSION_LOOP => {
            // A conversation ends when its loop does, not when the loop's span began.
            at_end(row, event);
            EventKind::SessionEnd
        }
        UNIFIED_EXEC => {
            event.detail = attributes.text(codex::OUTCOME);
            EventKind::Call
        }
        NESTED_CALL => {
            event.tool_name = attributes.text(codex::TOOL_NAME);
            event.tool_namespace = attributes.text(codex::TOOL_NAMESPACE);
            EventKind::Call
        }
        MCP_CALL => {
            event.mcp_server = attributes.text(codex::MCP_SERVER_NAME);
            event.mcp_method = attributes.text(codex::RPC_METHOD);
            event.tool_name = attributes.text(codex::TOOL_DOT_NAME);
            if let Some(origin) = attributes.text(codex::MCP_DOT_SERVER_DOT_ORIGIN) {
                logs::mcp_origin(origin, event);
            }
            event.transport = attributes.text(codex::MCP_TRANSPORT).or(event.transport.take());
            event.server_address =
                attributes.text(codex::SERVER_ADDRESS).or(event.server_address.take());
            event.server_port = attributes.int(codex::SERVER_PORT).or(event.server_port);
            event.error_type = attributes.text(codex::ERROR_DOT_TYPE);
            event.detail = attributes.text(codex::CODEX_MCP_ERROR_CODE);
            EventKind::McpCall
        }
        REVIEW => EventKind::Review,
        name if APPROVAL_ANSWERS.contains(&name) => {
            event.detail = attributes.text(codex::CODEX_OP);
            EventKind::ApprovalRequest
        }
        name if name.starts_with(HOOK_PREFIX) => {
            event.detail = attributes.text(codex::HOOK_EVENT_NAME);
            EventKind::Hook
        }
        name if name.starts_with(TURN_PREFIX) && name != TURN_RUN => EventKind::Other,
        // Such a span is named after its tool.
        _ if attributes.contains(codex::CODEX_TOOL_PHASE) && row.call_id.is_some() => {
            event.tool_name = attributes.text(codex::TOOL_NAME);
            event.detail = attributes.text(codex::TOOL_SOURCE);
            if attributes.flag(codex::ABORTED) == Some(true) {
                event.error_type = Some(ABORTED.to_owned());
            }
            EventKind::Call
        }
        _ => return None,
    })
}

/// The call a span names, in the spellings of its different spans.
fn call(attributes: &Attributes<'_>) -> Option<String> {
    attributes.first_text(&[codex::CALL_ID, codex::TOOL_DOT_CALL_ID, codex::TOOL_CALL_ID])
}

/// Code mode's span does not name its call; the event on it does.
fn nested_call(span: &OtlpSpan) -> Option<String> {
    if span.name != NESTED_CALL {
        return None;
    }
    span.events.iter().find_map(|event| Attributes(&event.attributes).text(codex::CALL_ID))
}

/// Fills the row derived from an event on a span. Plumbing yields none; an event of Codex that is not
/// known yet yields one of kind `other`.
pub(super) fn span_event(span: &OtlpSpan, span_event: &OtlpSpanEvent, event: &mut Event) -> bool {
    let attributes = Attributes(&span_event.attributes);
    if !attributes.str(codex::EVENT_NAME).is_some_and(|name| name.starts_with(EVENT_PREFIX)) {
        return false;
    }
    let name = logs::fill(&attributes, event);
    if matches!(name, Some(EventName::StartupPhase | EventName::TurnProfile | EventName::TurnTtft))
    {
        return false;
    }
    let around = Attributes(&span.attributes);
    if event.session_id.is_none() {
        event.session_id = conversation(&around);
    }
    if event.turn_id.is_none() {
        event.turn_id = turn(&around);
    }
    true
}
