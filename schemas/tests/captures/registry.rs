//! Whether the registry knows every attribute that the agents send.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use blotter_schemas::otlp::Request;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

use super::{all_captures, captures, requests};

/// Attributes that whoever made the captures configured; no agent sends them by itself.
const CONFIGURED: [&str; 3] = ["deployment.environment", "lab.case", "team.id"];

/// Folders of captures and the registries of the agents that sent them.
const AGENTS: [(&str, &str); 6] = [
    ("claude-code", "claude_code"),
    ("codex", "codex"),
    ("copilot-cli", "copilot_cli"),
    ("gemini-cli", "gemini_cli"),
    ("opencode", "opencode"),
    ("qwen-code", "qwen_code"),
];

#[test]
fn every_attribute_an_agent_sends_is_in_its_registry() {
    let mut unknown: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let conventions = registry_keys("opentelemetry");
    for (agent, registry) in AGENTS {
        let mut known = registry_keys(registry);
        known.extend(conventions.iter().cloned());
        for capture in all_captures() {
            // The plain SDK sender's captures stand among Codex's.
            if !capture.starts_with(&format!("{agent}/")) || capture.contains("pysdk") {
                continue;
            }
            for request in requests(&captures().join(&capture)) {
                let sent = keys(&request);
                let missing = sent.into_iter().filter(|key| !known.contains(key));
                unknown.entry(agent).or_default().extend(missing);
            }
        }
    }
    for keys in unknown.values_mut() {
        keys.retain(|key| !CONFIGURED.contains(&key.as_str()));
    }
    unknown.retain(|_, keys| !keys.is_empty());
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// The keys that a registry defines; for an agent, those beyond the conventions.
fn registry_keys(registry: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("registry/dependencies");
    let text = fs::read_to_string(folder.join(registry).join("attributes.yaml")).unwrap();
    let keys: BTreeSet<String> =
        text.lines().filter_map(|line| line.strip_prefix("  - key: ")).map(str::to_owned).collect();
    assert!(keys.len() > 25, "{registry}: the file is not read as it is written");
    keys
}

/// Every key at the top level of a record, its resource, or an event on it.
fn keys(request: &Request) -> BTreeSet<String> {
    let mut lists: Vec<&[KeyValue]> = Vec::new();
    match request {
        Request::Logs(request) => {
            for resource in &request.resource_logs {
                lists.extend(resource.resource.iter().map(|it| it.attributes.as_slice()));
                for record in resource.scope_logs.iter().flat_map(|scope| &scope.log_records) {
                    lists.push(&record.attributes);
                }
            }
        }
        Request::Traces(request) => {
            for resource in &request.resource_spans {
                lists.extend(resource.resource.iter().map(|it| it.attributes.as_slice()));
                for span in resource.scope_spans.iter().flat_map(|scope| &scope.spans) {
                    lists.push(&span.attributes);
                    lists.extend(span.events.iter().map(|event| event.attributes.as_slice()));
                }
            }
        }
        Request::Metrics(request) => {
            for resource in &request.resource_metrics {
                lists.extend(resource.resource.iter().map(|it| it.attributes.as_slice()));
                for metric in resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
                    lists.extend(points(metric));
                }
            }
        }
    }
    lists.into_iter().flatten().map(|attribute| attribute.key.clone()).collect()
}

fn points(metric: &Metric) -> Vec<&[KeyValue]> {
    match metric.data.as_ref() {
        Some(Data::Gauge(data)) => {
            data.data_points.iter().map(|point| point.attributes.as_slice()).collect()
        }
        Some(Data::Sum(data)) => {
            data.data_points.iter().map(|point| point.attributes.as_slice()).collect()
        }
        Some(Data::Histogram(data)) => {
            data.data_points.iter().map(|point| point.attributes.as_slice()).collect()
        }
        Some(Data::ExponentialHistogram(data)) => {
            data.data_points.iter().map(|point| point.attributes.as_slice()).collect()
        }
        Some(Data::Summary(data)) => {
            data.data_points.iter().map(|point| point.attributes.as_slice()).collect()
        }
        None => Vec::new(),
    }
}
