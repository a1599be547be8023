//! Records become OTLP export requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use blotter_redaction::Redactor;
use blotter_schemas::names::blotter;
use blotter_schemas::names::opentelemetry as otel;
use blotter_schemas::otlp::{self, Encoding, Request};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;

use super::queue::{Lost, lose};
use crate::record::{Around, Ended, Frame, Record, What};
use crate::value::{Attributes, Value};

/// The scope of this crate's records.
pub(crate) const SCOPE: &str = "blotter.instrumentation";
/// Most records of one batch, and about the most bytes.
const RECORDS: usize = 512;
const BYTES: usize = 1 << 20;
/// Every span is recorded.
const SAMPLED: u32 = 1;

/// Which of the two signals a batch is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Logs,
    Traces,
}

/// An export request.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) signal: Signal,
    pub(crate) body: Bytes,
    /// Records by session.
    pub(crate) of: Vec<Lost>,
}

/// Turns records into export requests of one resource, without the secrets that are in them.
pub(crate) struct Encoder {
    resource: Resource,
    scope: InstrumentationScope,
    redactor: Arc<Redactor>,
}

#[derive(Default)]
struct Building {
    logs: Vec<LogRecord>,
    spans: BTreeMap<(String, String), Vec<Span>>,
    of: [Vec<Lost>; 2],
    count: usize,
    bytes: usize,
}

impl Encoder {
    /// `configured` are attributes of the resource from the environment; they override none of ours.
    pub(crate) fn new(
        resource: &Attributes,
        configured: Vec<(String, String)>,
        redactor: Arc<Redactor>,
    ) -> Self {
        let mut attributes = Vec::new();
        write(resource, &mut attributes);
        for (key, value) in configured {
            if !attributes.iter().any(|known| known.key == key) {
                attributes.push(attribute(&key, Any::StringValue(value)));
            }
        }
        Self {
            resource: Resource { attributes, ..Resource::default() },
            scope: InstrumentationScope {
                name: SCOPE.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                ..InstrumentationScope::default()
            },
            redactor,
        }
    }

    /// Batches of records, in their order: of what came together, log records go first, so that a call's
    /// start is there before its end.
    pub(crate) fn batches(&self, records: Vec<Record>) -> Vec<Batch> {
        let mut batches = Vec::new();
        let mut building = Building::default();
        for record in records {
            building.bytes += record.size();
            building.count += 1;
            building.add(record);
            if building.count >= RECORDS || building.bytes >= BYTES {
                self.finish(std::mem::take(&mut building), &mut batches);
            }
        }
        self.finish(building, &mut batches);
        batches
    }

    fn finish(&self, building: Building, batches: &mut Vec<Batch>) {
        let Building { logs, spans, of: [of_logs, of_spans], .. } = building;
        let resource = || Some(self.resource.clone());
        if !logs.is_empty() {
            let scope_logs = vec![ScopeLogs {
                scope: Some(self.scope.clone()),
                log_records: logs,
                ..ScopeLogs::default()
            }];
            let logs = ResourceLogs { resource: resource(), scope_logs, ..ResourceLogs::default() };
            let request = ExportLogsServiceRequest { resource_logs: vec![logs] };
            batches.push(self.batch(Request::Logs(request), Signal::Logs, of_logs));
        }
        if !spans.is_empty() {
            let scope_spans = spans
                .into_iter()
                .map(|((name, version), spans)| ScopeSpans {
                    scope: Some(InstrumentationScope {
                        name,
                        version,
                        ..InstrumentationScope::default()
                    }),
                    spans,
                    ..ScopeSpans::default()
                })
                .collect();
            let spans =
                ResourceSpans { resource: resource(), scope_spans, ..ResourceSpans::default() };
            let request = ExportTraceServiceRequest { resource_spans: vec![spans] };
            batches.push(self.batch(Request::Traces(request), Signal::Traces, of_spans));
        }
    }

    /// Nothing leaves this process, and nothing is spooled, before secrets are taken out of it.
    fn batch(&self, mut request: Request, signal: Signal, of: Vec<Lost>) -> Batch {
        let kind = match signal {
            Signal::Logs => otlp::Signal::Logs,
            Signal::Traces => otlp::Signal::Traces,
        };
        let mut body = encoded(&request);
        if self.redactor.may_contain(kind, Encoding::Protobuf, &body)
            && !self.redactor.redact(&mut request).is_empty()
        {
            body = encoded(&request);
        }
        Batch { signal, body: body.into(), of }
    }
}

