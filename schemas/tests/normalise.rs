//! What every record becomes, whatever the agent.

use blotter_schemas::names::opentelemetry::EVENT_TIMESTAMP;
use blotter_schemas::normalise::{Custody, Rows, normalise, undecodable};
use blotter_schemas::otlp::{Encoding, Request, Signal};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics,
};

fn logs(records: Vec<LogRecord>) -> Request {
    let scope_logs = vec![ScopeLogs { log_records: records, ..ScopeLogs::default() }];
    let resource_logs = vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }];
    Request::Logs(ExportLogsServiceRequest { resource_logs })
}

fn rows(request: &Request) -> Rows {
    let custody = Custody {
        received_time_unix_nano: 5_000_000_000,
        journal_position: Some(40),
        ..Custody::default()
    };
    let mut rows = Rows::default();
    normalise(request, &custody, &mut rows);
    rows
}

fn timestamp(text: &str) -> KeyValue {
    KeyValue {
        key: EVENT_TIMESTAMP.to_owned(),
        value: Some(AnyValue { value: Some(Value::StringValue(text.to_owned())) }),
        ..KeyValue::default()
    }
}

#[test]
fn the_time_is_the_records_else_the_observed_else_the_attributes_else_the_receipts() {
    let both = LogRecord {
        time_unix_nano: 1_001,
        observed_time_unix_nano: 2_002,
        attributes: vec![timestamp("1970-01-01T00:00:03Z")],
        ..LogRecord::default()
    };
    let observed = LogRecord { time_unix_nano: 0, ..both.clone() };
    let attribute = LogRecord { observed_time_unix_nano: 0, ..observed.clone() };
    let none = LogRecord::default();
    let events = rows(&logs(vec![both, observed, attribute, none])).events;
    let times: Vec<_> =
        events.iter().map(|event| (event.time_unix_nano, event.time_source.as_deref())).collect();
    assert_eq!(
        times,
        [
            (Some(1_001), Some("record")),
            (Some(2_002), Some("observed")),
            (Some(3_000_000_000), Some("attribute")),
            (Some(5_000_000_000), Some("received")),
        ]
    );
}

#[test]
fn a_time_beyond_what_a_row_holds_is_clamped_flagged_and_raw_in_the_record() {
    let record = LogRecord { time_unix_nano: u64::MAX, ..LogRecord::default() };
    let event = rows(&logs(vec![record])).events.remove(0);
    assert_eq!((event.time_unix_nano, event.time_clamped), (Some(i64::MAX), Some(true)));
    assert!(event.canonical_record().unwrap().unwrap().contains(&u64::MAX.to_string()));
}

#[test]
fn positions_follow_the_records_and_identical_records_stay_two_rows() {
    let events = rows(&logs(vec![LogRecord::default(), LogRecord::default()])).events;
    assert_eq!(events[0].journal_position, Some(40));
    assert_eq!(events[1].journal_position, Some(41));
    assert_ne!(events[0].event_id, events[1].event_id);
}

#[test]
fn a_metric_becomes_a_row_a_point_and_one_without_points_becomes_one_row() {
    let metric = |data| Metric { name: "m".to_owned(), data, ..Metric::default() };
    let gauge = |points| Some(Data::Gauge(Gauge { data_points: points }));
    let metrics = vec![
        metric(gauge(vec![NumberDataPoint::default(), NumberDataPoint::default()])),
        metric(gauge(vec![])),
        metric(None),
    ];
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    let resource_metrics = vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }];
    let request = Request::Metrics(ExportMetricsServiceRequest { resource_metrics });
    let rows = rows(&request).metrics;
    assert_eq!(rows.len(), request.record_count());
    let data: Vec<_> = rows.iter().map(|row| row.data.as_deref()).collect();
    assert_eq!(data, [Some("gauge"), Some("gauge"), Some("gauge"), None]);
}

#[test]
fn a_request_that_was_acknowledged_but_does_not_decode_is_kept_with_the_error() {
    let body = b"\xff\xff";
    let error = Request::decode(Signal::Logs, Encoding::Protobuf, body).unwrap_err();
    let mut rows = Rows::default();
    undecodable(Signal::Logs, Encoding::Protobuf, body, &error, &Custody::default(), &mut rows);
    let event = rows.events.remove(0);
    assert_eq!(event.text.as_deref(), Some("ffff"));
    assert_eq!(event.normalise_error, Some(error.to_string()));
    assert_eq!(event.kind.as_deref(), Some("other"));
}
