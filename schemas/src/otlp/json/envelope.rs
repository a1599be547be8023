//! One record as a request of its own.

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::writer::{Writer, push_string};
use crate::record::LongValue;

/// What stands around each record of one resource and scope in its canonical OTLP/JSON: the record
/// written in it is a whole export request with this one record.
#[derive(Debug, Clone)]
pub struct Envelope {
    prefix: String,
    suffix: String,
}

impl Envelope {
    /// For the log records of `scope`.
    #[must_use]
    pub fn logs(resource: &ResourceLogs, scope: &ScopeLogs) -> Self {
        Self::new(
            [r#"{"resourceLogs":[{"#, r#""scopeLogs":[{"#, r#""logRecords":["#],
            (resource.resource.as_ref(), &resource.schema_url),
            (scope.scope.as_ref(), &scope.schema_url),
        )
    }

    /// For the spans of `scope`.
    #[must_use]
    pub fn traces(resource: &ResourceSpans, scope: &ScopeSpans) -> Self {
        Self::new(
            [r#"{"resourceSpans":[{"#, r#""scopeSpans":[{"#, r#""spans":["#],
            (resource.resource.as_ref(), &resource.schema_url),
            (scope.scope.as_ref(), &scope.schema_url),
        )
    }

    /// For the metrics of `scope`.
    #[must_use]
    pub fn metrics(resource: &ResourceMetrics, scope: &ScopeMetrics) -> Self {
        Self::new(
            [r#"{"resourceMetrics":[{"#, r#""scopeMetrics":[{"#, r#""metrics":["#],
            (resource.resource.as_ref(), &resource.schema_url),
            (scope.scope.as_ref(), &scope.schema_url),
        )
    }

    fn new(
        [resources, scopes, records]: [&str; 3],
        (resource, resource_url): (Option<&Resource>, &str),
        (scope, scope_url): (Option<&InstrumentationScope>, &str),
    ) -> Self {
        let mut prefix = resources.to_owned();
        if let Some(resource) = resource {
            prefix.push_str(r#""resource":"#);
            Writer::new(&mut prefix).message(resource);
            prefix.push(',');
        }
        prefix.push_str(scopes);
        if let Some(scope) = scope {
            prefix.push_str(r#""scope":"#);
            Writer::new(&mut prefix).message(scope);
            prefix.push(',');
        }
        prefix.push_str(records);
        let mut suffix = String::new();
        for url in [scope_url, resource_url] {
            suffix.push(']');
            if !url.is_empty() {
                suffix.push_str(r#","schemaUrl":"#);
                push_string(&mut suffix, url);
            }
            suffix.push('}');
        }
        suffix.push_str("]}");
        Self { prefix, suffix }
    }

    /// What stands before and after the record.
    #[must_use]
    pub fn around(&self) -> (&str, &str) {
        (&self.prefix, &self.suffix)
    }

    /// Writes one log record; strings of at least [`crate::record::LONG`] bytes in its attributes and
    /// body are noted in `long`, in order of position.
    pub fn log<'a>(&self, record: &'a LogRecord, out: &mut String, long: &mut Vec<LongValue<'a>>) {
        out.push_str(&self.prefix);
        Writer::noting(out, long).message(record);
        out.push_str(&self.suffix);
    }

    /// Writes one span; long strings in the attributes of the span, its events and its links are noted
    /// as those of a log record are.
    pub fn span<'a>(&self, span: &'a Span, out: &mut String, long: &mut Vec<LongValue<'a>>) {
        out.push_str(&self.prefix);
        Writer::noting(out, long).message(span);
        out.push_str(&self.suffix);
    }

    /// Writes one metric with only its `point`-th data point (none where it has none).
    pub fn metric(&self, metric: &Metric, point: usize, out: &mut String) {
        out.push_str(&self.prefix);
        Writer::pointing(out, point).message(metric);
        out.push_str(&self.suffix);
    }
}
