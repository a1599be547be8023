//! Qwen Code, as seen on the wire (0.24.4) and read in its source. It grew from Gemini CLI and has diverged.
//!
//! **Who.** `service.name` and scope are `qwen-code`; event names begin `qwen-code.`, but for `session.start`
//! and `session.end`.
//!
//! **How its records map.** Log records are the main source: `session.id` is the session, `prompt_id`
//! (`<session>########<n>`) the turn, `call_id` the call: see [`logs`]. Spans have the shape of Claude Code's:
//! see [`spans`]. Many attributes have an empty value.
//!
//! Tokens stand on the rows of `qwen-code.api_response` alone; spans repeat them.
//!
//! **What Qwen Code does not say** in its telemetry: who decided about a call; a decision where a rule forbids
//! a call (there `error_type` is `execution_denied` and `execution_status` is `not_started`); the output of a
//! tool; the exit code as a field; what a sandbox did. Hooks give a call an id of their own (`tool.use_id`),
//! and report `success` = false where no hook is configured.

mod logs;
mod spans;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span as OtlpSpan;

use super::{Derived, Dialect, Origin, Signature};
use crate::names::opentelemetry as otel;
use crate::names::qwen_code;
use crate::otlp::values::Attributes;
use crate::tables::{Event, Span};

const SIGNATURE: Signature = Signature {
    name: "qwen_code",
    version: 1,
    services: &["qwen-code"],
    scopes: &["qwen-code"],
    events: &["qwen-code."],
};

/// The dialect of Qwen Code.
pub(super) struct QwenCode;

impl Dialect for QwenCode {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn session(&self, origin: &Origin<'_>, attributes: &Attributes<'_>) -> Option<String> {
        attributes
            .first_text(&[qwen_code::SESSION_ID, otel::GEN_AI_CONVERSATION_ID])
            .or_else(|| origin.resource.text(qwen_code::SESSION_ID))
    }

    fn log(&self, _: &Origin<'_>, record: &LogRecord, event: &mut Event) {
        logs::log(record, event);
    }

    fn span(&self, _: &Origin<'_>, span: &OtlpSpan, row: &mut Span, event: &mut Event) -> Derived {
        spans::span(span, row, event).into()
    }
}
