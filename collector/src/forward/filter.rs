//! Which records a destination gets, and without which attributes.

use blotter_schemas::otlp::Request;
use blotter_schemas::otlp::values;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, Metric};
use opentelemetry_proto::tonic::resource::v1::Resource;
use serde::{Deserialize, Serialize};

use super::destination::Destination;

/// Text in which `*` stands for anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(pub String);

/// Holds for a record that has the attribute, itself or by its scope or resource, with one of the values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Key of the attribute.
    pub attribute: String,
    /// Values, of which one must match. Whatever is no string is compared as JSON.
    pub values: Vec<Pattern>,
}

impl Pattern {
    /// Whether all of `text` matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
            return false;
        };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            let Some((_, after)) = rest.split_once(part) else { return false };
            rest = after;
        }
        rest.ends_with(last)
    }
}

impl Condition {
    fn holds(&self, attributes: [&[KeyValue]; 3]) -> bool {
        attributes.into_iter().flatten().filter(|it| it.key == self.attribute).any(|it| {
            let value = it.value.as_ref().and_then(|value| value.value.as_ref());
            let text = value.and_then(values::text).unwrap_or_default();
            self.values.iter().any(|pattern| pattern.matches(&text))
        })
    }
}

/// What is done to requests before they are sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    include: Vec<Condition>,
    exclude: Vec<Condition>,
    drop: Vec<Pattern>,
}

impl Filter {
    pub(super) fn of(destination: &Destination) -> Self {
        Self {
            include: destination.include.clone(),
            exclude: destination.exclude.clone(),
            drop: destination.drop_attributes.clone(),
        }
    }

    /// Whether every request goes as it is.
    pub(super) const fn is_idle(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty() && self.drop.is_empty()
    }

    /// Takes out of a request what does not go there; what holds nothing then goes too.
    pub(super) fn apply(&self, request: &mut Request) {
        match request {
            Request::Logs(request) => request.resource_logs.retain_mut(|resource| {
                let of_resource = resource_attributes(resource.resource.as_ref());
                resource.scope_logs.retain_mut(|scope| {
                    let of_scope = scope_attributes(scope.scope.as_ref());
                    scope
                        .log_records
                        .retain(|it| self.lets([of_resource, of_scope, &it.attributes]));
                    for log in &mut scope.log_records {
                        self.strip(&mut log.attributes);
                        self.strip_within(log.body.as_mut());
                    }
                    self.strip_scope(&mut scope.scope);
                    !scope.log_records.is_empty()
                });
                self.strip_resource(&mut resource.resource);
                !resource.scope_logs.is_empty()
            }),
            Request::Traces(request) => request.resource_spans.retain_mut(|resource| {
                let of_resource = resource_attributes(resource.resource.as_ref());
                resource.scope_spans.retain_mut(|scope| {
                    let of_scope = scope_attributes(scope.scope.as_ref());
                    scope.spans.retain(|it| self.lets([of_resource, of_scope, &it.attributes]));
                    for span in &mut scope.spans {
                        self.strip(&mut span.attributes);
                        span.events.iter_mut().for_each(|it| self.strip(&mut it.attributes));
                        span.links.iter_mut().for_each(|it| self.strip(&mut it.attributes));
                    }
                    self.strip_scope(&mut scope.scope);
                    !scope.spans.is_empty()
                });
                self.strip_resource(&mut resource.resource);
                !resource.scope_spans.is_empty()
            }),
            Request::Metrics(request) => request.resource_metrics.retain_mut(|resource| {
                let of_resource = resource_attributes(resource.resource.as_ref());
                resource.scope_metrics.retain_mut(|scope| {
                    let of_scope = scope_attributes(scope.scope.as_ref());
                    scope.metrics.retain_mut(|it| self.metric(it, of_resource, of_scope));
                    self.strip_scope(&mut scope.scope);
                    !scope.metrics.is_empty()
                });
                self.strip_resource(&mut resource.resource);
                !resource.scope_metrics.is_empty()
            }),
        }
    }

