//! What the GenAI conventions put on spans. Other dialects read their spans with these functions too.

use opentelemetry_proto::tonic::trace::v1::Span as OtlpSpan;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::messages::{self, Speaker};
use crate::names::blotter::EventKind;
use crate::names::opentelemetry as otel;
use crate::otlp::values::Attributes;
use crate::tables::Event;

/// Who and where, on any span or log record.
pub(in crate::dialects) fn place(attributes: &Attributes<'_>, event: &mut Event) {
    event.call_id = attributes.text(otel::GEN_AI_TOOL_CALL_ID);
    event.model = attributes.first_text(&[otel::GEN_AI_REQUEST_MODEL, otel::GEN_AI_RESPONSE_MODEL]);
    event.provider = attributes.first_text(&[otel::GEN_AI_PROVIDER_NAME, otel::GEN_AI_SYSTEM]);
    event.server_address = attributes.text(otel::SERVER_ADDRESS);
    event.server_port = attributes.int(otel::SERVER_PORT);
    event.user_id = attributes.text(otel::USER_ID);
    event.user_email = attributes.text(otel::USER_EMAIL);
    if let Some(agent) = attributes.text(otel::GEN_AI_AGENT_NAME) {
        event.agent_name = Some(agent);
    }
    if let Some(version) = attributes.text(otel::GEN_AI_AGENT_VERSION) {
        event.agent_version = Some(version);
    }
}

/// How the span ended: a status that was not set says nothing.
pub(in crate::dialects) fn status(span: &OtlpSpan, event: &mut Event) {
    let Some(status) = span.status.as_ref() else { return };
    match status.code() {
        StatusCode::Error => {
            event.success = Some(false);
            event.error_message =
                Some(status.message.clone()).filter(|message| !message.is_empty());
        }
        StatusCode::Ok => event.success = Some(true),
        StatusCode::Unset => {}
    }
}

/// A call, from the span around its execution.
pub(in crate::dialects) fn call(attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    place(attributes, event);
    event.tool_name = attributes.text(otel::GEN_AI_TOOL_NAME);
    event.mcp_method = attributes.text(otel::MCP_METHOD_NAME);
    event.arguments = attributes.text(otel::GEN_AI_TOOL_CALL_ARGUMENTS);
    EventKind::Call
}

/// The result of a call, from the end of that span.
pub(in crate::dialects) fn result(
    span: &OtlpSpan,
    attributes: &Attributes<'_>,
    event: &mut Event,
) -> EventKind {
    call(attributes, event);
    status(span, event);
    event.output = attributes.text(otel::GEN_AI_TOOL_CALL_RESULT);
    event.exit_code = attributes.int(otel::PROCESS_EXIT_CODE);
    event.error_type = attributes.text(otel::ERROR_TYPE);
    EventKind::Result
}

/// A request to a model, with its tokens.
pub(in crate::dialects) fn inference(
    span: &OtlpSpan,
    attributes: &Attributes<'_>,
    event: &mut Event,
) -> EventKind {
    place(attributes, event);
    status(span, event);
    event.error_type = attributes.text(otel::ERROR_TYPE);
    event.http_status = attributes.int(otel::HTTP_RESPONSE_STATUS_CODE);
    event.tokens_input = attributes.int(otel::GEN_AI_USAGE_INPUT_TOKENS);
    event.tokens_output = attributes.int(otel::GEN_AI_USAGE_OUTPUT_TOKENS);
    event.tokens_cached = attributes.int(otel::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS);
    event.tokens_reasoning = attributes.int(otel::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS);
    let failed = event.success == Some(false) || event.error_type.is_some();
    if failed { EventKind::ApiError } else { EventKind::ApiRequest }
}

/// What was asked, where the content is sent and the last message is a person's.
pub(in crate::dialects) fn prompt(attributes: &Attributes<'_>) -> Option<String> {
    let messages = attributes.text(otel::GEN_AI_INPUT_MESSAGES)?;
    messages::last_words(&messages, Speaker::User)
}

/// What was answered, where the content is sent and the answer has words.
pub(in crate::dialects) fn answer(attributes: &Attributes<'_>) -> Option<String> {
    let messages = attributes.text(otel::GEN_AI_OUTPUT_MESSAGES)?;
    messages::last_words(&messages, Speaker::Model)
}

/// A request of the Model Context Protocol.
pub(in crate::dialects) fn mcp(
    span: &OtlpSpan,
    attributes: &Attributes<'_>,
    event: &mut Event,
) -> EventKind {
    call(attributes, event);
    status(span, event);
    event.transport = attributes.text(otel::NETWORK_TRANSPORT);
    event.network_protocol = attributes.text(otel::NETWORK_PROTOCOL_NAME);
    event.error_type = attributes.text(otel::ERROR_TYPE);
    event.detail = attributes.text(otel::RPC_RESPONSE_STATUS_CODE);
    EventKind::McpCall
}
