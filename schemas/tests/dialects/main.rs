//! The traps of each agent's telemetry, one by one.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

mod anything;
mod blotter;
mod claude_code;
mod codex;
mod copilot_cli;
mod gemini_cli;
mod gen_ai;
mod opencode;
mod qwen_code;

use blotter_schemas::normalise::{Custody, Rows, normalise};
use blotter_schemas::otlp::Request;
use blotter_schemas::tables::Event;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Event as SpanEvent;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

/// Time of receipt of everything here.
const RECEIVED: i64 = 1_795_300_000_000_000_000;

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn int(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn flag(key: &str, value: bool) -> KeyValue {
    attribute(key, Value::BoolValue(value))
}

/// An attribute with the value `{}`, which agents send where they have none.
fn empty(key: &str) -> KeyValue {
    KeyValue { value: Some(AnyValue { value: None }), ..text(key, "") }
}

fn kind(event: &Event) -> &str {
    event.kind.as_deref().unwrap()
}

/// A log record that carries its name in an attribute.
fn named_log(name: &str, attributes: Vec<KeyValue>) -> LogRecord {
    let attributes = [vec![text("event.name", name)], attributes].concat();
    LogRecord { attributes, ..LogRecord::default() }
}

/// The status of a span that failed.
fn failed(message: &str) -> Option<Status> {
    Some(Status { code: StatusCode::Error.into(), message: message.to_owned() })
}

fn resource(service: &str) -> Resource {
    Resource { attributes: vec![text("service.name", service)], ..Resource::default() }
}

fn scope(name: &str) -> InstrumentationScope {
    InstrumentationScope { name: name.to_owned(), ..InstrumentationScope::default() }
}

fn rows(request: &Request) -> Rows {
    let custody = Custody { received_time_unix_nano: RECEIVED, ..Custody::default() };
    let mut rows = Rows::default();
    normalise(request, &custody, &mut rows);
    rows
}

/// The event that a log record becomes.
fn log(service: &str, scope_name: &str, record: LogRecord) -> Event {
    let request = Request::Logs(ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource(service)),
            scope_logs: vec![ScopeLogs {
                scope: Some(scope(scope_name)),
                log_records: vec![record],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    });
    let mut rows = rows(&request);
    assert_eq!(rows.len(), 1, "a log record is one row");
    rows.events.remove(0)
}

/// The rows that a span becomes.
fn span(service: &str, span: Span) -> Rows {
    rows(&Request::Traces(ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource(service)),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope(service)),
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }))
}

fn named_span(name: &str, attributes: Vec<KeyValue>) -> Span {
    Span {
        name: name.to_owned(),
        span_id: vec![7; 8],
        trace_id: vec![9; 16],
        start_time_unix_nano: 1_795_200_000_000_000_000,
        end_time_unix_nano: 1_795_200_001_000_000_000,
        attributes,
        ..Span::default()
    }
}

fn span_event(name: &str, attributes: Vec<KeyValue>) -> SpanEvent {
    SpanEvent {
        name: name.to_owned(),
        time_unix_nano: 1_795_200_000_500_000_000,
        attributes,
        ..SpanEvent::default()
    }
}

#[test]
fn records_of_other_senders_are_kept_as_other() {
    let record =
        LogRecord { attributes: vec![text("event.name", "tool_result")], ..LogRecord::default() };
    let event = log("my-agent", "lab", record);
    assert_eq!(event.dialect.as_deref(), Some("other"));
    assert_eq!(event.kind.as_deref(), Some("other"));
    assert_eq!(event.name.as_deref(), Some("tool_result"));
    assert!(event.record.is_some());
}
