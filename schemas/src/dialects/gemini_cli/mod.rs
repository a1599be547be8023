//! Gemini CLI, as seen on the wire (0.61.0) and read in its source.
//!
//! **Who.** `service.name` and scope are `gemini-cli`, event names begin `gemini_cli.`. `service.version` is
//! that of Node.js, so that the version of the agent is not known.
//!
//! **How its records map.** Log records are the main source: the name of an event is the attribute
//! `event.name`, the body is prose; `session.id` stands on the resource and on records, a turn is `prompt_id`:
//! see [`logs`]. A log record names no call: a call's id stands on spans alone (as `gen_ai.tool.call_id`,
//! which the conventions spell otherwise), and the record of its end carries the id of the span
//! `schedule_tool_calls` around it: see [`spans`]. Many attributes have an empty value.
//!
//! Tokens stand on the rows of `gemini_cli.api_response` alone; `gen_ai.client.inference.operation.details`
//! and the spans repeat them.
//!
//! **What Gemini CLI does not say** in its telemetry: a decision as an event of its own, and who decided
//! (with approval mode `yolo` it says `accept` of calls that nobody was asked about); anything of a decision
//! where a tool is not registered or its parameters are invalid; the failure of a command other than as an exit
//! code inside `metadata` (`success` is true); the output of a tool, except on spans; what a sandbox did.
//! Words are sent by default: prompts, requests, answers, and the system prompt.

mod logs;
mod spans;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span as OtlpSpan;

use super::{Derived, Dialect, Origin, Signature};
use crate::names::gemini_cli;
use crate::names::opentelemetry as otel;
use crate::otlp::values::Attributes;
use crate::tables::{Event, Span};

const SIGNATURE: Signature = Signature {
    name: "gemini_cli",
    version: 2,
    services: &["gemini-cli"],
    scopes: &["gemini-cli"],
    events: &["gemini_cli."],
};

/// The dialect of Gemini CLI.
pub(super) struct GeminiCli;

impl Dialect for GeminiCli {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn session(&self, origin: &Origin<'_>, attributes: &Attributes<'_>) -> Option<String> {
        attributes
            .first_text(&[gemini_cli::SESSION_ID, otel::GEN_AI_CONVERSATION_ID])
            .or_else(|| origin.resource.text(gemini_cli::SESSION_ID))
    }

    fn log(&self, origin: &Origin<'_>, record: &LogRecord, event: &mut Event) {
        own_version(origin, event);
        logs::log(record, event);
    }

    fn span(
        &self,
        origin: &Origin<'_>,
        span: &OtlpSpan,
        row: &mut Span,
        event: &mut Event,
    ) -> Derived {
        own_version(origin, event);
        spans::span(span, row, event)
    }

    fn span_end(
        &self,
        origin: &Origin<'_>,
        span: &OtlpSpan,
        row: &Span,
        event: &mut Event,
    ) -> bool {
        own_version(origin, event);
        spans::end(span, row, event);
        true
    }
}

/// Drops a version that is the runtime's: `v20.20.2` where `process.runtime.version` is `20.20.2`.
fn own_version(origin: &Origin<'_>, event: &mut Event) {
    let runtime = origin.resource.str(otel::PROCESS_RUNTIME_VERSION);
    let sent = event.agent_version.as_deref().map(|version| version.trim_start_matches('v'));
    if sent.is_some() && sent == runtime {
        event.agent_version = None;
    }
}
