//! Facts by their names: the same on a log record and on an event of a span.

use crate::names::blotter::{self, EventKind, EventName};
use crate::names::opentelemetry as otel;
use crate::otlp::values::Attributes;
use crate::tables::Event;

/// What the detail of a call says where its tool began to act.
const EXECUTED: &str = "executed";
/// What it says where the tool did not.
const NOT_EXECUTED: &str = "not_executed";
/// The class of error of records that were lost.
const DROPPED: &str = "records_dropped";
/// The words for a permission that was given, and for one that was refused.
const GRANTED: &str = "granted";
const REFUSED: &str = "denied";

/// Fills the columns of a fact of this name, and tells its kind.
pub(super) fn fill(name: EventName, attributes: &Attributes<'_>, event: &mut Event) -> EventKind {
    match name {
        EventName::SessionStarted => {
            event.transport = attributes.text(blotter::BLOTTER_TRANSPORT);
            EventKind::SessionStart
        }
        EventName::SessionEnded => EventKind::SessionEnd,
        EventName::ProfileChanged => EventKind::Profile,
        EventName::TransportChanged => {
            event.transport = attributes.text(blotter::BLOTTER_TRANSPORT);
            EventKind::Config
        }
        EventName::ConfigurationLoaded => {
            event.configuration_kind = attributes.text(blotter::BLOTTER_CONFIGURATION_KIND);
            event.configuration_name = attributes.text(blotter::BLOTTER_CONFIGURATION_NAME);
            event.configuration_digest = attributes.text(blotter::BLOTTER_CONFIGURATION_DIGEST);
            event.text.clone_from(&event.configuration_name);
            event.detail.clone_from(&event.configuration_kind);
            EventKind::Config
        }
        EventName::Prompt => {
            event.text = attributes.text(blotter::BLOTTER_PROMPT_TEXT);
            EventKind::Prompt
        }
        EventName::Response => {
            event.text = attributes.text(blotter::BLOTTER_RESPONSE_TEXT);
            EventKind::Response
        }
        EventName::Error => {
            error(attributes, event);
            EventKind::Error
        }
        EventName::RecordsDropped => {
            event.error_type = Some(DROPPED.to_owned());
            event.error_message = attributes.text(otel::ERROR_MESSAGE);
            event.detail = attributes.text(blotter::BLOTTER_RECORDS_DROPPED);
            EventKind::Error
        }
        EventName::CallStarted => {
            event.arguments = attributes.text(otel::GEN_AI_TOOL_CALL_ARGUMENTS);
            event.transport = attributes.text(blotter::BLOTTER_MCP_TRANSPORT);
            EventKind::Call
        }
        EventName::CallExecuting => {
            event.detail = Some(executed(true));
            EventKind::Call
        }
        EventName::ApprovalRequested => {
            event.text = attributes.text(blotter::BLOTTER_APPROVAL_REQUEST);
            event.risk_level = attributes.text(blotter::BLOTTER_RISK_LEVEL);
            EventKind::ApprovalRequest
        }
        EventName::Decision => {
            decided(blotter::BLOTTER_DECISION, attributes, event);
            EventKind::Decision
        }
        EventName::Sandbox => {
            event.sandbox_outcome = attributes.text(blotter::BLOTTER_SANDBOX_OUTCOME);
            event.decision_reason = attributes.text(blotter::BLOTTER_DECISION_REASON);
            EventKind::Sandbox
        }
        EventName::ProxyDecision => {
            decided(blotter::BLOTTER_PROXY_DECISION, attributes, event);
            event.server_address = attributes.text(otel::SERVER_ADDRESS);
            event.server_port = attributes.int(otel::SERVER_PORT);
            event.network_protocol = attributes.text(otel::NETWORK_PROTOCOL_NAME);
            event.http_method = attributes.text(otel::HTTP_REQUEST_METHOD);
            EventKind::ProxyDecision
        }
        EventName::PermissionRequested => {
            event.text = attributes.text(blotter::BLOTTER_PERMISSION);
            event.detail = attributes.text(blotter::BLOTTER_PERMISSION_SCOPE);
            EventKind::ApprovalRequest
        }
        EventName::PermissionGranted | EventName::PermissionDenied => {
            decided(blotter::BLOTTER_DECISION, attributes, event);
            let granted = name == EventName::PermissionGranted;
            event.decision = Some(if granted { GRANTED } else { REFUSED }.to_owned());
            event.text = attributes.text(blotter::BLOTTER_PERMISSION);
            event.detail = attributes.text(blotter::BLOTTER_PERMISSION_SCOPE);
            EventKind::Grant
        }
    }
}

/// The detail of a call whose tool began to act, or did not.
pub(super) fn executed(executed: bool) -> String {
    if executed { EXECUTED } else { NOT_EXECUTED }.to_owned()
}

fn decided(key: &str, attributes: &Attributes<'_>, event: &mut Event) {
    event.decision = attributes.text(key);
    event.decision_source = attributes.text(blotter::BLOTTER_DECISION_SOURCE);
    event.decision_reason = attributes.text(blotter::BLOTTER_DECISION_REASON);
    event.risk_level = attributes.text(blotter::BLOTTER_RISK_LEVEL);
}

/// What an error says of itself, on any record.
pub(super) fn error(attributes: &Attributes<'_>, event: &mut Event) {
    event.error_class = attributes.text(blotter::BLOTTER_ERROR_CLASS);
    event.error_type = attributes.text(otel::ERROR_TYPE);
    if let Some(message) = attributes.text(otel::ERROR_MESSAGE) {
        event.error_message = Some(message);
    }
    event.http_status = attributes.int(otel::HTTP_RESPONSE_STATUS_CODE);
    event.detail = attributes.text(blotter::BLOTTER_ERROR_CODE);
    event.text = attributes.text(blotter::BLOTTER_ERROR_ADVICE);
}
