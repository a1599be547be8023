//! Traces.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use crate::otlp::fields::{
    Enumeration, Fixed32, Fixed64, Id, Many, One, Records, Text, Uint32, message,
};

message!(ExportTraceServiceRequest {
    1 "resourceSpans" resource_spans: Many<ResourceSpans>,
});

message!(ResourceSpans {
    1 "resource" resource: One<Resource>,
    2 "scopeSpans" scope_spans: Many<ScopeSpans>,
    3 "schemaUrl" schema_url: Text,
});

message!(ScopeSpans {
    1 "scope" scope: One<InstrumentationScope>,
    2 "spans" spans: Records<Span>,
    3 "schemaUrl" schema_url: Text,
});

message!(Span {
    1 "traceId" trace_id: Id<16>,
    2 "spanId" span_id: Id<8>,
    3 "traceState" trace_state: Text,
    4 "parentSpanId" parent_span_id: Id<8>,
    16 "flags" flags: Fixed32,
    5 "name" name: Text,
    6 "kind" kind: Enumeration<SpanKind>,
    7 "startTimeUnixNano" start_time_unix_nano: Fixed64,
    8 "endTimeUnixNano" end_time_unix_nano: Fixed64,
    9 "attributes" attributes: Many<KeyValue>,
    10 "droppedAttributesCount" dropped_attributes_count: Uint32,
    11 "events" events: Many<Event>,
    12 "droppedEventsCount" dropped_events_count: Uint32,
    13 "links" links: Many<Link>,
    14 "droppedLinksCount" dropped_links_count: Uint32,
    15 "status" status: One<Status>,
});

message!(Event {
    1 "timeUnixNano" time_unix_nano: Fixed64,
    2 "name" name: Text,
    3 "attributes" attributes: Many<KeyValue>,
    4 "droppedAttributesCount" dropped_attributes_count: Uint32,
});

message!(Link {
    1 "traceId" trace_id: Id<16>,
    2 "spanId" span_id: Id<8>,
    3 "traceState" trace_state: Text,
    4 "attributes" attributes: Many<KeyValue>,
    5 "droppedAttributesCount" dropped_attributes_count: Uint32,
    6 "flags" flags: Fixed32,
});

message!(Status {
    2 "message" message: Text,
    3 "code" code: Enumeration<StatusCode>,
});
