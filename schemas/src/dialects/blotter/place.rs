//! Who, where and under what rules: what any record may carry.

use crate::names::blotter;
use crate::names::opentelemetry as otel;
use crate::otlp::values::Attributes;
use crate::tables::Event;

/// A column of words.
type Column = fn(&mut Event) -> &mut Option<String>;

/// Attributes and the columns that they fill.
const COLUMNS: [(&str, Column); 22] = [
    (blotter::BLOTTER_SESSION_PARENT_ID, |event| &mut event.parent_session_id),
    (blotter::BLOTTER_TURN_ID, |event| &mut event.turn_id),
    (otel::GEN_AI_TOOL_CALL_ID, |event| &mut event.call_id),
    (otel::GEN_AI_AGENT_NAME, |event| &mut event.agent_name),
    (otel::GEN_AI_AGENT_VERSION, |event| &mut event.agent_version),
    (otel::GEN_AI_REQUEST_MODEL, |event| &mut event.model),
    (otel::GEN_AI_PROVIDER_NAME, |event| &mut event.provider),
    (otel::USER_ID, |event| &mut event.user_id),
    (otel::USER_EMAIL, |event| &mut event.user_email),
    (otel::PROCESS_WORKING_DIRECTORY, |event| &mut event.cwd),
    (otel::GEN_AI_TOOL_NAME, |event| &mut event.tool_name),
    (blotter::BLOTTER_ACCOUNT_ID, |event| &mut event.account_id),
    (blotter::BLOTTER_AUTH_MODE, |event| &mut event.auth_mode),
    (blotter::BLOTTER_TOKEN_TYPE, |event| &mut event.token_type),
    (blotter::BLOTTER_TOKEN_FINGERPRINT, |event| &mut event.token_fingerprint),
    (blotter::BLOTTER_PROFILE_NAME, |event| &mut event.profile_name),
    (blotter::BLOTTER_PROFILE_DIGEST, |event| &mut event.profile_digest),
    (blotter::BLOTTER_APPROVAL_POLICY, |event| &mut event.approval_policy),
    (blotter::BLOTTER_SANDBOX_POLICY, |event| &mut event.sandbox_policy),
    (blotter::BLOTTER_EXECUTOR, |event| &mut event.executor),
    (blotter::BLOTTER_MCP_SERVER, |event| &mut event.mcp_server),
    (blotter::BLOTTER_CALL_JUSTIFICATION, |event| &mut event.justification),
];

/// Fills what these attributes say; what they do not say stays.
pub(super) fn fill(attributes: &Attributes<'_>, event: &mut Event) {
    for (key, column) in COLUMNS {
        if let Some(text) = attributes.text(key) {
            *column(event) = Some(text);
        }
    }
}
