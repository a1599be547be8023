//! Any agent that follows OpenTelemetry's GenAI and MCP conventions, whatever its name.
//!
//! **Who.** A record with an attribute or event name of the conventions, that no other dialect takes.
//!
//! **How its records map.** By `gen_ai.operation.name`, see the table; an MCP span by `mcp.method.name`. A
//! span is sent when it ends, so a call that never ended leaves none.
//!
//! | operation | start | end |
//! |---|---|---|
//! | `execute_tool` | call | result |
//! | `chat`, `generate_content`, `text_completion`, `embeddings` | api_request or api_error | response, where the words are sent |
//! | `invoke_agent`, `invoke_workflow` | prompt, where the words are sent, else other | |
//! | `create_agent`, `plan`, `retrieval` | other | |
//!
//! Tokens stand on requests alone: what an agent's span adds up is not read, so that they may be summed.
//!
//! **What the conventions have no word for:** decisions, approvals, policies, sandboxes. A call that was
//! refused leaves an error at best.

pub(super) mod messages;
pub(super) mod spans;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::{Span as OtlpSpan, span::Event as OtlpSpanEvent};

use super::{Derived, Dialect, Origin, Signature, body, same_place, set_kind};
use crate::names::blotter::EventKind;
use crate::names::opentelemetry::{self as otel, EventName, GenAiOperationName as Operation};
use crate::otlp::values::Attributes;
use crate::tables::{Event, Span};

/// How the names of the conventions begin.
const PREFIXES: [&str; 2] = ["gen_ai.", "mcp."];

const SIGNATURE: Signature =
    Signature { name: "gen_ai", version: 1, services: &[], scopes: &[], events: &[] };

/// The dialect of the conventions.
pub(super) struct GenAi;

/// The operation a span is of, in the conventions' spelling.
pub(in crate::dialects) fn operation(attributes: &Attributes<'_>) -> Option<Operation> {
    attributes.str(otel::GEN_AI_OPERATION_NAME).and_then(Operation::from_value)
}

impl Dialect for GenAi {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn recognises(&self, _: &Origin<'_>, attributes: &Attributes<'_>) -> bool {
        let ours = |name: &str| PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        attributes.0.iter().any(|attribute| ours(&attribute.key))
            || attributes.str(otel::EVENT_NAME).is_some_and(ours)
    }

    fn session(&self, origin: &Origin<'_>, attributes: &Attributes<'_>) -> Option<String> {
        [attributes, &origin.resource].into_iter().find_map(|attributes| {
            attributes.first_text(&[otel::GEN_AI_CONVERSATION_ID, otel::SESSION_ID])
        })
    }

    fn log(&self, _: &Origin<'_>, record: &LogRecord, event: &mut Event) {
        let attributes = Attributes(&record.attributes);
        spans::place(&attributes, event);
        event.text = body(record);
        let name = event.name.as_deref().and_then(EventName::from_value);
        let kind = match name {
            Some(EventName::InferenceDetails) => match spans::answer(&attributes) {
                Some(words) => {
                    event.text = Some(words);
                    EventKind::Response
                }
                None => EventKind::Other,
            },
            Some(EventName::OperationException) => {
                event.error_type = attributes.text(otel::EXCEPTION_TYPE);
                event.error_message = attributes.text(otel::EXCEPTION_MESSAGE);
                EventKind::ApiError
            }
            Some(EventName::EvaluationResult) | None => EventKind::Other,
        };
        set_kind(event, kind);
    }

    fn span(&self, _: &Origin<'_>, span: &OtlpSpan, row: &mut Span, event: &mut Event) -> Derived {
        let attributes = Attributes(&span.attributes);
        row.call_id = attributes.text(otel::GEN_AI_TOOL_CALL_ID);
        let (kind, derived) = match operation(&attributes) {
            Some(Operation::ExecuteTool) => (spans::call(&attributes, event), Derived::StartAndEnd),
            Some(
                Operation::Chat
                | Operation::GenerateContent
                | Operation::TextCompletion
                | Operation::Embeddings,
            ) => (spans::inference(span, &attributes, event), Derived::StartAndEnd),
            Some(Operation::InvokeAgent | Operation::InvokeWorkflow) => {
                spans::place(&attributes, event);
                event.text = spans::prompt(&attributes);
                let asked = event.text.is_some();
                (if asked { EventKind::Prompt } else { EventKind::Other }, Derived::Start)
            }
            Some(Operation::CreateAgent | Operation::Plan | Operation::Retrieval) => {
                spans::place(&attributes, event);
                (EventKind::Other, Derived::Start)
            }
            None if attributes.contains(otel::MCP_METHOD_NAME) => {
                (spans::mcp(span, &attributes, event), Derived::Start)
            }
            None => return Derived::Nothing,
        };
        set_kind(event, kind);
        same_place(row, event);
        derived
    }

    fn span_end(&self, _: &Origin<'_>, span: &OtlpSpan, row: &Span, event: &mut Event) -> bool {
        end(span, row, event)
    }

    fn span_event(
        &self,
        origin: &Origin<'_>,
        span: &OtlpSpan,
        span_event: &OtlpSpanEvent,
        event: &mut Event,
    ) -> bool {
        // An exception repeats what the span around it says of its own end.
        let said = Attributes(&span_event.attributes);
        let details = event.name.as_deref().and_then(EventName::from_value);
        if details != Some(EventName::InferenceDetails) {
            return false;
        }
        let Some(words) = spans::answer(&said) else { return false };
        let around = Attributes(&span.attributes);
        spans::place(&around, event);
        event.session_id = self.session(origin, &around);
        event.text = Some(words);
        set_kind(event, EventKind::Response);
        true
    }
}

/// What the end of a span says: the result of a call, or the words of an answer.
pub(super) fn end(span: &OtlpSpan, row: &Span, event: &mut Event) -> bool {
    let attributes = Attributes(&span.attributes);
    let kind = if operation(&attributes) == Some(Operation::ExecuteTool) {
        spans::result(span, &attributes, event)
    } else {
        let Some(words) = spans::answer(&attributes) else { return false };
        spans::place(&attributes, event);
        event.text = Some(words);
        EventKind::Response
    };
    set_kind(event, kind);
    same_place(row, event);
    true
}
