//! OpenCode, as seen on the wire (1.18.33).
//!
//! **Who.** `service.name` and scope are `opencode`.
//!
//! **How its records map.** It has no events: log records are lines of its log, whose body is a string or an
//! array of a message and its data as text, `["evaluated", "{...}"]`: see [`logs`]. They name no call, and few
//! of them a session; they stand in the trace of the session's turn, each in the span it was written from.
//! Spans are many hundreds a turn; those of calls and of requests to the model name the session: see [`spans`].
//! `ai.*` spans are the AI SDK's and are sent only with `experimental.openTelemetry`.
//!
//! Tokens stand on the rows of `ai.streamText.doStream` alone; `ai.streamText` repeats them.
//!
//! **What OpenCode does not say** in its telemetry: who decided (what is logged is which rule matched); which
//! call a decision is about, other than by its span; a sandbox, which it has none of; the end of a session.
//! `success` of a command does not look at its exit code.

mod logs;
mod spans;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span as OtlpSpan;

use super::{Derived, Dialect, Origin, Signature};
use crate::names::opencode;
use crate::otlp::values::Attributes;
use crate::tables::{Event, Span};

const SIGNATURE: Signature = Signature {
    name: "opencode",
    version: 2,
    services: &["opencode"],
    scopes: &["opencode"],
    events: &[],
};

/// The dialect of OpenCode.
pub(super) struct OpenCode;

impl Dialect for OpenCode {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn session(&self, _: &Origin<'_>, attributes: &Attributes<'_>) -> Option<String> {
        attributes.first_text(&[opencode::SESSION_ID, opencode::AI_TELEMETRY_METADATA_SESSIONID])
    }

    fn log(&self, _: &Origin<'_>, record: &LogRecord, event: &mut Event) {
        logs::log(record, event);
    }

    fn span(&self, _: &Origin<'_>, span: &OtlpSpan, row: &mut Span, event: &mut Event) -> Derived {
        spans::span(span, row, event)
    }

    fn span_end(&self, _: &Origin<'_>, span: &OtlpSpan, row: &Span, event: &mut Event) -> bool {
        spans::end(span, row, event)
    }
}
