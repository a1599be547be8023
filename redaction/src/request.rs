//! The walk over every string of a request. It is taken twice: once to collect the strings, which are
//! then searched together at memory speed, and once to edit those in which something may be found.

use std::sync::{Arc, LazyLock};

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
use crate::mark;
use crate::redactor::{Counts, Redactions, Redactor};
use crate::texts::{Index, Looks, Texts};

/// Deepest nesting of values that is kept; no decoder lets more in.
const DEPTH: usize = 200;

/// Bytes of an id of a trace, and of a span.
const TRACE_ID: usize = 16;
const SPAN_ID: usize = 8;

static INVALID_ID: LazyLock<Arc<str>> = LazyLock::new(|| mark::INVALID_ID.into());

pub(crate) fn redact(redactor: &Redactor, request: &mut Request) -> Redactions {
    let mut walk = Walk {
        redactor,
        pass: Pass::Collect(Texts::default()),
        counts: Counts::new(),
        out: Redactions::default(),
    };
    walk.request(request);
    if let Pass::Collect(texts) = std::mem::take(&mut walk.pass) {
        walk.pass = Pass::Edit(texts.looks(redactor));
        walk.out = Redactions::default();
        walk.request(request);
    }
    walk.out
}

/// What happens to the strings on the way.
enum Pass {
    /// Nothing is changed.
    Collect(Texts),
    Edit(Looks),
}

impl Default for Pass {
    fn default() -> Self {
        Self::Edit(Looks::default())
    }
}

/// An attribute key that values stand under: how it reads, and which of the strings it is.
#[derive(Clone, Copy)]
struct Name<'a> {
    text: &'a str,
    index: Index,
}

struct Walk<'a> {
    redactor: &'a Redactor,
    pass: Pass,
    /// What was found since the last [`Walk::take`].
    counts: Counts,
    out: Redactions,
}

