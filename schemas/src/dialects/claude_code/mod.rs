//! Claude Code, as seen on the wire (2.1.329) and read in its documentation.
//!
//! **Who.** `service.name` is `claude-code` or `claude-code-desktop`; scopes begin
//! `com.anthropic.claude_code`, which also holds where the service name was overridden.
//!
//! **How its records map.** Log records are the main source: the name of an event is the attribute
//! `event.name`, without the prefix its body has; `session.id` is the session, `prompt.id` the turn,
//! `tool_use_id` the call, `event.sequence` counts the session's events from 0, so that a hole means loss:
//! see [`logs`]. Spans are beta and off by default; five of them yield rows of their own: see [`spans`].
//! Numbers and booleans are often strings. A tool call of an MCP server is named only inside the JSON of
//! `tool_parameters`.
//!
//! Tokens and cost stand on `api_request` rows alone, because spans repeat them; they may therefore be
//! summed.
//!
//! **What Claude Code does not say** in its telemetry: the start and end of a session as an event; that a
//! call was asked for before it is decided about; anything at all where a path rule refuses a read; the
//! result of a call that was refused (there is none); the output of a tool, except as a span event; a
//! sandbox policy or outcome; the exit code; words of prompts, answers, commands and tool arguments,
//! unless `OTEL_LOG_USER_PROMPTS`, `OTEL_LOG_ASSISTANT_RESPONSES`, `OTEL_LOG_TOOL_DETAILS` or
//! `OTEL_LOG_TOOL_CONTENT` say so; a session of its own for a sub-agent. Requests that failed and then
//! succeeded leave no `api_error`.

mod logs;
mod spans;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::{Span as OtlpSpan, span::Event as OtlpSpanEvent};

use super::{Derived, Dialect, Origin, Signature};
use crate::names::claude_code;
use crate::otlp::values::Attributes;
use crate::tables::{Event, Span};

const SIGNATURE: Signature = Signature {
    name: "claude_code",
    version: 2,
    services: &["claude-code"],
    scopes: &["com.anthropic.claude_code"],
    events: &[],
};

/// The dialect of Claude Code.
pub(super) struct ClaudeCode;

impl Dialect for ClaudeCode {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn session(&self, _: &Origin<'_>, attributes: &Attributes<'_>) -> Option<String> {
        attributes.first_text(&[claude_code::SESSION_ID, claude_code::GEN_AI_CONVERSATION_ID])
    }

    fn log(&self, _: &Origin<'_>, record: &LogRecord, event: &mut Event) {
        logs::log(record, event);
    }

    fn span(&self, _: &Origin<'_>, span: &OtlpSpan, row: &mut Span, event: &mut Event) -> Derived {
        spans::span(span, row, event).into()
    }

    fn span_event(
        &self,
        origin: &Origin<'_>,
        span: &OtlpSpan,
        span_event: &OtlpSpanEvent,
        event: &mut Event,
    ) -> bool {
        if !spans::span_event(span, span_event, event) {
            return false;
        }
        event.session_id = self.session(origin, &Attributes(&span.attributes));
        true
    }
}

/// What every log record and span of Claude Code carries.
fn place(attributes: &Attributes<'_>, event: &mut Event) {
    event.session_id = attributes.text(claude_code::SESSION_ID);
    event.turn_id = attributes.text(claude_code::PROMPT_ID);
    event.call_id = call(attributes);
    event.sequence = attributes.int(claude_code::EVENT_SEQUENCE);
    event.model = attributes.text(claude_code::MODEL);
    event.provider = attributes
        .first_text(&[claude_code::ANTHROPIC_PROVIDER, claude_code::GEN_AI_PROVIDER_NAME]);
    event.terminal = attributes.text(claude_code::TERMINAL_TYPE);
    event.user_id = attributes.text(claude_code::USER_ID);
    event.user_email = attributes.text(claude_code::USER_EMAIL);
    event.account_id = attributes.first_text(&[
        claude_code::USER_ACCOUNT_ID,
        claude_code::USER_ACCOUNT_UUID,
        claude_code::ORGANIZATION_ID,
    ]);
    if let Some(agent) = attributes.text(claude_code::AGENT_NAME) {
        event.agent_name = Some(agent);
    }
    if event.agent_version.is_none() {
        event.agent_version = attributes.text(claude_code::APP_VERSION);
    }
}

fn call(attributes: &Attributes<'_>) -> Option<String> {
    attributes.first_text(&[claude_code::TOOL_USE_ID, claude_code::GEN_AI_TOOL_CALL_ID])
}
