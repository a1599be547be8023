//! Log records of Codex, and the span events that repeat them.

use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::{conversation, justification, turn};
use crate::dialects::{address, body, set_kind};
use crate::names::blotter::EventKind;
use crate::names::codex::{self, AuthOutcome, EventKind as StreamEvent, EventName};
use crate::otlp::values::Attributes;
use crate::tables::Event;

/// Fills the columns of a log record's event.
pub(super) fn log(record: &LogRecord, event: &mut Event) {
    let attributes = Attributes(&record.attributes);
    // The record's own name is the position of a statement in the source, e.g. "event src/a.rs:703".
    event.name = attributes.text(codex::EVENT_NAME);
    event.text = body(record);
    fill(&attributes, event);
}

/// Fills the columns from the attributes of a log record or of the span event that repeats it; `detail`
/// takes only what both of them carry, because it tells one event of a name from another. Returns what
/// the event is, where it is known.
pub(super) fn fill(attributes: &Attributes<'_>, event: &mut Event) -> Option<EventName> {
    place(attributes, event);
    let name = attributes.str(codex::EVENT_NAME).and_then(EventName::from_value);
    let kind = match name {
        Some(EventName::ConversationStarts) => conversation_starts(attributes, event),
        Some(EventName::UserPrompt) => {
            event.text = attributes.text(codex::PROMPT);
            EventKind::Prompt
        }
        Some(EventName::AgentResponse) => agent_response(attributes, event),
        Some(EventName::ApiRequest) => request(attributes, "http", event),
        Some(EventName::WebsocketConnect | EventName::WebsocketRequest) => {
            request(attributes, "websocket", event)
        }
        Some(EventName::SseEvent) => stream_event(attributes, event),
        Some(EventName::ToolCallReceived) => {
            tool(attributes, event);
            event.detail = attributes.text(codex::TOOL_SOURCE);
            EventKind::Call
        }
        Some(EventName::ToolDecision) => {
            tool(attributes, event);
            event.decision = attributes.text(codex::DECISION);
            event.decision_source = attributes.text(codex::SOURCE);
            EventKind::Decision
        }
        Some(EventName::ToolResult) => tool_result(attributes, event),
        Some(EventName::SandboxOutcome) => {
            tool(attributes, event);
            event.sandbox_outcome = attributes.text(codex::OUTCOME);
            event.duration_ns = attributes.milliseconds_as_nanos(codex::INITIAL_DURATION_MS);
            EventKind::Sandbox
        }
        Some(EventName::GuardianAssessment) => review(attributes, event),
        Some(EventName::AgentCommunication) => agent_communication(attributes, event),
        Some(EventName::NetworkProxyPolicyDecision) => proxy_decision(attributes, event),
        Some(EventName::TurnCost) => {
            event.cost_usd = attributes.float(codex::USAGE_ESTIMATED_USD);
            EventKind::Usage
        }
        Some(EventName::AuthRecovery) => auth_recovery(attributes, event),
        Some(EventName::OpenaiFileBlobUploadFailed) => {
            event.error_type = attributes.text(codex::ERROR_KIND);
            event.server_address = attributes.text(codex::HOST);
            event.duration_ns = attributes.milliseconds_as_nanos(codex::ELAPSED_MS);
            EventKind::Error
        }
        Some(EventName::SkillInvocation) => {
            event.detail = attributes.text(codex::SKILL_NAME);
            EventKind::Other
        }
        Some(EventName::StartupPhase) => {
            event.detail = attributes.text(codex::STARTUP_PHASE);
            EventKind::Other
        }
        Some(EventName::Retry) => {
            event.detail = attributes.text(codex::RETRY_LAYER);
            EventKind::Other
        }
        Some(EventName::CodeModeNestedToolDispatched | EventName::ToolResultReady) => {
            tool(attributes, event);
            event.detail = attributes.text(codex::TOOL_SOURCE);
            EventKind::Other
        }
        Some(
            EventName::HttpClientCustomCaFallback
            | EventName::PluginInstallElicitationSent
            | EventName::PluginInstallSuggestion
            | EventName::TurnProfile
            | EventName::TurnTtft,
        )
        | None => EventKind::Other,
    };
    set_kind(event, kind);
    name
}

