//! Spans: calls, turns, MCP requests, and requests to a model.

use opentelemetry_proto::tonic::trace::v1::Span as OtlpSpan;

use super::facts::{error, executed};
use super::place;
use crate::dialects::gen_ai::{self, spans};
use crate::dialects::{Derived, same_place, set_kind};
use crate::names::blotter::{self, EventKind};
use crate::names::opentelemetry::{self as otel, GenAiOperationName as Operation};
use crate::otlp::values::Attributes;
use crate::tables::{Event, Span};

/// The row derived from the start of a span.
pub(super) fn start(span: &OtlpSpan, row: &mut Span, event: &mut Event) -> Derived {
    let attributes = Attributes(&span.attributes);
    row.turn_id = attributes.text(blotter::BLOTTER_TURN_ID);
    row.call_id = attributes.text(otel::GEN_AI_TOOL_CALL_ID);
    let (kind, derived) = match gen_ai::operation(&attributes) {
        Some(Operation::ExecuteTool) => {
            call(&attributes, event);
            event.detail = attributes.flag(blotter::BLOTTER_CALL_EXECUTED).map(executed);
            (EventKind::Call, Derived::StartAndEnd)
        }
        Some(Operation::InvokeAgent | Operation::InvokeWorkflow) => {
            place::fill(&attributes, event);
            (EventKind::TurnStart, Derived::StartAndEnd)
        }
        Some(
            Operation::Chat
            | Operation::GenerateContent
            | Operation::TextCompletion
            | Operation::Embeddings,
        ) => {
            let kind = spans::inference(span, &attributes, event);
            place::fill(&attributes, event);
            event.transport = attributes.text(blotter::BLOTTER_TRANSPORT);
            (kind, Derived::StartAndEnd)
        }
        Some(Operation::CreateAgent | Operation::Plan | Operation::Retrieval) => {
            place::fill(&attributes, event);
            (EventKind::Other, Derived::Start)
        }
        None if attributes.contains(otel::MCP_METHOD_NAME) => {
            let kind = spans::mcp(span, &attributes, event);
            place::fill(&attributes, event);
            let transport = attributes.text(blotter::BLOTTER_MCP_TRANSPORT);
            event.transport = transport.or_else(|| event.transport.take());
            (kind, Derived::Start)
        }
        None => return Derived::Nothing,
    };
    set_kind(event, kind);
    same_place(row, event);
    derived
}

/// The row derived from its end.
pub(super) fn end(span: &OtlpSpan, row: &Span, event: &mut Event) -> bool {
    let attributes = Attributes(&span.attributes);
    let kind = match gen_ai::operation(&attributes) {
        Some(Operation::ExecuteTool) => {
            let kind = spans::result(span, &attributes, event);
            call(&attributes, event);
            error(&attributes, event);
            event.text = None;
            event.http_status = None;
            event.transport =
                event.transport.take().or_else(|| attributes.text(blotter::BLOTTER_TRANSPORT));
            event.output_truncated = attributes.flag(blotter::BLOTTER_OUTPUT_TRUNCATED);
            event.detail = attributes.text(blotter::BLOTTER_CALL_OUTCOME);
            kind
        }
        Some(Operation::InvokeAgent | Operation::InvokeWorkflow) => {
            place::fill(&attributes, event);
            spans::status(span, event);
            error(&attributes, event);
            event.text = None;
            event.http_status = None;
            event.detail = attributes.text(blotter::BLOTTER_TURN_OUTCOME);
            EventKind::TurnEnd
        }
        _ => {
            let Some(words) = spans::answer(&attributes) else { return false };
            place::fill(&attributes, event);
            event.server_address = attributes.text(otel::SERVER_ADDRESS);
            event.server_port = attributes.int(otel::SERVER_PORT);
            event.text = Some(words);
            EventKind::Response
        }
    };
    set_kind(event, kind);
    same_place(row, event);
    true
}

/// What a span of a call says of it, at its start and its end.
fn call(attributes: &Attributes<'_>, event: &mut Event) {
    place::fill(attributes, event);
    event.arguments = attributes.text(otel::GEN_AI_TOOL_CALL_ARGUMENTS);
    event.mcp_method = attributes.text(otel::MCP_METHOD_NAME);
    event.transport = attributes.text(blotter::BLOTTER_MCP_TRANSPORT);
}
