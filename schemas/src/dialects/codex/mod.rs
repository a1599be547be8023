//! OpenAI Codex, as seen on the wire (0.169.0) and read in its source.
//!
//! **Who.** Every client of Codex sends under its originator as `service.name` (`codex_exec`,
//! `codex-app-server`, ...); log records also have a scope `codex_otel*`, and events an `event.name`
//! that begins `codex.`.
//!
//! **How its records map.** The name of an event is the attribute `event.name`; the record's own name
//! field is a source position. Log records: see [`logs`]. Span events repeat most log records without
//! their content and are given the same kind and name, so that a reader can pair them (same name and
//! call, within 2 ms); `codex.tool_call_received` has no log twin and is the only sign of a call that a
//! hook blocked or a person cancelled: see [`spans`]. A conversation is `conversation.id` on log records;
//! spans say `conversation.id`, `thread_id`, or `thread.id` as a *string* (the integer `thread.id` beside
//! it is the operating system's). A turn is `turn.id` or `turn_id`. `session.id` is not read: on
//! `code_mode.*` spans it is something else.
//!
//! The automated reviewer is a conversation of its own, whose prompt is the transcript under review; no
//! record names both, but `guardian_review` and `codex.guardian_assessment` name the conversation under
//! review and stand in the trace of the reviewer's. A nested call of code mode has an id that begins
//! `exec-` and a trace of its own; no record names the call around it.
//!
//! Tokens stand in the columns of `usage` rows alone (the stream event that carries
//! `input_token_count`), because Codex repeats them on spans; they may therefore be summed.
//!
//! **What Codex does not say** in its telemetry: a turn on prompts, decisions and results; a call on proxy
//! decisions; an exit code as a field (it stands in the words of the output, which are not read here); a
//! decision where a rule forbids a command; anything but a span event where a hook blocks a call or a
//! person cancels the turn; a parent conversation, except on answers of sub-agents and in messages of
//! kind `spawn`; the executor; a permission profile's name; the failure of an MCP server to start.
//! `decision_source` is as sent: `User` also where the approval policy answered for nobody.

mod justification;
mod logs;
mod spans;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::{Span as OtlpSpan, span::Event as OtlpSpanEvent};

pub(crate) use justification::justification;

use super::{Derived, Dialect, Origin, Signature};
use crate::names::codex;
use crate::otlp::values::Attributes;
use crate::tables::{Event, Span};

/// How every event name of Codex begins.
const EVENT_PREFIX: &str = "codex.";
/// How its originators and the Rust targets of its spans begin.
const PREFIXES: [&str; 2] = ["codex_", "codex-"];
/// Name and version of the dialect.
pub(crate) const SIGNATURE: Signature = Signature {
    name: "codex",
    version: 2,
    services: &PREFIXES,
    scopes: &["codex_otel"],
    events: &[EVENT_PREFIX],
};

/// The dialect of Codex.
pub(super) struct Codex;

impl Dialect for Codex {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn recognises(&self, origin: &Origin<'_>, attributes: &Attributes<'_>) -> bool {
        let ours = |text: &str| PREFIXES.iter().any(|prefix| text.starts_with(prefix));
        SIGNATURE.matches(origin, attributes) || attributes.str(codex::TARGET).is_some_and(ours)
    }

    fn session(&self, _: &Origin<'_>, attributes: &Attributes<'_>) -> Option<String> {
        conversation(attributes)
    }

    fn log(&self, _: &Origin<'_>, record: &LogRecord, event: &mut Event) {
        logs::log(record, event);
    }

    fn span(&self, _: &Origin<'_>, span: &OtlpSpan, row: &mut Span, event: &mut Event) -> Derived {
        spans::span(span, row, event).into()
    }

    fn span_event(
        &self,
        _: &Origin<'_>,
        span: &OtlpSpan,
        span_event: &OtlpSpanEvent,
        event: &mut Event,
    ) -> bool {
        spans::span_event(span, span_event, event)
    }
}

/// The conversation a record names.
fn conversation(attributes: &Attributes<'_>) -> Option<String> {
    attributes
        .first_text(&[codex::CONVERSATION_ID, codex::THREAD_ID])
        .or_else(|| thread(attributes))
}

/// The string `thread.id`. The operating system's, an integer, stands under the same key.
fn thread(attributes: &Attributes<'_>) -> Option<String> {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    attributes.0.iter().rev().filter(|attribute| attribute.key == codex::THREAD_DOT_ID).find_map(
        |attribute| match attribute.value.as_ref()?.value.as_ref()? {
            Value::StringValue(thread) if !thread.is_empty() => Some(thread.clone()),
            _ => None,
        },
    )
}

/// The turn a record names, in either spelling.
fn turn(attributes: &Attributes<'_>) -> Option<String> {
    attributes.first_text(&[codex::TURN_DOT_ID, codex::TURN_ID])
}
