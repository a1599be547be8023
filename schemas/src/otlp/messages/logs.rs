//! Logs.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::otlp::fields::{
    Enumeration, Fixed32, Fixed64, Id, Many, One, Records, Text, Uint32, message,
};

message!(ExportLogsServiceRequest {
    1 "resourceLogs" resource_logs: Many<ResourceLogs>,
});

message!(ResourceLogs {
    1 "resource" resource: One<Resource>,
    2 "scopeLogs" scope_logs: Many<ScopeLogs>,
    3 "schemaUrl" schema_url: Text,
});

message!(ScopeLogs {
    1 "scope" scope: One<InstrumentationScope>,
    2 "logRecords" log_records: Records<LogRecord>,
    3 "schemaUrl" schema_url: Text,
});

message!(LogRecord {
    1 "timeUnixNano" time_unix_nano: Fixed64,
    11 "observedTimeUnixNano" observed_time_unix_nano: Fixed64,
    2 "severityNumber" severity_number: Enumeration<SeverityNumber>,
    3 "severityText" severity_text: Text,
    5 "body" body: One<AnyValue>,
    6 "attributes" attributes: Many<KeyValue>,
    7 "droppedAttributesCount" dropped_attributes_count: Uint32,
    8 "flags" flags: Fixed32,
    9 "traceId" trace_id: Id<16>,
    10 "spanId" span_id: Id<8>,
    12 "eventName" event_name: Text,
});
