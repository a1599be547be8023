//! Logs.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::values::{any_value, attributes, count, enumeration, flags, id, resource, scope, text};

fn log_record() -> impl Strategy<Value = LogRecord> {
    let times = (count(), count());
    let severity = (enumeration(), text());
    let content = (option::of(any_value()), attributes(), flags(), text());
    let trace = (flags(), id(), id());
    (times, severity, content, trace).prop_map(|(times, severity, content, trace)| LogRecord {
        time_unix_nano: times.0,
        observed_time_unix_nano: times.1,
        severity_number: severity.0,
        severity_text: severity.1,
        body: content.0,
        attributes: content.1,
        dropped_attributes_count: content.2,
        event_name: content.3,
        flags: trace.0,
        trace_id: trace.1,
        span_id: trace.2,
    })
}

/// Any request with logs, records that are equal included.
pub fn logs_request() -> impl Strategy<Value = ExportLogsServiceRequest> {
    let records = (vec(log_record(), 0..3), any::<bool>()).prop_map(|(mut records, twice)| {
        if twice {
            records.extend(records.first().cloned());
        }
        records
    });
    let scope_logs = (option::of(scope()), records, text())
        .prop_map(|(scope, log_records, schema_url)| ScopeLogs { scope, log_records, schema_url });
    let resource_logs = (option::of(resource()), vec(scope_logs, 0..3), text()).prop_map(
        |(resource, scope_logs, schema_url)| ResourceLogs { resource, scope_logs, schema_url },
    );
    vec(resource_logs, 0..3)
        .prop_map(|resource_logs| ExportLogsServiceRequest { resource_logs })
        .boxed()
}
