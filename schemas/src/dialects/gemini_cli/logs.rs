//! Log records of Gemini CLI.

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use serde::Deserialize;

use crate::dialects::gen_ai::spans::answer;
use crate::dialects::{body, json, set_kind};
use crate::names::blotter::EventKind;
use crate::names::gemini_cli::{self, EventName};
use crate::names::opentelemetry as otel;
use crate::otlp::values::Attributes;
use crate::tables::Event;

/// Fills the columns of a log record's event.
pub(super) fn log(record: &LogRecord, event: &mut Event) {
    let attributes = &Attributes(&record.attributes);
    event.turn_id = attributes.text(gemini_cli::PROMPT_ID);
    event.auth_mode = attributes.text(gemini_cli::AUTH_TYPE);
    event.user_email = attributes.text(gemini_cli::USER_EMAIL);
    event.model = attributes.first_text(&[
        gemini_cli::MODEL,
        gemini_cli::MODEL_NAME,
        otel::GEN_AI_REQUEST_MODEL,
    ]);
    event.provider = attributes.text(otel::GEN_AI_PROVIDER_NAME);
    event.duration_ns = attributes.milliseconds_as_nanos(gemini_cli::DURATION_MS);
    event.text = body(record);
    let name = attributes.str(otel::EVENT_NAME).and_then(EventName::from_value);
    let kind = match name {
        Some(EventName::Config) => config(attributes, event),
        Some(EventName::UserPrompt) => {
            event.text = attributes.text(gemini_cli::PROMPT);
            EventKind::Prompt
        }
        Some(EventName::ToolCall) => tool_call(attributes, event),
        Some(EventName::ApiResponse) => {
            event.http_status = attributes.int(gemini_cli::STATUS_CODE);
            event.text = None;
            event.detail = attributes.text(gemini_cli::ROLE);
            event.tokens_input = attributes.int(gemini_cli::INPUT_TOKEN_COUNT);
            event.tokens_output = attributes.int(gemini_cli::OUTPUT_TOKEN_COUNT);
            event.tokens_cached = attributes.int(gemini_cli::CACHED_CONTENT_TOKEN_COUNT);
            event.tokens_reasoning = attributes.int(gemini_cli::THOUGHTS_TOKEN_COUNT);
            EventKind::ApiRequest
        }
        Some(EventName::GenAiClientInferenceOperationDetails) => match answer(attributes) {
            Some(words) => {
                event.text = Some(words);
                EventKind::Response
            }
            None => EventKind::Other,
        },
        Some(EventName::ApiError | EventName::ChatContentRetryFailure) => {
            api_error(attributes, event)
        }
        Some(EventName::PlanApprovalModeSwitch | EventName::DocumentedApprovalModeSwitch) => {
            event.approval_policy = attributes.text(gemini_cli::TO_MODE);
            event.detail = attributes.text(gemini_cli::FROM_MODE);
            EventKind::ModeChange
        }
        Some(EventName::PlanApprovalModeDuration) => {
            event.approval_policy = attributes.text(gemini_cli::MODE);
            EventKind::Other
        }
        Some(EventName::ModelRouting) => {
            // The router's `decision_source` is about a model, not about a call.
            event.model = attributes.text(gemini_cli::DECISION_MODEL);
            event.detail = attributes.text(gemini_cli::DECISION_SOURCE);
            event.approval_policy = attributes.text(gemini_cli::APPROVAL_MODE);
            EventKind::Other
        }
        Some(EventName::HookCall) => {
            event.detail = attributes.text(gemini_cli::HOOK_EVENT_NAME);
            event.arguments = attributes.text(gemini_cli::HOOK_NAME);
            event.success = attributes.flag(gemini_cli::SUCCESS);
            event.exit_code = attributes.int(gemini_cli::EXIT_CODE);
            EventKind::Hook
        }
        Some(EventName::ConsecaVerdict) => {
            event.decision = attributes.first_text(&[gemini_cli::VERDICT, gemini_cli::DECISION]);
            event.decision_reason =
                attributes.first_text(&[gemini_cli::VERDICT_RATIONALE, gemini_cli::REASON]);
            event.tool_name = attributes.text(gemini_cli::TOOL_NAME);
            event.arguments = attributes.text(gemini_cli::TOOL_CALL);
            EventKind::Review
        }
        Some(EventName::AgentStart | EventName::AgentFinish | EventName::AgentRecoveryAttempt) => {
            if let Some(agent) = attributes.text(gemini_cli::AGENT_NAME) {
                event.agent_name = Some(agent);
            }
            event.detail = attributes.text(gemini_cli::TERMINATE_REASON);
            event.error_type = attributes.text(gemini_cli::ERROR_TYPE);
            EventKind::Other
        }
        Some(
            EventName::ExtensionInstall
            | EventName::ExtensionUninstall
            | EventName::ExtensionEnable
            | EventName::ExtensionDisable,
        ) => {
            event.detail = attributes.text(gemini_cli::EXTENSION_NAME);
            EventKind::Config
        }
        Some(EventName::FileOperation | EventName::ToolOutputTruncated) => {
            event.tool_name = attributes.text(gemini_cli::TOOL_NAME);
            event.detail = attributes.text(gemini_cli::OPERATION);
            EventKind::Other
        }
        Some(EventName::SlashCommand) => {
            event.detail = attributes.text(gemini_cli::COMMAND);
            EventKind::Other
        }
        Some(EventName::ConversationFinished) => {
            event.approval_policy = attributes.text(gemini_cli::APPROVALMODE);
            EventKind::Other
        }
        Some(
            EventName::ApiRequest
            | EventName::ChatContentRetry
            | EventName::ChatInvalidChunk
            | EventName::MalformedJsonResponse
            | EventName::IdeConnection
            | EventName::StartupStats
            | EventName::RipgrepFallback,
        )
        | None => EventKind::Other,
    };
    set_kind(event, kind);
}

