//! Spans of Claude Code (beta) and the events on them.
//!
//! | span | kind | says |
//! |---|---|---|
//! | `claude_code.interaction` | other | a turn, from its start for its duration |
//! | `claude_code.tool` | call | a call was asked for; also where it was refused |
//! | `claude_code.tool.blocked_on_user` | decision | what was decided after which wait; names no call, its parent span does |
//! | `claude_code.tool.execution` | result | whether the tool succeeded; absent where the call was refused |
//! | `claude_code.hook` | hook | a hook ran |
//!
//! The event `tool.output` on a tool's span is the only place where an output is sent. Requests to the
//! model (`claude_code.llm_request`) yield no row: the log record says the same, with the cost.

use opentelemetry_proto::tonic::trace::v1::{Span as OtlpSpan, span::Event as OtlpSpanEvent};

use super::{call, place};
use crate::dialects::set_kind;
use crate::names::blotter::EventKind;
use crate::names::claude_code;
use crate::otlp::values::Attributes;
use crate::tables::{Event, Span};

const INTERACTION: &str = "claude_code.interaction";
const TOOL: &str = "claude_code.tool";
const DECISION: &str = "claude_code.tool.blocked_on_user";
const EXECUTION: &str = "claude_code.tool.execution";
const HOOK: &str = "claude_code.hook";
/// Event on a tool's span.
const OUTPUT: &str = "tool.output";

/// Fills a span's row and, where it yields one, the row derived from it.
pub(super) fn span(span: &OtlpSpan, row: &mut Span, event: &mut Event) -> bool {
    let attributes = Attributes(&span.attributes);
    row.turn_id = attributes.text(claude_code::PROMPT_ID);
    row.call_id = call(&attributes);
    let kind = match span.name.as_str() {
        INTERACTION => EventKind::Other,
        TOOL => {
            arguments(&attributes, event);
            EventKind::Call
        }
        DECISION => {
            event.decision = attributes.text(claude_code::DECISION);
            event.decision_source = attributes.text(claude_code::SOURCE);
            EventKind::Decision
        }
        EXECUTION => {
            event.success = attributes.flag(claude_code::SUCCESS);
            event.error_type =
                attributes.first_text(&[claude_code::ERROR_CLASS, claude_code::ERROR_DOT_TYPE]);
            event.error_message = attributes.text(claude_code::ERROR);
            EventKind::Result
        }
        HOOK => {
            event.detail =
                attributes.first_text(&[claude_code::HOOK_NAME, claude_code::HOOK_EVENT]);
            EventKind::Hook
        }
        _ => return false,
    };
    place(&attributes, event);
    event.session_id.clone_from(&row.session_id);
    set_kind(event, kind);
    true
}

/// Fills the row derived from an event on a span.
pub(super) fn span_event(span: &OtlpSpan, span_event: &OtlpSpanEvent, event: &mut Event) -> bool {
    if span_event.name != OUTPUT {
        return false;
    }
    let around = Attributes(&span.attributes);
    place(&around, event);
    tool(&around, event);
    let attributes = Attributes(&span_event.attributes);
    event.output = attributes.first_text(&[claude_code::OUTPUT, claude_code::CONTENT]);
    set_kind(event, EventKind::Result);
    true
}

/// The tool; an MCP tool is named without its server here, as it is in `tool_parameters`.
fn tool(attributes: &Attributes<'_>, event: &mut Event) {
    event.mcp_server = attributes.text(claude_code::ANTHROPIC_MCP_SERVER_NAME);
    event.tool_name =
        attributes.first_text(&[claude_code::GEN_AI_TOOL_NAME, claude_code::TOOL_NAME]);
}

/// The command or file is all that a span says of the arguments.
fn arguments(attributes: &Attributes<'_>, event: &mut Event) {
    tool(attributes, event);
    event.arguments = attributes.first_text(&[claude_code::FULL_COMMAND, claude_code::FILE_PATH]);
}
