//! Spans of Gemini CLI: where the ids and outputs of calls stand.
//!
//! | span | kind | says |
//! |---|---|---|
//! | `tool_call` | call, result | a tool was executed; absent where the call was refused |
//! | `schedule_tool_calls` of one call | call | a call was asked for; also where it was refused. The log record of the call's end carries this span's id |
//!
//! The status of a span is always that it went well; how a call went stands in the JSON of
//! `gen_ai.output.messages`. `llm_call`, `user_prompt` and `system_prompt` yield none: log records say the same.

use opentelemetry_proto::tonic::trace::v1::Span as OtlpSpan;
use serde::Deserialize;
use serde_json::Value;

use crate::dialects::gen_ai::spans::place;
use crate::dialects::{Derived, json, same_place, set_kind};
use crate::names::blotter::EventKind;
use crate::names::gemini_cli;
use crate::names::opentelemetry as otel;
use crate::otlp::values::Attributes;
use crate::tables::{Event, Span};

const TOOL_CALL: &str = "tool_call";
const SCHEDULE: &str = "schedule_tool_calls";

/// A call as it was asked for.
#[derive(Deserialize)]
struct Request {
    #[serde(rename = "callId")]
    call_id: Option<String>,
    name: Option<String>,
    args: Option<Value>,
    prompt_id: Option<String>,
}

/// A call as it ended.
#[derive(Deserialize)]
struct Completed {
    status: Option<String>,
    outcome: Option<String>,
    response: Option<Response>,
}

#[derive(Deserialize)]
struct Response {
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    #[serde(rename = "responseParts", default)]
    parts: Vec<Value>,
}

/// Words of a call's status.
const SUCCESS: &str = "success";
const ERROR: &str = "error";
const CANCELLED: &str = "cancelled";
/// Where the answer of a tool stands in the first part of a response, and under which names.
const ANSWER: &str = "/functionResponse/response";
const OUTPUT: &str = "output";

/// Fills a span's row and, where it yields one, the row derived from its start.
pub(super) fn span(span: &OtlpSpan, row: &mut Span, event: &mut Event) -> Derived {
    let attributes = Attributes(&span.attributes);
    row.call_id =
        attributes.first_text(&[gemini_cli::GEN_AI_TOOL_CALL_ID, otel::GEN_AI_TOOL_CALL_ID]);
    let (request, derived) = match span.name.as_str() {
        TOOL_CALL => (asked(&attributes), Derived::StartAndEnd),
        SCHEDULE => match only_call(&attributes) {
            Some(request) => (Some(request), Derived::Start),
            None => return Derived::Nothing,
        },
        _ => return Derived::Nothing,
    };
    if let Some(request) = &request {
        row.call_id = row.call_id.take().or_else(|| request.call_id.clone());
        row.turn_id.clone_from(&request.prompt_id);
    }
    tool(&attributes, request, row, event);
    set_kind(event, EventKind::Call);
    derived
}

/// Fills the row derived from the end of a call's span.
pub(super) fn end(span: &OtlpSpan, row: &Span, event: &mut Event) {
    let attributes = Attributes(&span.attributes);
    tool(&attributes, asked(&attributes), row, event);
    set_kind(event, EventKind::Result);
    let completed = attributes.str(otel::GEN_AI_OUTPUT_MESSAGES).and_then(json::read::<Completed>);
    let Some(completed) = completed else { return };
    event.success = match completed.status.as_deref() {
        Some(SUCCESS) => Some(true),
        Some(ERROR) => Some(false),
        _ => None,
    };
    event.detail = completed.outcome;
    // A cancelled call has no class of error of its own.
    event.error_type = completed.status.filter(|status| status == CANCELLED);
    let Some(response) = completed.response else { return };
    event.error_type = response.error_type.or(event.error_type.take());
    let answer = response.parts.first().and_then(|part| part.pointer(ANSWER));
    let Some(answer) = answer else { return };
    let words = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
    event.error_message = words(ERROR);
    event.output =
        words(OUTPUT).or_else(|| event.error_message.is_none().then(|| answer.to_string()));
}

fn tool(attributes: &Attributes<'_>, request: Option<Request>, row: &Span, event: &mut Event) {
    place(attributes, event);
    same_place(row, event);
    event.tool_name = attributes.text(otel::GEN_AI_TOOL_NAME);
    if let Some(request) = request {
        event.tool_name = event.tool_name.take().or(request.name);
        event.arguments = request.args.map(|arguments| arguments.to_string());
    }
}

fn asked(attributes: &Attributes<'_>) -> Option<Request> {
    attributes.str(otel::GEN_AI_INPUT_MESSAGES).and_then(json::read)
}

/// The call that was scheduled, where it was one: of several, a row could name but one.
fn only_call(attributes: &Attributes<'_>) -> Option<Request> {
    let mut requests: Vec<Request> =
        attributes.str(otel::GEN_AI_INPUT_MESSAGES).and_then(json::read)?;
    if requests.len() == 1 { requests.pop() } else { None }
}
