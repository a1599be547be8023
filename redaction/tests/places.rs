//! Secrets in every place of every signal of real captures: afterwards no byte of them is left, in the
//! messages, in Protobuf, in JSON.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "tests"
)]

mod corpus;

use blotter_schemas::otlp::{Encoding, Request, Signal};
use corpus::{KINDS, Kind, Random, Sample};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, Metric};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

/// Hands out samples of every kind in turn and remembers them.
struct Hider {
    random: Random,
    next: usize,
    hidden: Vec<(&'static str, String)>,
}

impl Hider {
    fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), next: seed as usize, hidden: Vec::new() }
    }

    fn text(&mut self) -> String {
        loop {
            let kind: &Kind = &KINDS[self.next % KINDS.len()];
            self.next += 1;
            // Kinds of which some may be missed are counted elsewhere.
            if kind.missed == 0 {
                let Sample { secret, text } = (kind.make)(&mut self.random);
                self.hidden.push((kind.name, secret));
                return text;
            }
        }
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
        let password = self.random.text(corpus::ALNUM, 20) + "1a";
        self.hidden.push(("attribute named password", password.clone()));
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
    fn hide(&mut self, request: &mut Request) {
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

/// Captures to hide secrets in: some of every signal and encoding.
fn captures() -> Vec<(std::path::PathBuf, Signal, Encoding, Vec<u8>)> {
    let mut taken = std::collections::BTreeMap::new();
    let mut bodies = corpus::bodies();
    bodies.retain(|(_, signal, encoding, body)| {
        let count = taken.entry((*signal, *encoding)).or_insert(0);
        *count += 1;
        *count <= 12 && body.len() < 400_000
    });
    assert_eq!(taken.len(), 6, "every signal in both encodings");
    bodies
}

#[test]
fn no_secret_is_left_in_any_place_of_any_signal() {
    let redactor = corpus::redactor();
    let (mut hidden, mut requests) = (0, 0);
    for (index, (path, signal, encoding, body)) in captures().into_iter().enumerate() {
        let mut request = Request::decode(signal, encoding, &body).unwrap();
        let mut hider = Hider::new(index as u64 + 1);
        hider.hide(&mut request);
        let before = (corpus::protobuf(&request), corpus::json(&request));
        for (encoding, body) in
            [(Encoding::Protobuf, &before.0[..]), (Encoding::Json, before.1.as_bytes())]
        {
            assert!(redactor.may_contain(signal, encoding, body), "{}", path.display());
        }
        let redactions = redactor.redact(&mut request);
        assert_eq!(redactions.records.len(), request.record_count(), "{}", path.display());
        assert!(redactions.total.values().sum::<u64>() as usize * 2 > hider.hidden.len());
        let (protobuf, json) = (corpus::protobuf(&request), corpus::json(&request));
        for (kind, secret) in &hider.hidden {
            // No quotes or line breaks but in private keys, whose lines are looked for one by one.
            for line in secret.lines().filter(|line| !line.starts_with("-----")) {
                let shown = [protobuf.as_slice(), json.as_bytes()]
                    .into_iter()
                    .any(|bytes| memchr::memmem::find(bytes, line.as_bytes()).is_some());
                assert!(!shown, "{}: {kind}: {line}", path.display());
            }
        }
        hidden += hider.hidden.len();
        requests += 1;

        let mut again = request.clone();
        let second = redactor.redact(&mut again);
        assert!(second.is_empty(), "{}: {:?}", path.display(), second.total);
        assert_eq!(again, request);
    }
    println!("{hidden} secrets hidden in {requests} captured requests, none left");
    assert!(hidden > 1000);
}

#[test]
fn counts_are_per_record_and_what_stands_around_records_counts_for_each() {
    let redactor = corpus::redactor();
    let (_, signal, encoding, body) = captures()
        .into_iter()
        .find(|(_, signal, _, body)| *signal == Signal::Logs && body.len() > 20_000)
        .unwrap();
    let mut request = Request::decode(signal, encoding, &body).unwrap();
    let mut random = Random::new(5);
    let token = format!("ghp_{}", random.text(corpus::ALNUM, 36));
    let Request::Logs(logs) = &mut request else { unreachable!() };
    let text = |text: &str| Some(AnyValue { value: Some(Value::StringValue(text.to_owned())) });
    logs.resource_logs[0].resource.get_or_insert_default().attributes.push(KeyValue {
        key: "note".to_owned(),
        value: text(&token),
        ..KeyValue::default()
    });
    logs.resource_logs[0].scope_logs[0].log_records[1].body = text(&format!("{token} {token}"));
    let redactions = redactor.redact(&mut request);
    let count = |index: usize| redactions.records[index].get("github-pat").copied();
    assert_eq!(count(0), Some(1));
    assert_eq!(count(1), Some(3));
    assert_eq!(redactions.total.get("github-pat"), Some(&3));
}