    /// Filters the points of a metric; whether it is still to be sent.
    fn metric(&self, metric: &mut Metric, resource: &[KeyValue], scope: &[KeyValue]) -> bool {
        macro_rules! points {
            ($data:expr) => {{
                $data.data_points.retain(|it| self.lets([resource, scope, &it.attributes]));
                $data.data_points.iter_mut().for_each(|it| self.strip(&mut it.attributes));
                !$data.data_points.is_empty()
            }};
        }
        macro_rules! exemplars {
            ($data:expr) => {
                $data.data_points.iter_mut().for_each(|it| self.strip_exemplars(&mut it.exemplars))
            };
        }
        self.strip(&mut metric.metadata);
        match &mut metric.data {
            Some(Data::Gauge(data)) => {
                exemplars!(data);
                points!(data)
            }
            Some(Data::Sum(data)) => {
                exemplars!(data);
                points!(data)
            }
            Some(Data::Histogram(data)) => {
                exemplars!(data);
                points!(data)
            }
            Some(Data::ExponentialHistogram(data)) => {
                exemplars!(data);
                points!(data)
            }
            Some(Data::Summary(data)) => points!(data),
            None => self.lets([resource, scope, &[]]),
        }
    }

    fn lets(&self, attributes: [&[KeyValue]; 3]) -> bool {
        self.include.iter().all(|condition| condition.holds(attributes))
            && !self.exclude.iter().any(|condition| condition.holds(attributes))
    }

    fn strip(&self, attributes: &mut Vec<KeyValue>) {
        if !self.drop.is_empty() {
            attributes.retain(|it| !self.drop.iter().any(|pattern| pattern.matches(&it.key)));
            attributes.iter_mut().for_each(|it| self.strip_within(it.value.as_mut()));
        }
    }

    /// Strips the maps within a value; how deep they lie was bounded when it was received.
    fn strip_within(&self, value: Option<&mut AnyValue>) {
        match value.and_then(|it| it.value.as_mut()) {
            Some(Value::KvlistValue(map)) => self.strip(&mut map.values),
            Some(Value::ArrayValue(list)) if !self.drop.is_empty() => {
                list.values.iter_mut().for_each(|it| self.strip_within(Some(it)));
            }
            _ => {}
        }
    }

    fn strip_exemplars(&self, exemplars: &mut [Exemplar]) {
        exemplars.iter_mut().for_each(|it| self.strip(&mut it.filtered_attributes));
    }

    fn strip_resource(&self, resource: &mut Option<Resource>) {
        if let Some(resource) = resource {
            self.strip(&mut resource.attributes);
        }
    }

    fn strip_scope(&self, scope: &mut Option<InstrumentationScope>) {
        if let Some(scope) = scope {
            self.strip(&mut scope.attributes);
        }
    }
}

fn resource_attributes(resource: Option<&Resource>) -> &[KeyValue] {
    resource.map(|it| it.attributes.as_slice()).unwrap_or_default()
}