fn encoded(request: &Request) -> Vec<u8> {
    match request {
        Request::Logs(request) => request.encode_to_vec(),
        Request::Traces(request) => request.encode_to_vec(),
        Request::Metrics(request) => request.encode_to_vec(),
    }
}

impl Building {
    fn add(&mut self, record: Record) {
        let Record { what, frame, around, attributes } = record;
        let [of_logs, of_spans] = &mut self.of;
        match what {
            What::Log { name, time, error, sequence, place } => {
                lose(of_logs, &frame, 1);
                let mut all = all(&frame, &around, &attributes);
                all.push(attribute(blotter::BLOTTER_RECORD_SEQUENCE, Any::IntValue(sequence)));
                let severity = if error { SeverityNumber::Error } else { SeverityNumber::Info };
                self.logs.push(LogRecord {
                    time_unix_nano: time,
                    observed_time_unix_nano: time,
                    severity_number: severity.into(),
                    event_name: name.as_str().to_owned(),
                    attributes: all,
                    trace_id: place.map(|(trace, _)| trace.to_vec()).unwrap_or_default(),
                    span_id: place.map(|(_, span)| span.to_vec()).unwrap_or_default(),
                    flags: if place.is_some() { SAMPLED } else { 0 },
                    ..LogRecord::default()
                });
            }
            What::Span(ended) => {
                lose(of_spans, &frame, 1);
                let scope = (SCOPE.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
                let all = all(&frame, &around, &attributes);
                self.spans.entry(scope).or_default().push(span(*ended, all));
            }
            #[cfg(feature = "tracing")]
            What::Foreign(data) => {
                lose(of_spans, &frame, 1);
                let scope = &data.instrumentation_scope;
                let version = scope.version().unwrap_or_default().to_owned();
                let scope = (scope.name().to_owned(), version);
                self.spans.entry(scope).or_default().push(Span::from(*data));
            }
        }
    }
}

fn span(ended: Ended, attributes: Vec<KeyValue>) -> Span {
    let Ended { name, client, context, parent, start, end, failed } = ended;
    let kind = if client { SpanKind::Client } else { SpanKind::Internal };
    let code = if failed.is_some() { StatusCode::Error } else { StatusCode::Ok };
    Span {
        trace_id: context.trace_id.to_vec(),
        span_id: context.span_id.to_vec(),
        trace_state: context.state.unwrap_or_default(),
        parent_span_id: parent.map(|parent| parent.to_vec()).unwrap_or_default(),
        flags: SAMPLED,
        name,
        kind: kind.into(),
        start_time_unix_nano: start,
        end_time_unix_nano: end.max(start),
        attributes,
        status: Some(Status { code: code.into(), message: failed.unwrap_or_default() }),
        ..Span::default()
    }
}

/// A record's own attributes, those of its call and turn, and those of its session.
fn all(frame: &Frame, around: &[Option<Arc<Around>>; 2], own: &Attributes) -> Vec<KeyValue> {
    let mut all = Vec::with_capacity(own.0.len() + frame.attributes.0.len() + 10);
    write(own, &mut all);
    let [turn, call] = around;
    for around in [call, turn].into_iter().flatten() {
        write(&around.attributes, &mut all);
    }
    write(&frame.attributes, &mut all);
    all.push(attribute(otel::SESSION_ID, Any::StringValue(frame.session_id.as_ref().to_owned())));
    all
}

fn write(attributes: &Attributes, to: &mut Vec<KeyValue>) {
    for (key, value) in &attributes.0 {
        // What is said first holds: a record knows better than what is around it.
        if !to.iter().any(|known| known.key == *key) {
            to.push(attribute(key, any(value)));
        }
    }
}

fn any(value: &Value) -> Any {
    match value {
        Value::Text(text) => Any::StringValue(text.clone().into_owned()),
        Value::Shared(text) => Any::StringValue(text.as_ref().to_owned()),
        Value::Int(number) => Any::IntValue(*number),
        Value::Flag(flag) => Any::BoolValue(*flag),
        Value::Texts(texts) => {
            let text = |text: &String| AnyValue { value: Some(Any::StringValue(text.clone())) };
            Any::ArrayValue(ArrayValue { values: texts.iter().map(text).collect() })
        }
    }
}

fn attribute(key: &str, value: Any) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