/// The configuration that Gemini CLI starts a session with.
fn config(attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    event.approval_policy = attributes.text(gemini_cli::APPROVAL_MODE);
    // Whether one is configured is all that is said of the sandbox.
    event.sandbox_policy = attributes
        .text(gemini_cli::SANDBOX_ENABLED)
        .map(|enabled| format!("{}={enabled}", gemini_cli::SANDBOX_ENABLED));
    event.text = attributes.text(gemini_cli::MCP_SERVERS);
    EventKind::SessionStart
}

/// What a command says about its run.
#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "exitCode")]
    exit_code: Option<i64>,
}

/// The end of a call, or its refusal. Neither names the call.
fn tool_call(attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    event.text = None;
    event.tool_name = attributes.text(gemini_cli::FUNCTION_NAME);
    event.mcp_server = attributes.text(gemini_cli::MCP_SERVER_NAME);
    event.arguments = attributes.text(gemini_cli::FUNCTION_ARGS);
    event.decision = attributes.text(gemini_cli::DECISION);
    event.success = attributes.flag(gemini_cli::SUCCESS);
    event.error_type = attributes.first_text(&[gemini_cli::ERROR_TYPE, otel::ERROR_TYPE]);
    event.error_message = attributes.first_text(&[gemini_cli::ERROR, otel::ERROR_MESSAGE]);
    event.detail = attributes.text(gemini_cli::TOOL_TYPE);
    event.exit_code = attributes
        .text(gemini_cli::METADATA)
        .and_then(|metadata| json::read::<Metadata>(&metadata)?.exit_code);
    EventKind::Result
}

fn api_error(attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    event.text = None;
    event.http_status = attributes.int(gemini_cli::STATUS_CODE);
    event.error_type = attributes.first_text(&[
        gemini_cli::ERROR_TYPE,
        otel::ERROR_TYPE,
        gemini_cli::FINAL_ERROR_TYPE,
    ]);
    event.error_message =
        attributes.first_text(&[otel::ERROR_MESSAGE, gemini_cli::ERROR_MESSAGE, gemini_cli::ERROR]);
    for key in [gemini_cli::DURATION, gemini_cli::TOTAL_DURATION_MS] {
        event.duration_ns = event.duration_ns.or_else(|| attributes.milliseconds_as_nanos(key));
    }
    EventKind::ApiError
}
