//! GitHub Copilot CLI, as seen on the wire (1.0.102) and read in its `copilot help monitoring`.
//!
//! **Who.** `service.name` is `github-copilot`, the scope `github.copilot`.
//!
//! **How its records map.** It sends no log records: spans, events on them, and metrics. Spans follow the
//! GenAI conventions, see [`super::gen_ai`]; besides:
//!
//! | span or event | kind | says |
//! |---|---|---|
//! | span `permission` | decision | what was decided about a permission; names no call, its parent span does |
//! | event `github.copilot.user.message` | prompt | a prompt came; its words stand on the span around it, where content is sent |
//! | event `github.copilot.sandbox.enforcement_state` | sandbox | whether a sandbox was active around the call; `text` is what enforces it |
//! | event `github.copilot.session.usage_info` | - | how full the context is: plumbing |
//! | event `gen_ai.client.operation.exception` | - | repeats how the span ended |
//!
//! A session is `gen_ai.conversation.id`; a turn is `github.copilot.interaction_id`, which the spans of
//! calls lack. The exit code of a command is `process.exit.code`; a command that fails is not an error of its
//! span. A refused call ends with `error.type` = `denied` and the rule in the span's status; only where a
//! person would have had to be asked is there a `permission` span too. `github.copilot.cost` counts premium
//! requests and is not read as money.
//!
//! **What Copilot CLI does not say** in its telemetry: a decision to allow; who decided; the approval or
//! sandbox policy; words and arguments, unless `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` says so.

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::{Span as OtlpSpan, span::Event as OtlpSpanEvent};

use super::gen_ai::{self, spans};
use super::{Derived, Dialect, Origin, Signature, body, same_place, set_kind};
use crate::names::blotter::EventKind;
use crate::names::copilot_cli;
use crate::names::opentelemetry::{self as otel, GenAiOperationName as Operation};
use crate::otlp::values::Attributes;
use crate::tables::{Event, Span};

const SIGNATURE: Signature = Signature {
    name: "copilot_cli",
    version: 1,
    services: &["github-copilot"],
    scopes: &["github.copilot"],
    events: &[EVENT_PREFIX],
};
/// How its own names begin.
const EVENT_PREFIX: &str = "github.copilot.";
const USER_MESSAGE: &str = "github.copilot.user.message";
const SANDBOX: &str = "github.copilot.sandbox.enforcement_state";
const USAGE: &str = "github.copilot.session.usage_info";

/// The dialect of GitHub Copilot CLI.
pub(super) struct CopilotCli;

impl Dialect for CopilotCli {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn session(&self, _: &Origin<'_>, attributes: &Attributes<'_>) -> Option<String> {
        attributes.text(otel::GEN_AI_CONVERSATION_ID)
    }

    fn log(&self, _: &Origin<'_>, record: &LogRecord, event: &mut Event) {
        let attributes = Attributes(&record.attributes);
        spans::place(&attributes, event);
        event.text = body(record);
        set_kind(event, EventKind::Other);
    }

    fn span(&self, _: &Origin<'_>, span: &OtlpSpan, row: &mut Span, event: &mut Event) -> Derived {
        let attributes = Attributes(&span.attributes);
        row.turn_id = turn(span);
        row.call_id = attributes.text(otel::GEN_AI_TOOL_CALL_ID);
        let (kind, derived) = match gen_ai::operation(&attributes) {
            Some(Operation::ExecuteTool) => {
                let kind = spans::call(&attributes, event);
                call(&attributes, event);
                (kind, Derived::StartAndEnd)
            }
            Some(Operation::Chat) => {
                (spans::inference(span, &attributes, event), Derived::StartAndEnd)
            }
            Some(_) => {
                spans::place(&attributes, event);
                (EventKind::Other, Derived::Start)
            }
            None if attributes.contains(copilot_cli::GITHUB_COPILOT_PERMISSION_RESULT) => {
                event.decision = attributes.text(copilot_cli::GITHUB_COPILOT_PERMISSION_RESULT);
                event.detail = attributes.text(copilot_cli::GITHUB_COPILOT_PERMISSION_KIND);
                (EventKind::Decision, Derived::Start)
            }
            None => return Derived::Nothing,
        };
        set_kind(event, kind);
        same_place(row, event);
        derived
    }

    fn span_end(&self, _: &Origin<'_>, span: &OtlpSpan, row: &Span, event: &mut Event) -> bool {
        let derived = gen_ai::end(span, row, event);
        call(&Attributes(&span.attributes), event);
        derived
    }

    fn span_event(
        &self,
        origin: &Origin<'_>,
        span: &OtlpSpan,
        span_event: &OtlpSpanEvent,
        event: &mut Event,
    ) -> bool {
        if !span_event.name.starts_with(EVENT_PREFIX) {
            return false;
        }
        let around = Attributes(&span.attributes);
        let attributes = Attributes(&span_event.attributes);
        spans::place(&around, event);
        event.session_id = self.session(origin, &around);
        event.turn_id = turn(span);
        let kind = match span_event.name.as_str() {
            USAGE => return false,
            USER_MESSAGE => {
                event.turn_id =
                    attributes.text(copilot_cli::GITHUB_COPILOT_USER_MESSAGE_INTERACTION_ID);
                event.detail = attributes.text(copilot_cli::GITHUB_COPILOT_USER_MESSAGE_SOURCE);
                event.text = spans::prompt(&around);
                EventKind::Prompt
            }
            SANDBOX => {
                event.tool_name = around.text(otel::GEN_AI_TOOL_NAME);
                event.sandbox_outcome =
                    attributes.text(copilot_cli::GITHUB_COPILOT_SANDBOX_OUTCOME);
                event.text = attributes.text(copilot_cli::GITHUB_COPILOT_SANDBOX_BACKEND);
                event.detail = attributes.text(copilot_cli::GITHUB_COPILOT_SANDBOX_CONTROL);
                EventKind::Sandbox
            }
            _ => EventKind::Other,
        };
        set_kind(event, kind);
        true
    }
}

/// The prompt a span belongs to: its own, or that of the first message on it.
fn turn(span: &OtlpSpan) -> Option<String> {
    let own = Attributes(&span.attributes).text(copilot_cli::GITHUB_COPILOT_INTERACTION_ID);
    own.or_else(|| {
        span.events.iter().filter(|event| event.name == USER_MESSAGE).find_map(|event| {
            Attributes(&event.attributes)
                .text(copilot_cli::GITHUB_COPILOT_USER_MESSAGE_INTERACTION_ID)
        })
    })
}

/// What Copilot's spans of calls say beyond the conventions.
fn call(attributes: &Attributes<'_>, event: &mut Event) {
    event.transport = attributes.text(copilot_cli::GITHUB_COPILOT_MCP_SERVER_TRANSPORT);
    if event.arguments.is_none() {
        event.arguments = attributes.first_text(&[
            copilot_cli::GITHUB_COPILOT_TOOL_PARAMETERS_COMMAND,
            copilot_cli::GITHUB_COPILOT_TOOL_PARAMETERS_FILE_PATH,
        ]);
    }
}
