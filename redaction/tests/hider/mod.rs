//! Hides secrets in every place of a request.

#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeMap;

use blotter_schemas::otlp::Request;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, Metric};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use crate::corpus::{self, KINDS, Kind, Random, Sample};

/// Hands out samples of every kind in turn and remembers them.
pub struct Hider {
    seed: u64,
    /// One for each kind, so that a new kind changes no secret of another.
    randoms: BTreeMap<&'static str, Random>,
    next: usize,
    /// Whether also those secrets are hidden that look like words, where some of a kind may be missed.
    words_too: bool,
    /// What was hidden: kind and secret.
    pub hidden: Vec<(&'static str, String)>,
}

impl Hider {
    pub fn new(seed: u64) -> Self {
        let (next, hidden) = (seed as usize, Vec::new());
        Self { seed, randoms: BTreeMap::new(), next, words_too: false, hidden }
    }

    /// Hides also what may be missed.
    pub fn with_words(seed: u64) -> Self {
        Self { words_too: true, ..Self::new(seed) }
    }

    fn text(&mut self) -> String {
        let kind: &Kind = &KINDS[self.next % KINDS.len()];
        self.next += 1;
        let words_too = self.words_too;
        let random = self.random(kind.name);
        let Sample { secret, text } = loop {
            let sample = (kind.make)(random);
            let digits = sample.secret.bytes().filter(u8::is_ascii_digit).count();
            // What looks like a word may be missed of some kinds, and is counted elsewhere.
            if words_too || kind.missed == 0 || digits >= 2 {
                break sample;
            }
        };
        self.hidden.push((kind.name, secret));
        text
    }

    fn random(&mut self, kind: &'static str) -> &mut Random {
        let seed =
            kind.bytes().fold(self.seed, |seed, byte| seed * 31 % 0xffff_fffb + u64::from(byte));
        self.randoms.entry(kind).or_insert_with(|| Random::new(seed))
    }

    fn any(&mut self, text: String) -> AnyValue {
        AnyValue { value: Some(Value::StringValue(text)) }
    }

    /// An attribute of every shape.
    fn attributes(&mut self, out: &mut Vec<KeyValue>) {
        let mut add = |key: String, value| {
            out.push(KeyValue {
                key,
                value: Some(AnyValue { value: Some(value) }),
                ..KeyValue::default()
            });
        };
        add("plain".to_owned(), Value::StringValue(self.text()));
        add("bytes".to_owned(), Value::BytesValue(self.text().into_bytes()));
        let text = self.text();
        let json = format!(r#"{{"cmd":{}}}"#, serde_json::to_string(&text).unwrap());
        add("json".to_owned(), Value::StringValue(json));
        let element = self.text();
        let element = self.any(element);
        add("list".to_owned(), Value::ArrayValue(ArrayValue { values: vec![element] }));
        let inner = self.text();
        let inner = KeyValue {
            key: "inner".to_owned(),
            value: Some(self.any(inner)),
            ..KeyValue::default()
        };
        let nested =
            AnyValue { value: Some(Value::KvlistValue(KeyValueList { values: vec![inner] })) };
        add("map".to_owned(), Value::ArrayValue(ArrayValue { values: vec![nested] }));
        let named = "attribute named password";
        let password = self.random(named).text(corpus::ALNUM, 20) + "1a";
        self.hidden.push((named, password.clone()));
        add("db.password".to_owned(), Value::StringValue(password));
        let key = self.text();
        add(key, Value::BoolValue(true));
    }

    fn around(
        &mut self,
        resource: &mut Option<Resource>,
        scope: &mut Option<InstrumentationScope>,
    ) {
        let resource = resource.get_or_insert_default();
        self.attributes(&mut resource.attributes);
        resource.entity_refs.push(EntityRef {
            schema_url: self.text(),
            r#type: self.text(),
            id_keys: vec![self.text()],
            description_keys: vec![self.text()],
        });
        let scope = scope.get_or_insert_default();
        scope.name = self.text();
        scope.version = self.text();
        self.attributes(&mut scope.attributes);
    }

    fn span(&mut self, span: &mut Span) {
        span.name = self.text();
        span.trace_state = self.text();
        self.attributes(&mut span.attributes);
        let mut event = Event { name: self.text(), ..Event::default() };
        self.attributes(&mut event.attributes);
        span.events.push(event);
        let mut link = Link { trace_state: self.text(), ..Link::default() };
        self.attributes(&mut link.attributes);
        span.links.push(link);
        span.status = Some(Status { message: self.text(), code: 2 });
    }

    fn exemplar(&mut self) -> Exemplar {
        let mut exemplar = Exemplar::default();
        self.attributes(&mut exemplar.filtered_attributes);
        exemplar
    }

    fn metric(&mut self, metric: &mut Metric) {
        metric.name = self.text();
        metric.description = self.text();
        metric.unit = self.text();
        self.attributes(&mut metric.metadata);
        macro_rules! points {
            ($data:expr) => {
                for point in &mut $data.data_points {
                    self.attributes(&mut point.attributes);
                    point.exemplars.push(self.exemplar());
                }
            };
        }
        match metric.data.as_mut() {
            None => {}
            Some(Data::Gauge(data)) => points!(data),
            Some(Data::Sum(data)) => points!(data),
            Some(Data::Histogram(data)) => points!(data),
            Some(Data::ExponentialHistogram(data)) => points!(data),
            Some(Data::Summary(data)) => {
                for point in &mut data.data_points {
                    self.attributes(&mut point.attributes);
                }
            }
        }
    }

    /// Hides secrets in the first and every tenth record.
    pub fn hide(&mut self, request: &mut Request) {
        match request {
            Request::Logs(request) => {
                for resource in &mut request.resource_logs {
                    resource.schema_url = self.text();
                    for scope in &mut resource.scope_logs {
                        scope.schema_url = self.text();
                        self.around(&mut resource.resource, &mut scope.scope);
                        for record in scope.log_records.iter_mut().step_by(10) {
                            record.severity_text = self.text();
                            record.event_name = self.text();
                            let body = self.text();
                            record.body = Some(self.any(body));
                            self.attributes(&mut record.attributes);
                        }
                    }
                }
            }
            Request::Traces(request) => {
                for resource in &mut request.resource_spans {
                    resource.schema_url = self.text();
                    for scope in &mut resource.scope_spans {
                        scope.schema_url = self.text();
                        self.around(&mut resource.resource, &mut scope.scope);
                        for span in scope.spans.iter_mut().step_by(10) {
                            self.span(span);
                        }
                    }
                }
            }
            Request::Metrics(request) => {
                for resource in &mut request.resource_metrics {
                    resource.schema_url = self.text();
                    for scope in &mut resource.scope_metrics {
                        scope.schema_url = self.text();
                        self.around(&mut resource.resource, &mut scope.scope);
                        for metric in scope.metrics.iter_mut().step_by(10) {
                            self.metric(metric);
                        }
                    }
                }
            }
        }
    }
}
