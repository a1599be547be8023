//! Log records of Claude Code.

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use serde::Deserialize;

use super::place;
use crate::dialects::{json, set_kind};
use crate::names::blotter::EventKind;
use crate::names::claude_code::{self, EventName, Status};
use crate::otlp::values::Attributes;
use crate::tables::Event;

/// What `tool_name` says where the tool belongs to an MCP server.
const MCP_TOOL: &str = "mcp_tool";

/// Fills the columns of a log record's event.
pub(super) fn log(record: &LogRecord, event: &mut Event) {
    let attributes = &Attributes(&record.attributes);
    place(attributes, event);
    if let Some(name) = attributes.text(claude_code::EVENT_NAME) {
        event.name = Some(name);
    }
    event.duration_ns = attributes.milliseconds_as_nanos(claude_code::DURATION_MS);
    event.success = attributes.flag(claude_code::SUCCESS);
    let name = attributes.str(claude_code::EVENT_NAME).and_then(EventName::from_value);
    let kind = match name {
        Some(EventName::UserPrompt) => {
            event.text = attributes.text(claude_code::PROMPT);
            event.detail = attributes.text(claude_code::COMMAND_NAME);
            EventKind::Prompt
        }
        Some(EventName::AssistantResponse) => {
            event.text = attributes.text(claude_code::RESPONSE);
            EventKind::Response
        }
        Some(EventName::ToolDecision) => tool_decision(attributes, event),
        Some(EventName::ToolResult) => tool_result(attributes, event),
        Some(EventName::ApiRequest) => {
            tokens(attributes, event);
            EventKind::ApiRequest
        }
        Some(EventName::ApiError | EventName::ApiRetriesExhausted) => {
            event.http_status = attributes.int(claude_code::STATUS_CODE);
            event.error_message = attributes.text(claude_code::ERROR);
            if let Some(duration) =
                attributes.milliseconds_as_nanos(claude_code::TOTAL_RETRY_DURATION_MS)
            {
                event.duration_ns = Some(duration);
            }
            EventKind::ApiError
        }
        Some(EventName::ApiRefusal) => {
            event.detail = attributes.text(claude_code::CATEGORY);
            EventKind::ApiError
        }
        Some(EventName::ApiRequestBody | EventName::ApiResponseBody) => {
            event.text = attributes.text(claude_code::BODY);
            event.output_truncated = attributes.flag(claude_code::BODY_TRUNCATED);
            EventKind::Other
        }
        Some(EventName::PermissionModeChanged) => {
            event.approval_policy = attributes.text(claude_code::TO_MODE);
            event.detail = attributes.text(claude_code::FROM_MODE);
            event.decision_source = attributes.text(claude_code::TRIGGER);
            EventKind::ModeChange
        }
        Some(EventName::Auth) => {
            event.detail = attributes.text(claude_code::ACTION);
            event.auth_mode = attributes.text(claude_code::AUTH_METHOD);
            event.error_type = attributes.text(claude_code::ERROR_CATEGORY);
            event.http_status = attributes.int(claude_code::STATUS_CODE);
            EventKind::Auth
        }
        Some(EventName::McpServerConnection) => mcp_connection(attributes, event),
        Some(EventName::InternalError) => {
            event.error_type = attributes.text(claude_code::ERROR_NAME);
            event.detail = attributes.text(claude_code::ERROR_CODE);
            EventKind::Error
        }
        Some(
            EventName::HookRegistered
            | EventName::HookExecutionStart
            | EventName::HookExecutionComplete,
        ) => hook(attributes, event),
        Some(EventName::ManagedSettingsResolved) => {
            event.text = attributes.text(claude_code::MANAGED_SETTINGS_SOURCES);
            event.detail = attributes.text(claude_code::MANAGED_SETTINGS_TRIGGER);
            EventKind::Config
        }
        Some(EventName::PluginInstalled | EventName::PluginLoaded) => {
            event.detail = attributes.text(claude_code::PLUGIN_NAME);
            EventKind::Config
        }
        Some(EventName::SubagentCompleted) => {
            if let Some(agent) = attributes.text(claude_code::AGENT_TYPE) {
                event.agent_name = Some(agent);
            }
            EventKind::Other
        }
        Some(EventName::SkillActivated) => {
            event.detail = attributes.text(claude_code::SKILL_NAME);
            EventKind::Other
        }
        Some(EventName::AtMention) => {
            event.detail = attributes.text(claude_code::MENTION_TYPE);
            EventKind::Other
        }
        Some(EventName::Compaction) => {
            event.detail = attributes.text(claude_code::TRIGGER);
            event.error_message = attributes.text(claude_code::ERROR);
            EventKind::Other
        }
        Some(EventName::RetentionSweep) => {
            event.detail = attributes.text(claude_code::RESULT);
            EventKind::Other
        }
        Some(EventName::FeedbackSurvey | EventName::HookPluginMetrics) | None => EventKind::Other,
    };
    set_kind(event, kind);
}