/// What most records of Codex carry.
fn place(attributes: &Attributes<'_>, event: &mut Event) {
    event.session_id = conversation(attributes);
    event.turn_id = turn(attributes);
    event.call_id = attributes.text(codex::CALL_ID);
    event.model = attributes.text(codex::MODEL);
    event.terminal = attributes.text(codex::TERMINAL_TYPE);
    event.auth_mode =
        attributes.text(codex::AUTH_MODE).or_else(|| attributes.text(codex::AUTH_DOT_MODE));
    event.account_id = attributes.text(codex::USER_ACCOUNT_ID);
    event.user_email = attributes.text(codex::USER_EMAIL);
    event.user_id = attributes.text(codex::USER_ID);
    if event.agent_version.is_none() {
        event.agent_version = attributes.text(codex::APP_VERSION);
    }
    event.duration_ns = attributes.milliseconds_as_nanos(codex::DURATION_MS);
}

fn conversation_starts(attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    event.provider = attributes.text(codex::PROVIDER_NAME);
    event.approval_policy = attributes.text(codex::APPROVAL_POLICY);
    event.sandbox_policy = attributes.text(codex::SANDBOX_POLICY);
    // The names of all MCP servers, "broken, lab"; `mcp_server` is for one that a record is about. Not
    // `detail`: the span event that repeats the record counts the servers only.
    event.text = attributes.text(codex::MCP_SERVERS);
    EventKind::SessionStart
}

fn agent_response(attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    event.text = attributes.text(codex::RESPONSE);
    event.output_truncated = attributes.flag(codex::RESPONSE_TRUNCATED);
    event.parent_session_id = attributes.text(codex::PARENT_CONVERSATION_ID);
    event.detail = attributes.text(codex::AGENT_TYPE);
    EventKind::Response
}

fn request(attributes: &Attributes<'_>, transport: &str, event: &mut Event) -> EventKind {
    event.transport = Some(transport.to_owned());
    event.success = attributes.flag(codex::SUCCESS);
    event.http_status = attributes.int(codex::HTTP_RESPONSE_STATUS_CODE);
    event.error_message =
        attributes.text(codex::ERROR_MESSAGE).or_else(|| attributes.text(codex::AUTH_ERROR));
    event.error_type = attributes.text(codex::AUTH_ERROR_CODE);
    event.detail = attributes.text(codex::ENDPOINT);
    let failed = event.error_message.is_some()
        || event.success == Some(false)
        || event.http_status.is_some_and(|status| status >= 400);
    if failed { EventKind::ApiError } else { EventKind::ApiRequest }
}

/// A stream event of the model's response. `response.completed` comes twice, and only the second one
/// carries tokens; it has no duration.
fn stream_event(attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    event.detail = attributes.text(codex::EVENT_KIND);
    event.error_message = attributes.text(codex::ERROR_MESSAGE);
    let failed = event.detail.as_deref() == Some(StreamEvent::ResponseFailed.as_str());
    if failed || event.error_message.is_some() {
        return EventKind::ApiError;
    }
    event.tokens_input = attributes.int(codex::INPUT_TOKEN_COUNT);
    if event.tokens_input.is_none() {
        return EventKind::Other;
    }
    event.tokens_output = attributes.int(codex::OUTPUT_TOKEN_COUNT);
    event.tokens_cached = attributes.int(codex::CACHED_TOKEN_COUNT);
    event.tokens_reasoning = attributes.int(codex::REASONING_TOKEN_COUNT);
    EventKind::Usage
}

fn tool(attributes: &Attributes<'_>, event: &mut Event) {
    event.tool_name = attributes.text(codex::TOOL_NAME);
    event.tool_namespace = attributes.text(codex::TOOL_NAMESPACE);
}

