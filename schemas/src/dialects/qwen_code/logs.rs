//! Log records of Qwen Code.

use opentelemetry_proto::tonic::logs::v1::LogRecord;

use crate::dialects::{body, set_kind};
use crate::names::blotter::EventKind;
use crate::names::opentelemetry as otel;
use crate::names::qwen_code::{self, EventName};
use crate::otlp::values::Attributes;
use crate::tables::Event;

/// Fills the columns of a log record's event.
pub(super) fn log(record: &LogRecord, event: &mut Event) {
    let attributes = &Attributes(&record.attributes);
    event.turn_id = attributes.text(qwen_code::PROMPT_ID);
    event.call_id = attributes.text(qwen_code::CALL_ID);
    event.auth_mode = attributes.text(qwen_code::AUTH_TYPE);
    event.user_email = attributes.text(otel::USER_EMAIL);
    event.model = attributes.text(qwen_code::MODEL);
    event.duration_ns = attributes.milliseconds_as_nanos(qwen_code::DURATION_MS);
    event.text = body(record);
    if let Some(agent) = attributes.text(qwen_code::SUBAGENT_NAME) {
        event.agent_name = Some(agent);
    }
    let name = attributes.str(otel::EVENT_NAME).and_then(EventName::from_value);
    let kind = match name {
        Some(EventName::SessionStart) => EventKind::SessionStart,
        Some(EventName::SessionEnd) => EventKind::SessionEnd,
        Some(EventName::Config) => {
            event.approval_policy = attributes.text(qwen_code::APPROVAL_MODE);
            // Whether one is configured is all that is said of the sandbox.
            event.sandbox_policy = attributes
                .text(qwen_code::SANDBOX_ENABLED)
                .map(|enabled| format!("{}={enabled}", qwen_code::SANDBOX_ENABLED));
            event.text = attributes.text(qwen_code::MCP_SERVERS);
            EventKind::Config
        }
        Some(EventName::UserPrompt) => {
            event.text = attributes.text(qwen_code::PROMPT);
            EventKind::Prompt
        }
        Some(EventName::ToolCall) => tool_call(attributes, event),
        Some(EventName::ApiResponse) => {
            event.http_status = attributes.int(qwen_code::STATUS_CODE);
            event.text = attributes.text(qwen_code::RESPONSE_TEXT);
            event.tokens_input = attributes.int(qwen_code::INPUT_TOKEN_COUNT);
            event.tokens_output = attributes.int(qwen_code::OUTPUT_TOKEN_COUNT);
            event.tokens_cached = attributes.int(qwen_code::CACHED_CONTENT_TOKEN_COUNT);
            event.tokens_reasoning = attributes.int(qwen_code::THOUGHTS_TOKEN_COUNT);
            EventKind::ApiRequest
        }
        Some(EventName::ApiError | EventName::ApiCancel) => {
            event.http_status = attributes.int(qwen_code::STATUS_CODE);
            error(attributes, event);
            EventKind::ApiError
        }
        Some(EventName::ApprovalModeSwitch) => {
            event.approval_policy = attributes.text(qwen_code::TO_MODE);
            event.detail = attributes.text(qwen_code::FROM_MODE);
            EventKind::ModeChange
        }
        Some(EventName::Auth) => {
            event.detail = attributes.text(qwen_code::ACTION_TYPE);
            event.success = match attributes.str(qwen_code::STATUS) {
                Some(SUCCESS) => Some(true),
                Some(ERROR) => Some(false),
                _ => None,
            };
            error(attributes, event);
            EventKind::Auth
        }
        Some(EventName::HookCall) => {
            event.detail = attributes.text(qwen_code::HOOK_EVENT_NAME);
            event.arguments = attributes.text(qwen_code::HOOK_NAME);
            event.success = attributes.flag(qwen_code::SUCCESS);
            error(attributes, event);
            EventKind::Hook
        }
        Some(EventName::SubagentExecution) => {
            event.detail = attributes.first_text(&[qwen_code::TERMINATE_REASON, qwen_code::STATUS]);
            EventKind::Other
        }
        Some(
            EventName::ExtensionInstall
            | EventName::ExtensionUninstall
            | EventName::ExtensionEnable
            | EventName::ExtensionDisable,
        ) => {
            event.detail = attributes.text(qwen_code::EXTENSION_NAME);
            EventKind::Config
        }
        Some(
            EventName::ApiRequest
            | EventName::ApiRetry
            | EventName::UserRetry
            | EventName::FileOperation
            | EventName::ToolOutputTruncated
            | EventName::SlashCommand
            | EventName::SkillLaunch
            | EventName::RepeatedToolFailureGuard,
        )
        | None => EventKind::Other,
    };
    set_kind(event, kind);
}

/// Words of a status.
const SUCCESS: &str = "success";
const ERROR: &str = "error";

/// The end of a call, or its refusal; `detail` is whether it was executed at all.
fn tool_call(attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    event.text = None;
    event.tool_name = attributes.text(qwen_code::FUNCTION_NAME);
    event.mcp_server = attributes.text(qwen_code::MCP_SERVER_NAME);
    event.arguments = attributes.text(qwen_code::FUNCTION_ARGS);
    event.decision = attributes.text(qwen_code::DECISION);
    event.success = attributes.flag(qwen_code::SUCCESS);
    event.detail = attributes.text(qwen_code::EXECUTION_STATUS);
    error(attributes, event);
    EventKind::Result
}

fn error(attributes: &Attributes<'_>, event: &mut Event) {
    event.error_type = attributes.first_text(&[qwen_code::ERROR_TYPE, otel::ERROR_TYPE]);
    event.error_message =
        attributes.first_text(&[qwen_code::ERROR, otel::ERROR_MESSAGE, qwen_code::ERROR_MESSAGE]);
}