fn tool_decision(attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    event.decision = attributes.text(claude_code::DECISION);
    event.decision_source = attributes.text(claude_code::SOURCE);
    event.approval_policy = attributes.text(claude_code::PERMISSION_MODE);
    // Those of an MCP tool name the tool, not its arguments.
    if !is_mcp(attributes) {
        event.arguments = attributes.text(claude_code::TOOL_PARAMETERS);
    }
    tool(attributes, event);
    EventKind::Decision
}

fn tool_result(attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    event.arguments = attributes.text(claude_code::TOOL_INPUT);
    if event.arguments.is_none() && !is_mcp(attributes) {
        event.arguments = attributes.text(claude_code::TOOL_PARAMETERS);
    }
    event.decision = attributes.text(claude_code::DECISION_TYPE);
    event.decision_source = attributes.text(claude_code::DECISION_SOURCE);
    event.error_type = attributes.text(claude_code::ERROR_TYPE);
    event.error_message = attributes.text(claude_code::ERROR);
    tool(attributes, event);
    EventKind::Result
}

fn is_mcp(attributes: &Attributes<'_>) -> bool {
    attributes.str(claude_code::TOOL_NAME) == Some(MCP_TOOL)
}

/// The names inside `tool_parameters`; whatever else stands there is skipped.
#[derive(Deserialize)]
struct ToolParameters {
    mcp_server_name: Option<String>,
    mcp_tool_name: Option<String>,
}

/// The tool; of an MCP tool, the names its parameters give, which are absent where Claude Code keeps them
/// back.
fn tool(attributes: &Attributes<'_>, event: &mut Event) {
    event.tool_name = attributes.text(claude_code::TOOL_NAME);
    if !is_mcp(attributes) {
        return;
    }
    let named = attributes.str(claude_code::TOOL_PARAMETERS).and_then(json::read::<ToolParameters>);
    let Some(named) = named else { return };
    event.mcp_server = named.mcp_server_name;
    event.tool_name = named.mcp_tool_name.or(event.tool_name.take());
}

fn tokens(attributes: &Attributes<'_>, event: &mut Event) {
    event.tokens_input = attributes.int(claude_code::INPUT_TOKENS);
    event.tokens_output = attributes.int(claude_code::OUTPUT_TOKENS);
    event.tokens_cached = attributes.int(claude_code::CACHE_READ_TOKENS);
    event.cost_usd = attributes.float(claude_code::COST_USD);
}

fn mcp_connection(attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    event.mcp_server = attributes.text(claude_code::SERVER_NAME);
    event.transport = attributes.text(claude_code::TRANSPORT_TYPE);
    event.error_type = attributes.text(claude_code::ERROR_CODE);
    event.error_message = attributes.text(claude_code::ERROR);
    event.detail = attributes.text(claude_code::STATUS);
    event.success = match event.detail.as_deref().and_then(Status::from_value) {
        Some(Status::Connected) => Some(true),
        Some(Status::Failed) => Some(false),
        Some(Status::Disconnected) | None => None,
    };
    EventKind::McpConnection
}

/// Hooks run in groups; the record counts how each of them ended.
const HOOK_COUNTS: [&str; 5] = [
    claude_code::NUM_HOOKS,
    claude_code::NUM_SUCCESS,
    claude_code::NUM_BLOCKING,
    claude_code::NUM_NON_BLOCKING_ERROR,
    claude_code::NUM_CANCELLED,
];

fn hook(attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    event.detail = attributes.first_text(&[claude_code::HOOK_NAME, claude_code::HOOK_EVENT]);
    event.arguments = attributes.text(claude_code::HOOK_DEFINITIONS);
    event.duration_ns = attributes.milliseconds_as_nanos(claude_code::TOTAL_DURATION_MS);
    let counts: Vec<String> = HOOK_COUNTS
        .into_iter()
        .filter_map(|key| Some((key, attributes.int(key).filter(|count| *count != 0)?)))
        .map(|(key, count)| format!("{key}={count}"))
        .collect();
    event.text = Some(counts.join(" ")).filter(|counts| !counts.is_empty());
    EventKind::Hook
}
