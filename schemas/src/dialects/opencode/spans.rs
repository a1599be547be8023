//! Spans of OpenCode.
//!
//! | span | kind | says |
//! |---|---|---|
//! | `Tool.execute` | call, result | a tool was executed or refused; what went wrong |
//! | `ai.toolCall` | call, result | the same call with its arguments and output |
//! | `Permission.ask` and others that end so | approval_request | a permission was asked for: its log lines stand in it, the call's span is above it |
//! | `ai.streamText` | prompt | where the last message is a person's: its words |
//! | `ai.streamText.doStream` | api_request or api_error, response | a request to the model with its tokens; the words of its answer |
//!
//! All others (hundreds of `sql.execute` a turn) are plumbing.

use opentelemetry_proto::tonic::trace::v1::Span as OtlpSpan;
use serde::Deserialize;
use serde_json::Value;

use crate::dialects::gen_ai::spans::{place, status};
use crate::dialects::{Derived, json, same_place, set_kind};
use crate::names::blotter::EventKind;
use crate::names::opencode;
use crate::names::opentelemetry as otel;
use crate::otlp::values::Attributes;
use crate::tables::{Event, Span};

const TOOL: &str = "Tool.execute";
const SDK_TOOL: &str = "ai.toolCall";
/// How the names end of the spans in which permissions are asked for.
const ASK: &str = ".ask";
/// The event that tells what a span failed with.
const EXCEPTION: &str = "exception";
const TURN: &str = "ai.streamText";
const REQUEST: &str = "ai.streamText.doStream";

/// Fills a span's row and, where it yields one, the row derived from its start.
pub(super) fn span(span: &OtlpSpan, row: &mut Span, event: &mut Event) -> Derived {
    let attributes = Attributes(&span.attributes);
    row.call_id = attributes.first_text(&[opencode::AI_TOOLCALL_ID, opencode::TOOL_CALL_ID]);
    let (kind, derived) = match span.name.as_str() {
        TOOL | SDK_TOOL => {
            tool(&attributes, event);
            (EventKind::Call, Derived::StartAndEnd)
        }
        TURN => {
            event.text = attributes.str(opencode::AI_PROMPT).and_then(prompt);
            if event.text.is_none() {
                return Derived::Nothing;
            }
            (EventKind::Prompt, Derived::Start)
        }
        REQUEST => (request(span, &attributes, event), Derived::StartAndEnd),
        name if name.ends_with(ASK) => (EventKind::ApprovalRequest, Derived::Start),
        _ => return Derived::Nothing,
    };
    same_place(row, event);
    set_kind(event, kind);
    derived
}

/// Fills the row derived from the end of a span.
pub(super) fn end(span: &OtlpSpan, row: &Span, event: &mut Event) -> bool {
    let attributes = Attributes(&span.attributes);
    let kind = if span.name == REQUEST {
        event.text = attributes.text(opencode::AI_RESPONSE_TEXT);
        if event.text.is_none() {
            return false;
        }
        model(&attributes, event);
        EventKind::Response
    } else {
        tool(&attributes, event);
        result(&attributes, event);
        status(span, event);
        event.error_type = exception(span);
        EventKind::Result
    };
    same_place(row, event);
    set_kind(event, kind);
    true
}

fn tool(attributes: &Attributes<'_>, event: &mut Event) {
    event.tool_name = attributes.first_text(&[opencode::AI_TOOLCALL_NAME, opencode::TOOL_NAME]);
    event.arguments = attributes.text(opencode::AI_TOOLCALL_ARGS);
}

/// What a tool returned.
#[derive(Deserialize)]
struct Returned {
    output: String,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    exit: Option<i64>,
    truncated: Option<bool>,
}

fn result(attributes: &Attributes<'_>, event: &mut Event) {
    let Some(text) = attributes.text(opencode::AI_TOOLCALL_RESULT) else { return };
    match json::read::<Returned>(&text) {
        Some(returned) => {
            event.output = Some(returned.output);
            event.exit_code = returned.metadata.as_ref().and_then(|metadata| metadata.exit);
            event.output_truncated = returned.metadata.and_then(|metadata| metadata.truncated);
        }
        None => event.output = Some(text),
    }
}

/// The class of what a span failed with.
fn exception(span: &OtlpSpan) -> Option<String> {
    let exception = span.events.iter().rfind(|event| event.name == EXCEPTION)?;
    Attributes(&exception.attributes).text(otel::EXCEPTION_TYPE)
}

fn model(attributes: &Attributes<'_>, event: &mut Event) {
    place(attributes, event);
    event.model = event.model.take().or_else(|| attributes.text(opencode::AI_MODEL_ID));
    event.provider = event.provider.take().or_else(|| attributes.text(opencode::AI_MODEL_PROVIDER));
}

fn request(span: &OtlpSpan, attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    model(attributes, event);
    status(span, event);
    event.tokens_input = attributes.int(opencode::AI_USAGE_INPUTTOKENS);
    event.tokens_output = attributes.int(opencode::AI_USAGE_OUTPUTTOKENS);
    event.tokens_cached = attributes.int(opencode::AI_USAGE_CACHEDINPUTTOKENS);
    event.tokens_reasoning = attributes.int(opencode::AI_USAGE_REASONINGTOKENS);
    if event.success == Some(false) { EventKind::ApiError } else { EventKind::ApiRequest }
}

#[derive(Deserialize)]
struct Prompt {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Value,
}

const USER: &str = "user";

/// The words of the last message, where it is a person's. The request that makes up a session's title has
/// two such messages in a row, the first of them OpenCode's own.
fn prompt(text: &str) -> Option<String> {
    let prompt: Prompt = json::read(text)?;
    let (last, before) = prompt.messages.split_last()?;
    if last.role != USER || before.last().is_some_and(|before| before.role == USER) {
        return None;
    }
    let words = match &last.content {
        Value::String(words) => words.clone(),
        Value::Array(parts) => {
            let words = parts.iter().filter_map(|part| part.get("text")?.as_str());
            words.collect::<Vec<_>>().join("\n")
        }
        _ => return None,
    };
    Some(words).filter(|words| !words.is_empty())
}