impl Walk<'_> {
    fn request(&mut self, request: &mut Request) {
        let walk = self;
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
    }

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

    /// Takes an id out that is none: nothing else is searched in it, and OTLP says that it counts as absent.
    fn id(&mut self, id: &mut Vec<u8>, length: usize) {
        if self.edits() && !id.is_empty() && id.len() != length {
            *id = Vec::new();
            self.count(&INVALID_ID);
        }
    }

    fn log(&mut self, record: &mut LogRecord) {
        self.id(&mut record.trace_id, TRACE_ID);
        self.id(&mut record.span_id, SPAN_ID);
        self.string(&mut record.severity_text);
        self.string(&mut record.event_name);
        self.attributes(&mut record.attributes, 0);
        match self.redactor.fields.bodies {
            Mode::Redact => self.any(&mut record.body, None, 0),
            Mode::Keep => {}
            Mode::Drop if self.edits() => {
                if record.body.take().is_some() {
                    self.count(&self.redactor.dropped);
                }
            }
            Mode::Drop => {}
            Mode::Hash => self.hash(&mut record.body),
        }
    }

    fn span(&mut self, span: &mut Span) {
        self.id(&mut span.trace_id, TRACE_ID);
        self.id(&mut span.span_id, SPAN_ID);
        self.id(&mut span.parent_span_id, SPAN_ID);
        self.string(&mut span.trace_state);
        self.string(&mut span.name);
        self.attributes(&mut span.attributes, 0);
        for event in &mut span.events {
            self.string(&mut event.name);
            self.attributes(&mut event.attributes, 0);
        }
        for link in &mut span.links {
            self.id(&mut link.trace_id, TRACE_ID);
            self.id(&mut link.span_id, SPAN_ID);
            self.string(&mut link.trace_state);
            self.attributes(&mut link.attributes, 0);
        }
        if let Some(status) = &mut span.status {
            self.status(&mut status.message);
        }
    }

    /// The message of a status, which quotes what a tool returned.
    fn status(&mut self, message: &mut String) {
        let redactor = self.redactor;
        let mode = redactor.fields.statuses;
        if mode == Mode::Redact || message.is_empty() {
            self.string(message);
            return;
        }
        // Left out by both passes.
        if !self.edits() {
            return;
        }
        match mode {
            Mode::Redact | Mode::Keep => {}
            Mode::Hash => {
                if let Some(mark) = redactor.hash(message) {
                    *message = mark;
                    self.count(&redactor.hashed);
                }
            }
            Mode::Drop => {
                message.clear();
                self.count(&redactor.dropped);
            }
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
            self.id(&mut exemplar.trace_id, TRACE_ID);
            self.id(&mut exemplar.span_id, SPAN_ID);
            self.attributes(&mut exemplar.filtered_attributes, 0);
        }
    }

    fn attributes(&mut self, attributes: &mut Vec<KeyValue>, depth: usize) {
        let redactor = self.redactor;
        attributes.retain_mut(|attribute| {
            // The key first, so that its value is read as under the key that is stored.
            let index = self.string(&mut attribute.key);
            // The first pass goes everywhere; where the second does not, it passes over as many strings.
            let mode = match self.edits() {
                true => redactor.fields.mode(&attribute.key),
                false => Mode::Redact,
            };
            if mode != Mode::Redact {
                self.pass_over(attribute.value.as_ref(), depth);
            }
            match mode {
                Mode::Redact => {
                    let name = Name { text: &attribute.key, index };
                    self.any(&mut attribute.value, Some(name), depth);
                }
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

    /// Leaves out the strings of a value that is not searched.
    fn pass_over(&mut self, any: Option<&AnyValue>, depth: usize) {
        if let Pass::Edit(looks) = &mut self.pass {
            looks.pass_over(strings(any, depth));
        }
    }

    fn any(&mut self, any: &mut Option<AnyValue>, name: Option<Name<'_>>, depth: usize) {
        if depth > DEPTH {
            if self.edits() && any.take().is_some() {
                self.count(&self.redactor.dropped);
            }
            return;
        }
        if let Some(value) = any.as_mut().and_then(|any| any.value.as_mut()) {
            self.value(value, name, depth);
        }
    }

    fn value(&mut self, value: &mut Value, name: Option<Name<'_>>, depth: usize) {
        match value {
            Value::StringValue(text) => {
                self.named(text, name);
            }
            Value::BytesValue(bytes) => {
                let Ok(text) = std::str::from_utf8(bytes) else {
                    return;
                };
                if let (_, Some(redacted)) = self.look(text, name) {
                    // As text: in the Base64 of bytes nobody would find a mark, and the id of the
                    // record would change with the key.
                    *value = Value::StringValue(redacted);
                }
            }
            Value::ArrayValue(array) => {
                for element in &mut array.values {
                    if depth >= DEPTH {
                        if self.edits() {
                            element.value = None;
                        }
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

    fn string(&mut self, text: &mut String) -> Index {
        self.named(text, None)
    }

    fn named(&mut self, text: &mut String, name: Option<Name<'_>>) -> Index {
        let (index, redacted) = self.look(text, name);
        if let Some(redacted) = redacted {
            *text = redacted;
        }
        index
    }

    /// Which of the strings this is, and what it is to become.
    fn look(&mut self, text: &str, name: Option<Name<'_>>) -> (Index, Option<String>) {
        match &mut self.pass {
            Pass::Collect(texts) => (texts.add(text), None),
            Pass::Edit(looks) => {
                let index = looks.next();
                let closer = looks.at(index) || name.is_some_and(|name| looks.under(name.index));
                let redacted = closer.then(|| {
                    self.redactor.text(text, name.map(|name| name.text), &mut self.counts)
                });
                (index, redacted.flatten())
            }
        }
    }

    fn edits(&self) -> bool {
        matches!(self.pass, Pass::Edit(_))
    }

    /// Replaces a value by its fingerprint and length; nested values by those of their JSON.
    fn hash(&mut self, any: &mut Option<AnyValue>) {
        let Some(value) = any.as_mut().and_then(|any| any.value.as_mut()) else {
            return;
        };
        if !self.edits() {
            return;
        }
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

/// How many strings the walk meets in a value.
fn strings(any: Option<&AnyValue>, depth: usize) -> usize {
    let Some(value) = any.and_then(|any| any.value.as_ref()).filter(|_| depth <= DEPTH) else {
        return 0;
    };
    match value {
        Value::StringValue(_) => 1,
        Value::BytesValue(bytes) => usize::from(std::str::from_utf8(bytes).is_ok()),
        Value::ArrayValue(array) => {
            array.values.iter().map(|element| strings(Some(element), depth + 1)).sum()
        }
        Value::KvlistValue(list) => {
            let inner = |entry: &KeyValue| 1 + strings(entry.value.as_ref(), depth + 1);
            list.values.iter().map(inner).sum()
        }
        Value::BoolValue(_)
        | Value::IntValue(_)
        | Value::DoubleValue(_)
        | Value::StringValueStrindex(_) => 0,
    }
}

fn add(to: &mut Counts, counts: &Counts) {
    for (rule, count) in counts {
        *to.entry(rule.clone()).or_insert(0) += count;
    }
}