fn tool_result(attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    tool(attributes, event);
    event.arguments = attributes.text(codex::ARGUMENTS);
    event.justification = justification(event.tool_name.as_deref(), event.arguments.as_deref());
    event.output = attributes.text(codex::OUTPUT);
    event.output_truncated = attributes.flag(codex::OUTPUT_TRUNCATED);
    event.success = attributes.flag(codex::SUCCESS);
    event.sequence = attributes.int(codex::TOOL_RESULT_SEQ);
    event.mcp_server = attributes.text(codex::MCP_SERVER);
    if let Some(origin) = attributes.text(codex::MCP_SERVER_ORIGIN) {
        mcp_origin(origin, event);
    }
    // "/root" is the main agent, which the row already names by its service.
    if let Some(agent) = attributes.text(codex::AGENT_NAME).filter(|agent| agent != "/root") {
        event.agent_name = Some(agent);
    }
    EventKind::Result
}

/// `stdio`, `in_process`, or the address of a server that is reached over HTTP.
pub(super) fn mcp_origin(origin: String, event: &mut Event) {
    match address::of_url(&origin) {
        Some((host, port)) => {
            event.transport = Some("http".to_owned());
            event.server_address = Some(host);
            event.server_port = port;
        }
        None => event.transport = Some(origin),
    }
}

/// The reviewer's status is what took effect; its own verdict (`outcome`) is absent where it failed.
fn review(attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    event.call_id = attributes.text(codex::ITEM_ID);
    event.decision = attributes.text(codex::STATUS);
    event.detail = attributes.text(codex::OUTCOME);
    event.decision_reason = attributes.text(codex::RATIONALE);
    event.risk_level = attributes.text(codex::RISK_LEVEL);
    let times = (attributes.int(codex::STARTED_AT_MS), attributes.int(codex::COMPLETED_AT_MS));
    if let (Some(started), Some(completed)) = times {
        event.duration_ns = completed
            .checked_sub(started)
            .filter(|duration| *duration >= 0)
            .and_then(|duration| duration.checked_mul(1_000_000));
    }
    EventKind::Review
}

/// A message between agent threads. The record of its sending names both conversations, and by its kind
/// `spawn` that the sender started the receiver; the record of its receipt names neither.
fn agent_communication(attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    event.session_id = attributes.text(codex::SENDER_THREAD_ID).or(event.session_id.take());
    event.receiver_session_id = attributes.text(codex::RECEIVER_THREAD_ID);
    event.text = attributes.text(codex::CONTENT);
    event.detail = attributes.text(codex::KIND).or_else(|| attributes.text(codex::STATE));
    EventKind::AgentMessage
}

fn proxy_decision(attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    event.decision = attributes.text(codex::NETWORK_POLICY_DECISION);
    event.decision_source = attributes.text(codex::NETWORK_POLICY_SOURCE);
    event.decision_reason = attributes.text(codex::NETWORK_POLICY_REASON);
    event.detail = attributes.text(codex::NETWORK_POLICY_SCOPE);
    event.server_address = attributes.text(codex::SERVER_ADDRESS);
    event.server_port = attributes.int(codex::SERVER_PORT);
    event.network_protocol = attributes.text(codex::NETWORK_TRANSPORT_PROTOCOL);
    event.http_method = attributes.text(codex::HTTP_REQUEST_METHOD);
    EventKind::ProxyDecision
}

fn auth_recovery(attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    event.detail = attributes.text(codex::AUTH_STEP);
    event.decision_reason = attributes.text(codex::AUTH_RECOVERY_REASON);
    event.error_type = attributes.text(codex::AUTH_ERROR_CODE);
    event.error_message = attributes.text(codex::AUTH_ERROR);
    event.success =
        attributes.str(codex::AUTH_OUTCOME).and_then(AuthOutcome::from_value).and_then(|outcome| {
            match outcome {
                AuthOutcome::RecoverySucceeded => Some(true),
                AuthOutcome::RecoveryFailedPermanent | AuthOutcome::RecoveryFailedTransient => {
                    Some(false)
                }
                AuthOutcome::RecoveryNotRun => None,
            }
        });
    EventKind::Auth
}