fn scope_attributes(scope: Option<&InstrumentationScope>) -> &[KeyValue] {
    scope.map(|it| it.attributes.as_slice()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use blotter_schemas::otlp::{Encoding, Signal};
    use proptest::prelude::*;

    use super::*;

    fn filter(toml: &str) -> Filter {
        let text = format!("name = \"a\"\nendpoint = \"http://host\"\n{toml}");
        Filter::of(&toml_edit::de::from_str(&text).unwrap())
    }

    fn filtered(toml: &str, signal: Signal, json: &str) -> Request {
        let mut request = Request::decode(signal, Encoding::Json, json.as_bytes()).unwrap();
        filter(toml).apply(&mut request);
        request
    }

    const LOGS: &str = r#"{"resourceLogs":[
        {"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"codex_cli_rs"}}]},
         "scopeLogs":[{"logRecords":[
            {"eventName":"a","attributes":[{"key":"user.email","value":{"stringValue":"a@b"}}]},
            {"eventName":"b","attributes":[{"key":"n","value":{"intValue":"3"}}]}]}]},
        {"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"other"}}]},
         "scopeLogs":[{"logRecords":[{"eventName":"c"}]}]}]}"#;

    fn names(request: &Request) -> Vec<String> {
        let Request::Logs(request) = request else { return Vec::new() };
        let scopes = request.resource_logs.iter().flat_map(|it| &it.scope_logs);
        scopes.flat_map(|it| &it.log_records).map(|it| it.event_name.clone()).collect()
    }

    #[test]
    fn records_go_by_the_attributes_of_their_resource_and_their_own() {
        let names = |toml: &str| names(&filtered(toml, Signal::Logs, LOGS));
        let codex =
            "include = [{ attribute = \"service.name\", values = [\"codex*\", \"claude*\"] }]";
        assert_eq!(names(codex), ["a", "b"]);
        assert_eq!(names("exclude = [{ attribute = \"n\", values = [\"3\"] }]"), ["a", "c"]);
        assert_eq!(
            names(&format!(
                "{codex}\nexclude = [{{ attribute = \"user.email\", values = [\"*\"] }}]"
            )),
            ["b"]
        );
        assert!(names("include = [{ attribute = \"none\", values = [\"*\"] }]").is_empty());
    }

    #[test]
    fn dropped_attributes_are_nowhere_in_what_is_left() {
        for (signal, json) in [
            (
                Signal::Traces,
                r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"x.1","value":{}}]},"scopeSpans":[
                {"scope":{"attributes":[{"key":"x.2","value":{}}]},"spans":[{"attributes":[{"key":"x.3","value":{}},
                {"key":"kept","value":{}}],"events":[{"attributes":[{"key":"x.4","value":{}}]}],
                "links":[{"attributes":[{"key":"x.5","value":{}}]}]}]}]}]}"#,
            ),
            (
                Signal::Metrics,
                r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"x.1","value":{}}]},"scopeMetrics":[
                {"metrics":[{"name":"kept","gauge":{"dataPoints":[{"attributes":[{"key":"x.2","value":{}}]}]}},
                {"sum":{"dataPoints":[{"attributes":[{"key":"x.3","value":{}}]}]}}]}]}]}"#,
            ),
            (
                Signal::Metrics,
                r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"kept","gauge":{"dataPoints":[
                {"exemplars":[{"filteredAttributes":[{"key":"x.1","value":{}}]}]}]}},
                {"sum":{"dataPoints":[{"exemplars":[{"filteredAttributes":[{"key":"x.2","value":{}}]}]}]}},
                {"histogram":{"dataPoints":[{"exemplars":[{"filteredAttributes":[{"key":"x.3","value":{}}]}]}]}},
                {"exponentialHistogram":{"dataPoints":[{"exemplars":[{"filteredAttributes":[
                {"key":"x.4","value":{}}]}]}]}}]}]}]}"#,
            ),
            (
                Signal::Logs,
                r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[{"key":"kept","value":{"kvlistValue":{
                "values":[{"key":"x.1","value":{}},{"key":"more","value":{"arrayValue":{"values":[{"kvlistValue":{
                "values":[{"key":"x.2","value":{}}]}}]}}}]}}}],
                "body":{"kvlistValue":{"values":[{"key":"x.3","value":{"stringValue":"a"}}]}}}]}]}]}"#,
            ),
        ] {
            let left = format!("{:?}", filtered("drop_attributes = [\"x.*\"]", signal, json));
            assert!(left.contains("kept") && !left.contains("x."), "{left}");
        }
    }

    #[test]
    fn points_are_filtered_one_by_one_and_a_metric_without_any_goes() {
        let json = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
            {"name":"m","sum":{"dataPoints":[{"asInt":"1","attributes":[{"key":"t","value":{"stringValue":"in"}}]},
                                 {"asInt":"2","attributes":[{"key":"t","value":{"stringValue":"out"}}]}]}},
            {"name":"empty","gauge":{"dataPoints":[{"asInt":"3"}]}}]}]}]}"#;
        let request =
            filtered("include = [{ attribute = \"t\", values = [\"in\"] }]", Signal::Metrics, json);
        assert_eq!(request.record_count(), 1);
        assert!(!format!("{request:?}").contains("empty"));
    }

    #[test]
    fn stars_stand_for_anything() {
        let matches = |pattern: &str, text| Pattern(pattern.to_owned()).matches(text);
        for (pattern, text) in [
            ("a", "a"),
            ("*", ""),
            ("*", "a"),
            ("a*", "a"),
            ("a*c", "abbc"),
            ("*b*", "abc"),
            ("a**b", "ab"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("a", "ab"), ("", "a"), ("a*b", "a"), ("ab*b", "ab"), ("a*b*c", "ac")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_without_stars_matches_itself_alone(a in "[ab]{0,3}", b in "[ab]{0,3}") {
            prop_assert_eq!(Pattern(a.clone()).matches(&b), a == b);
        }

        #[test]
        fn a_pattern_matches_what_its_stars_are_replaced_by(parts in prop::collection::vec("[ab]{0,2}", 1..4), with in "[abc]{0,3}") {
            prop_assert!(Pattern(parts.join("*")).matches(&parts.join(&with)));
        }
    }
}
