//! Events as OTLP log records under the names of the registry: one vocabulary, whichever agent spoke.
//!
//! The body is the event's text, `event_name` is `blotter.` and the event's kind, and every other column
//! that the registry names is an attribute. Records of one agent on one host share a resource.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as OtlpValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::columns::Value;
use crate::names::blotter::EventKind;
use crate::names::opentelemetry as otel;
use crate::tables::Event;

/// Name of the instrumentation scope of normalised events.
pub const SCOPE: &str = "blotter";

/// Events as one export request, in their order within each agent and host.
#[must_use]
pub fn request(events: &[Event]) -> ExportLogsServiceRequest {
    type Place<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>);
    let mut by_place: BTreeMap<Place<'_>, Vec<LogRecord>> = BTreeMap::new();
    for event in events {
        let place = (
            event.agent_name.as_deref(),
            event.agent_version.as_deref(),
            event.host_name.as_deref(),
        );
        by_place.entry(place).or_default().push(record(event));
    }
    let resource_logs = by_place.into_iter().map(|((name, version, host), log_records)| {
        let named = [
            (otel::SERVICE_NAME, name.or(Some("unknown_service"))),
            (otel::SERVICE_VERSION, version),
            (otel::HOST_NAME, host),
        ];
        let attributes = named.into_iter().filter_map(|(key, value)| {
            Some(attribute(key, OtlpValue::StringValue(value?.to_owned())))
        });
        let resource = Resource { attributes: attributes.collect(), ..Resource::default() };
        let scope = InstrumentationScope {
            name: SCOPE.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let logs = ScopeLogs { scope: Some(scope), log_records, ..ScopeLogs::default() };
        ResourceLogs { resource: Some(resource), scope_logs: vec![logs], ..ResourceLogs::default() }
    });
    ExportLogsServiceRequest { resource_logs: resource_logs.collect() }
}

fn record(event: &Event) -> LogRecord {
    let kind = event.kind.as_deref().unwrap_or(EventKind::Other.as_str());
    let nanos = |time: Option<i64>| time.and_then(|time| u64::try_from(time).ok()).unwrap_or(0);
    let received = event.received_time.map(|micros| micros.saturating_mul(1000));
    let body = event
        .text
        .as_ref()
        .map(|text| AnyValue { value: Some(OtlpValue::StringValue(text.clone())) });
    LogRecord {
        time_unix_nano: nanos(event.time_unix_nano),
        observed_time_unix_nano: nanos(event.observed_time_unix_nano.or(received)),
        severity_number: event.severity.and_then(|it| i32::try_from(it).ok()).unwrap_or(0),
        body,
        attributes: event
            .attributes()
            .into_iter()
            .map(|(key, value)| of_column(key, value))
            .collect(),
        trace_id: id(event.trace_id.as_deref(), 16),
        span_id: id(event.span_id.as_deref(), 8),
        event_name: format!("{SCOPE}.{kind}"),
        ..LogRecord::default()
    }
}

fn of_column(key: &str, value: Value<'_>) -> KeyValue {
    let value = match value {
        Value::Text(text) => OtlpValue::StringValue(text.to_owned()),
        Value::Int(number) => OtlpValue::IntValue(number),
        Value::Float(number) => OtlpValue::DoubleValue(number),
        Value::Flag(flag) => OtlpValue::BoolValue(flag),
        Value::Id(id) => OtlpValue::StringValue(hex::encode(id)),
    };
    attribute(key, value)
}

fn attribute(key: &str, value: OtlpValue) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// An id as bytes; one of another length than the protocol has is left to its attribute.
fn id(hexadecimal: Option<&str>, length: usize) -> Vec<u8> {
    let bytes = hexadecimal.and_then(|it| hex::decode(it).ok()).unwrap_or_default();
    if bytes.len() == length { bytes } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::blotter;

    #[test]
    fn an_event_keeps_what_its_columns_say_under_the_names_of_the_registry() {
        let event = Event {
            event_id: [7; 16],
            time_unix_nano: Some(5),
            kind: Some("decision".to_owned()),
            agent_name: Some("codex_cli_rs".to_owned()),
            call_id: Some("call_1".to_owned()),
            decision: Some("approved".to_owned()),
            exit_code: Some(3),
            success: Some(true),
            trace_id: Some("00112233445566778899aabbccddeeff".to_owned()),
            span_id: Some("odd".to_owned()),
            text: Some("words".to_owned()),
            ..Event::default()
        };
        let request = request(std::slice::from_ref(&event));
        let logs = &request.resource_logs[0];
        let service = &logs.resource.as_ref().unwrap().attributes[0];
        assert_eq!(service.key, otel::SERVICE_NAME);
        let record = &logs.scope_logs[0].log_records[0];
        assert_eq!(record.event_name, "blotter.decision");
        assert_eq!((record.trace_id.len(), record.span_id.len()), (16, 0));
        let value = |key: &str| {
            let found = record.attributes.iter().find(|it| it.key == key).unwrap();
            crate::otlp::values::text(found.value.as_ref().unwrap().value.as_ref().unwrap())
                .unwrap()
        };
        assert_eq!(value(blotter::BLOTTER_EVENT_ID), "07".repeat(16));
        assert_eq!(value(blotter::BLOTTER_DECISION), "approved");
        assert_eq!(value(otel::GEN_AI_TOOL_CALL_ID), "call_1");
        assert_eq!(value(otel::PROCESS_EXIT_CODE), "3");
        assert_eq!(value(blotter::BLOTTER_SUCCESS), "true");
    }
}
