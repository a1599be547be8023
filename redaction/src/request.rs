//! The walk over every string of a request.

use std::sync::Arc;

use blotter_schemas::otlp::Request;
use blotter_schemas::otlp::values;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, Metric};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::fields::Mode;
use crate::redactor::{Counts, Redactions, Redactor};

/// Deepest nesting of values that is kept; no decoder lets more in.
const DEPTH: usize = 200;

pub(crate) fn redact(redactor: &Redactor, request: &mut Request) -> Redactions {
    let mut walk = Walk { redactor, counts: Counts::new(), out: Redactions::default() };
    match request {
        Request::Logs(request) => {
            for resource in &mut request.resource_logs {
                let around = walk.resource(&mut resource.resource, &mut resource.schema_url);
                for scope in &mut resource.scope_logs {
                    let around = walk.scope(&around, &mut scope.scope, &mut scope.schema_url);
                    for record in &mut scope.log_records {
                        walk.log(record);
                        walk.end_records(&around, 1);
                    }
                }
            }
        }
        Request::Traces(request) => {
            for resource in &mut request.resource_spans {
                let around = walk.resource(&mut resource.resource, &mut resource.schema_url);
                for scope in &mut resource.scope_spans {
                    let around = walk.scope(&around, &mut scope.scope, &mut scope.schema_url);
                    for span in &mut scope.spans {
                        walk.span(span);
                        walk.end_records(&around, 1);
                    }
                }
            }
        }
        Request::Metrics(request) => {
            for resource in &mut request.resource_metrics {
                let around = walk.resource(&mut resource.resource, &mut resource.schema_url);
                for scope in &mut resource.scope_metrics {
                    let around = walk.scope(&around, &mut scope.scope, &mut scope.schema_url);
                    for metric in &mut scope.metrics {
                        walk.metric(metric, &around);
                    }
                }
            }
        }
    }
    walk.out
}

struct Walk<'a> {
    redactor: &'a Redactor,
    /// What was found since the last [`Walk::take`].
    counts: Counts,
    out: Redactions,
}

