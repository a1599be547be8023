//! A walk over every string of a request that is to be changed, record by record.

use blotter_redaction::Redactions;
use blotter_schemas::otlp::{Request, values};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, Metric};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;

/// Deepest nesting of values that is entered; nothing decodes to more.
const DEPTH: usize = 200;

/// Changes the strings of a request.
pub(super) trait Edit {
    /// An attribute: its key, and its value before that is walked over. True where it was changed.
    fn attribute(&mut self, attribute: &mut KeyValue) -> u64;
    /// The name of an event, a span, a metric, a scope, or of a value in a map.
    fn name(&mut self, name: &mut String) -> u64;
    /// Any other string.
    fn text(&mut self, text: &mut String) -> u64;
    /// Bytes in a value.
    fn bytes(&mut self, bytes: &mut Vec<u8>) -> u64;
}

/// What was changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// For every record, as redaction counts them: changes in it, its resource and its scope.
    pub(super) records: Vec<u64>,
    /// Places that were changed.
    pub(super) total: u64,
}

impl Changes {
    /// Whether nothing was changed.
    pub(super) const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Counts the changes beside what was redacted, under the name `rule`.
    pub(super) fn add_to(&self, redactions: &mut Redactions, rule: &str) {
        if self.total == 0 {
            return;
        }
        let rule: std::sync::Arc<str> = rule.into();
        for (counts, changes) in redactions.records.iter_mut().zip(&self.records) {
            if *changes > 0 {
                *counts.entry(rule.clone()).or_insert(0) += changes;
            }
        }
        *redactions.total.entry(rule).or_insert(0) += self.total;
    }
}

/// Changes a request.
pub(super) fn edit(request: &mut Request, with: &mut impl Edit) -> Changes {
    let mut walk = Walk { with, changes: Changes::default(), here: 0 };
    walk.request(request);
    walk.changes
}

struct Walk<'a, E> {
    with: &'a mut E,
    changes: Changes,
    /// Changes since the last [`Walk::take`].
    here: u64,
}

impl<E: Edit> Walk<'_, E> {
    fn request(&mut self, request: &mut Request) {
        let walk = self;
        macro_rules! walk_resources {
            ($resources:expr, $scopes:ident, $records:ident, $record:ident) => {
                for resource in $resources {
                    let around = walk.resource(&mut resource.resource, &mut resource.schema_url);
                    for scope in &mut resource.$scopes {
                        let around = around + walk.scope(&mut scope.scope, &mut scope.schema_url);
                        for record in &mut scope.$records {
                            walk.$record(record, around);
                        }
                    }
                }
            };
        }
        match request {
            Request::Logs(request) => {
                walk_resources!(&mut request.resource_logs, scope_logs, log_records, log);
            }
            Request::Traces(request) => {
                walk_resources!(&mut request.resource_spans, scope_spans, spans, span);
            }
            Request::Metrics(request) => {
                walk_resources!(&mut request.resource_metrics, scope_metrics, metrics, metric);
            }
        }
    }

    /// Changes since the last time.
    fn take(&mut self) -> u64 {
        let here = std::mem::take(&mut self.here);
        self.changes.total += here;
        here
    }

    fn end_records(&mut self, around: u64, count: usize) {
        let changes = self.take() + around;
        self.changes.records.extend(std::iter::repeat_n(changes, count));
    }

    fn resource(&mut self, resource: &mut Option<Resource>, schema_url: &mut String) -> u64 {
        if let Some(resource) = resource {
            self.attributes(&mut resource.attributes);
        }
        self.text(schema_url);
        self.take()
    }

    fn scope(&mut self, scope: &mut Option<InstrumentationScope>, schema_url: &mut String) -> u64 {
        if let Some(scope) = scope {
            self.name(&mut scope.name);
            self.text(&mut scope.version);
            self.attributes(&mut scope.attributes);
        }
        self.text(schema_url);
        self.take()
    }

    fn log(&mut self, record: &mut LogRecord, around: u64) {
        self.text(&mut record.severity_text);
        self.name(&mut record.event_name);
        self.attributes(&mut record.attributes);
        self.any(record.body.as_mut(), 0);
        self.end_records(around, 1);
    }

    fn span(&mut self, span: &mut Span, around: u64) {
        self.text(&mut span.trace_state);
        self.name(&mut span.name);
        self.attributes(&mut span.attributes);
        for event in &mut span.events {
            self.name(&mut event.name);
            self.attributes(&mut event.attributes);
        }
        for link in &mut span.links {
            self.text(&mut link.trace_state);
            self.attributes(&mut link.attributes);
        }
        if let Some(status) = &mut span.status {
            self.text(&mut status.message);
        }
        self.end_records(around, 1);
    }

    fn metric(&mut self, metric: &mut Metric, around: u64) {
        self.name(&mut metric.name);
        self.text(&mut metric.description);
        self.text(&mut metric.unit);
        self.attributes(&mut metric.metadata);
        let around = around + self.take();
        let rows = values::row_count(metric);
        let before = self.changes.records.len();
        macro_rules! points {
            ($data:expr $(, $exemplars:ident)?) => {
                for point in &mut $data.data_points {
                    self.attributes(&mut point.attributes);
                    $(self.exemplars(&mut point.$exemplars);)?
                    self.end_records(around, 1);
                }
            };
        }
        match &mut metric.data {
            None => {}
            Some(Data::Gauge(data)) => points!(data, exemplars),
            Some(Data::Sum(data)) => points!(data, exemplars),
            Some(Data::Histogram(data)) => points!(data, exemplars),
            Some(Data::ExponentialHistogram(data)) => points!(data, exemplars),
            Some(Data::Summary(data)) => points!(data),
        }
        // A metric without points is a record too.
        let missing = rows.saturating_sub(self.changes.records.len() - before);
        self.end_records(around, missing);
    }

    fn exemplars(&mut self, exemplars: &mut [Exemplar]) {
        for exemplar in exemplars {
            self.attributes(&mut exemplar.filtered_attributes);
        }
    }

    fn attributes(&mut self, attributes: &mut [KeyValue]) {
        for attribute in attributes {
            self.here += self.with.attribute(attribute);
            self.any(attribute.value.as_mut(), 0);
        }
    }

    fn any(&mut self, any: Option<&mut AnyValue>, depth: usize) {
        let value = any.and_then(|any| any.value.as_mut());
        let Some(value) = value.filter(|_| depth <= DEPTH) else { return };
        match value {
            Value::StringValue(text) => self.text(text),
            Value::BytesValue(bytes) => self.here += self.with.bytes(bytes),
            Value::ArrayValue(array) => {
                for element in &mut array.values {
                    self.any(Some(element), depth + 1);
                }
            }
            Value::KvlistValue(list) => {
                for entry in &mut list.values {
                    self.name(&mut entry.key);
                    self.any(entry.value.as_mut(), depth + 1);
                }
            }
            Value::BoolValue(_)
            | Value::IntValue(_)
            | Value::DoubleValue(_)
            | Value::StringValueStrindex(_) => {}
        }
    }

    fn name(&mut self, name: &mut String) {
        self.here += self.with.name(name);
    }

    fn text(&mut self, text: &mut String) {
        self.here += self.with.text(text);
    }
}
