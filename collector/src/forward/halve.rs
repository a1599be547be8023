//! Half a request for a backend that calls the whole one too large.

use blotter_schemas::otlp::Request;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

/// Takes the first `most` records off a list of resources; the rest stays.
macro_rules! take_first {
    ($resources:expr, $most:expr, $scopes:ident, $records:ident) => {{
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        let mut room = $most;
        for mut resource in std::mem::take(&mut $resources) {
            let (mut scopes_first, mut scopes_rest) = (Vec::new(), Vec::new());
            for mut scope in std::mem::take(&mut resource.$scopes) {
                let after = scope.$records.split_off(room.min(scope.$records.len()));
                room -= scope.$records.len();
                if !after.is_empty() {
                    let mut other = scope.clone();
                    other.$records = after;
                    scopes_rest.push(other);
                }
                if !scope.$records.is_empty() {
                    scopes_first.push(scope);
                }
            }
            if !scopes_rest.is_empty() {
                let mut other = resource.clone();
                other.$scopes = scopes_rest;
                rest.push(other);
            }
            if !scopes_first.is_empty() {
                resource.$scopes = scopes_first;
                first.push(resource);
            }
        }
        $resources = rest;
        first
    }};
}

macro_rules! count {
    ($resources:expr, $scopes:ident, $records:ident) => {
        $resources.iter().flat_map(|it| &it.$scopes).map(|it| it.$records.len()).sum::<usize>()
    };
}

/// Takes the first half of the points off a request with only one metric; none where that has only one.
fn first_points(request: &mut ExportMetricsServiceRequest) -> Option<ExportMetricsServiceRequest> {
    macro_rules! take_half {
        ($data:expr, $kind:expr) => {{
            let rest = $data.data_points.split_off($data.data_points.len() / 2);
            let mut first = $data.clone();
            first.data_points = std::mem::replace(&mut $data.data_points, rest);
            (!first.data_points.is_empty()).then(|| $kind(first))
        }};
    }
    let mut first = request.clone();
    let half = match metric(request)?.data.as_mut()? {
        Data::Gauge(data) => take_half!(data, Data::Gauge),
        Data::Sum(data) => take_half!(data, Data::Sum),
        Data::Histogram(data) => take_half!(data, Data::Histogram),
        Data::ExponentialHistogram(data) => take_half!(data, Data::ExponentialHistogram),
        Data::Summary(data) => take_half!(data, Data::Summary),
    };
    metric(&mut first)?.data = Some(half?);
    Some(first)
}

/// The first metric of a request.
fn metric(request: &mut ExportMetricsServiceRequest) -> Option<&mut Metric> {
    let resources = request.resource_metrics.iter_mut();
    resources.flat_map(|it| &mut it.scope_metrics).flat_map(|it| &mut it.metrics).next()
}

/// Cuts a request into two of about as many log records, spans or metrics each, in order; none where
/// there is only one.
pub(super) fn halve(request: Request) -> Option<(Request, Request)> {
    match request {
        Request::Logs(mut request) => {
            let half = count!(request.resource_logs, scope_logs, log_records) / 2;
            let first = take_first!(request.resource_logs, half, scope_logs, log_records);
            let first = ExportLogsServiceRequest { resource_logs: first };
            (half > 0).then_some((Request::Logs(first), Request::Logs(request)))
        }
        Request::Traces(mut request) => {
            let half = count!(request.resource_spans, scope_spans, spans) / 2;
            let first = take_first!(request.resource_spans, half, scope_spans, spans);
            let first = ExportTraceServiceRequest { resource_spans: first };
            (half > 0).then_some((Request::Traces(first), Request::Traces(request)))
        }
        Request::Metrics(mut request) => {
            let half = count!(request.resource_metrics, scope_metrics, metrics) / 2;
            if half == 0 {
                let first = first_points(&mut request)?;
                return Some((Request::Metrics(first), Request::Metrics(request)));
            }
            let first = take_first!(request.resource_metrics, half, scope_metrics, metrics);
            let first = ExportMetricsServiceRequest { resource_metrics: first };
            Some((Request::Metrics(first), Request::Metrics(request)))
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
    use proptest::prelude::*;

    use super::*;

    fn request(scopes: &[Vec<usize>]) -> Request {
        let mut number = 0;
        let resource_logs = scopes.iter().enumerate().map(|(at, scopes)| ResourceLogs {
            schema_url: format!("resource {at}"),
            scope_logs: scopes
                .iter()
                .map(|records| ScopeLogs {
                    schema_url: format!("scope {records}"),
                    log_records: (0..*records)
                        .map(|_| {
                            number += 1;
                            LogRecord { time_unix_nano: number, ..LogRecord::default() }
                        })
                        .collect(),
                    ..ScopeLogs::default()
                })
                .collect(),
            ..ResourceLogs::default()
        });
        Request::Logs(ExportLogsServiceRequest { resource_logs: resource_logs.collect() })
    }

    /// Every record with what it lies in.
    fn records(request: &Request) -> Vec<(String, String, u64)> {
        let Request::Logs(request) = request else { return Vec::new() };
        let mut records = Vec::new();
        for resource in &request.resource_logs {
            for scope in &resource.scope_logs {
                for record in &scope.log_records {
                    let (resource, scope) = (resource.schema_url.clone(), scope.schema_url.clone());
                    records.push((resource, scope, record.time_unix_nano));
                }
            }
        }
        records
    }

    #[test]
    fn a_single_metric_is_cut_between_its_points() {
        use opentelemetry_proto::tonic::metrics::v1::{
            NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
        };
        let point = |number| NumberDataPoint { time_unix_nano: number, ..Default::default() };
        let sum = Sum { data_points: (0..3).map(point).collect(), ..Sum::default() };
        let metric =
            Metric { name: "m".to_owned(), data: Some(Data::Sum(sum)), ..Metric::default() };
        let scope = ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() };
        let resource = ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() };
        let whole = ExportMetricsServiceRequest { resource_metrics: vec![resource] };
        let (first, rest) = halve(Request::Metrics(whole)).unwrap();
        assert_eq!((first.record_count(), rest.record_count()), (1, 2));
        for half in [&first, &rest] {
            assert!(format!("{half:?}").contains("\"m\""));
        }
        assert_eq!(halve(first), None);
    }

    proptest! {
        #[test]
        fn both_halves_together_are_the_whole(scopes in prop::collection::vec(prop::collection::vec(0..4_usize, 0..4), 0..4)) {
            let whole = request(&scopes);
            let all = records(&whole);
            match halve(whole) {
                None => prop_assert!(all.len() < 2),
                Some((first, rest)) => {
                    let (first, rest) = (records(&first), records(&rest));
                    prop_assert!(first.len() == all.len() / 2 && !rest.is_empty());
                    prop_assert_eq!([first, rest].concat(), all);
                }
            }
        }
    }
}