impl Walk<'_> {
    /// What was found since the last time, also added to the total.
    fn take(&mut self) -> Counts {
        let counts = std::mem::take(&mut self.counts);
        add(&mut self.out.total, &counts);
        counts
    }

    /// Ends `count` records that share what was found last, beside what stands around them.
    fn end_records(&mut self, around: &Counts, count: usize) {
        let mut counts = self.take();
        add(&mut counts, around);
        self.out.records.extend(std::iter::repeat_n(counts, count));
    }

    fn resource(&mut self, resource: &mut Option<Resource>, schema_url: &mut String) -> Counts {
        if let Some(resource) = resource {
            self.attributes(&mut resource.attributes, 0);
            for entity in &mut resource.entity_refs {
                self.string(&mut entity.schema_url);
                self.string(&mut entity.r#type);
                for key in entity.id_keys.iter_mut().chain(&mut entity.description_keys) {
                    self.string(key);
                }
            }
        }
        self.string(schema_url);
        self.take()
    }

    fn scope(
        &mut self,
        around: &Counts,
        scope: &mut Option<InstrumentationScope>,
        schema_url: &mut String,
    ) -> Counts {
        if let Some(scope) = scope {
            self.string(&mut scope.name);
            self.string(&mut scope.version);
            self.attributes(&mut scope.attributes, 0);
        }
        self.string(schema_url);
        let mut counts = self.take();
        add(&mut counts, around);
        counts
    }

    fn log(&mut self, record: &mut LogRecord) {
        self.string(&mut record.severity_text);
        self.string(&mut record.event_name);
        self.attributes(&mut record.attributes, 0);
        match self.redactor.fields.bodies {
            Mode::Redact => self.any(&mut record.body, None, 0),
            Mode::Keep => {}
            Mode::Drop => {
                if record.body.take().is_some() {
                    self.count(&self.redactor.dropped);
                }
            }
            Mode::Hash => self.hash(&mut record.body),
        }
    }

    fn span(&mut self, span: &mut Span) {
        self.string(&mut span.trace_state);
        self.string(&mut span.name);
        self.attributes(&mut span.attributes, 0);
        for event in &mut span.events {
            self.string(&mut event.name);
            self.attributes(&mut event.attributes, 0);
        }
        for link in &mut span.links {
            self.string(&mut link.trace_state);
            self.attributes(&mut link.attributes, 0);
        }
        if let Some(status) = &mut span.status {
            self.string(&mut status.message);
        }
    }

    fn metric(&mut self, metric: &mut Metric, around: &Counts) {
        self.string(&mut metric.name);
        self.string(&mut metric.description);
        self.string(&mut metric.unit);
        self.attributes(&mut metric.metadata, 0);
        let mut around = around.clone();
        add(&mut around, &self.take());
        let rows = values::row_count(metric);
        let before = self.out.records.len();
        macro_rules! points {
            ($data:expr $(, $exemplars:ident)?) => {
                for point in &mut $data.data_points {
                    self.attributes(&mut point.attributes, 0);
                    $(self.exemplars(&mut point.$exemplars);)?
                    self.end_records(&around, 1);
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
        let missing = rows.saturating_sub(self.out.records.len() - before);
        self.end_records(&around, missing);
    }

    fn exemplars(&mut self, exemplars: &mut [Exemplar]) {
        for exemplar in exemplars {
            self.attributes(&mut exemplar.filtered_attributes, 0);
        }
    }

    fn attributes(&mut self, attributes: &mut Vec<KeyValue>, depth: usize) {
        let redactor = self.redactor;
        attributes.retain_mut(|attribute| {
            // The key first, so that its value is read as under the key that is stored.
            self.string(&mut attribute.key);
            match redactor.fields.mode(&attribute.key) {
                Mode::Redact => self.any(&mut attribute.value, Some(&attribute.key), depth),
                Mode::Keep => {}
                Mode::Hash => self.hash(&mut attribute.value),
                Mode::Drop => {
                    self.count(&redactor.dropped);
                    return false;
                }
            }
            true
        });
    }

    fn any(&mut self, any: &mut Option<AnyValue>, name: Option<&str>, depth: usize) {
        if depth > DEPTH {
            if any.take().is_some() {
                self.count(&self.redactor.dropped);
            }
            return;
        }
        if let Some(value) = any.as_mut().and_then(|any| any.value.as_mut()) {
            self.value(value, name, depth);
        }
    }

    fn value(&mut self, value: &mut Value, name: Option<&str>, depth: usize) {
        match value {
            Value::StringValue(text) => {
                if let Some(redacted) = self.redactor.text(text, name, &mut self.counts) {
                    *text = redacted;
                }
            }
            Value::BytesValue(bytes) => {
                let Ok(text) = std::str::from_utf8(bytes) else {
                    return;
                };
                if let Some(redacted) = self.redactor.text(text, name, &mut self.counts) {
                    *bytes = redacted.into_bytes();
                }
            }
            Value::ArrayValue(array) => {
                for element in &mut array.values {
                    if depth > DEPTH {
                        element.value = None;
                    } else if let Some(value) = &mut element.value {
                        self.value(value, name, depth + 1);
                    }
                }
            }
            Value::KvlistValue(list) => self.attributes(&mut list.values, depth + 1),
            Value::BoolValue(_)
            | Value::IntValue(_)
            | Value::DoubleValue(_)
            | Value::StringValueStrindex(_) => {}
        }
    }

    fn string(&mut self, text: &mut String) {
        if let Some(redacted) = self.redactor.text(text, None, &mut self.counts) {
            *text = redacted;
        }
    }

    /// Replaces a value by its fingerprint and length; nested values by those of their JSON.
    fn hash(&mut self, any: &mut Option<AnyValue>) {
        let Some(value) = any.as_mut().and_then(|any| any.value.as_mut()) else {
            return;
        };
        let text = match *value {
            Value::BytesValue(ref bytes) => String::from_utf8_lossy(bytes).into_owned(),
            ref other => values::text(other).unwrap_or_default(),
        };
        if let Some(mark) = self.redactor.hash(&text) {
            *value = Value::StringValue(mark);
            self.count(&self.redactor.hashed);
        }
    }

    fn count(&mut self, rule: &Arc<str>) {
        *self.counts.entry(rule.clone()).or_insert(0) += 1;
    }
}

fn add(to: &mut Counts, counts: &Counts) {
    for (rule, count) in counts {
        *to.entry(rule.clone()).or_insert(0) += count;
    }
}
