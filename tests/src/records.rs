//! Single records: what was sent, taken apart so that it can be compared with what was archived.

use anyhow::Context as _;
use arrow_array::RecordBatch;
use blotter_archive::{Archive, ScanRequest};
use blotter_schemas::otlp::{Encoding, Request, Signal};
use blotter_schemas::tables::{Event, MetricPoint, Row, Span, Table};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};

/// The records of a request: one request for each log record, span or metric point, with its own
/// resource and scope around it.
#[must_use]
pub fn split(request: &Request) -> Vec<Request> {
    let mut records = Vec::new();
    match request {
        Request::Logs(request) => {
            for resource in &request.resource_logs {
                for scope in &resource.scope_logs {
                    for record in &scope.log_records {
                        let scope =
                            ScopeLogs { log_records: vec![record.clone()], ..scope.clone() };
                        let resource = ResourceLogs { scope_logs: vec![scope], ..resource.clone() };
                        let resource_logs = vec![resource];
                        records.push(Request::Logs(ExportLogsServiceRequest { resource_logs }));
                    }
                }
            }
        }
        Request::Traces(request) => {
            for resource in &request.resource_spans {
                for scope in &resource.scope_spans {
                    for span in &scope.spans {
                        let scope = ScopeSpans { spans: vec![span.clone()], ..scope.clone() };
                        let resource =
                            ResourceSpans { scope_spans: vec![scope], ..resource.clone() };
                        let resource_spans = vec![resource];
                        records.push(Request::Traces(ExportTraceServiceRequest { resource_spans }));
                    }
                }
            }
        }
        Request::Metrics(request) => {
            for resource in &request.resource_metrics {
                for scope in &resource.scope_metrics {
                    for metric in scope.metrics.iter().flat_map(points) {
                        let scope = ScopeMetrics { metrics: vec![metric], ..scope.clone() };
                        let resource =
                            ResourceMetrics { scope_metrics: vec![scope], ..resource.clone() };
                        let resource_metrics = vec![resource];
                        let request = ExportMetricsServiceRequest { resource_metrics };
                        records.push(Request::Metrics(request));
                    }
                }
            }
        }
    }
    records
}

/// The metric once for each of its points; once where it has none.
fn points(metric: &Metric) -> Vec<Metric> {
    fn each<P: Clone>(points: &[P], data: impl Fn(Vec<P>) -> Data) -> Vec<Data> {
        match points {
            [] => vec![data(Vec::new())],
            points => points.iter().map(|point| data(vec![point.clone()])).collect(),
        }
    }
    let data = match &metric.data {
        None => return vec![metric.clone()],
        Some(Data::Gauge(gauge)) => each(&gauge.data_points, |data_points| {
            let mut gauge = gauge.clone();
            gauge.data_points = data_points;
            Data::Gauge(gauge)
        }),
        Some(Data::Sum(sum)) => each(&sum.data_points, |data_points| {
            let mut sum = sum.clone();
            sum.data_points = data_points;
            Data::Sum(sum)
        }),
        Some(Data::Histogram(histogram)) => each(&histogram.data_points, |data_points| {
            let mut histogram = histogram.clone();
            histogram.data_points = data_points;
            Data::Histogram(histogram)
        }),
        Some(Data::ExponentialHistogram(histogram)) => {
            each(&histogram.data_points, |data_points| {
                let mut histogram = histogram.clone();
                histogram.data_points = data_points;
                Data::ExponentialHistogram(histogram)
            })
        }
        Some(Data::Summary(summary)) => each(&summary.data_points, |data_points| {
            let mut summary = summary.clone();
            summary.data_points = data_points;
            Data::Summary(summary)
        }),
    };
    data.into_iter().map(|data| Metric { data: Some(data), ..metric.clone() }).collect()
}

/// The records as text, in order: comparable also where a NaN is in them.
#[must_use]
pub fn comparable(records: &[Request]) -> Vec<String> {
    let mut texts: Vec<String> = records.iter().map(|record| format!("{record:#?}")).collect();
    texts.sort_unstable();
    texts
}

/// Every row of a table, through the archive's own scan.
///
/// # Errors
/// When the table cannot be read.
pub async fn rows<R: Row>(archive: &Archive) -> anyhow::Result<Vec<R>> {
    let mut rows = Vec::new();
    for batch in batches(archive, ScanRequest::new(R::TABLE)).await? {
        rows.extend(R::from_batch(&batch)?);
    }
    Ok(rows)
}

/// Every batch that a scan gives.
///
/// # Errors
/// When the table cannot be read.
pub async fn batches(archive: &Archive, request: ScanRequest) -> anyhow::Result<Vec<RecordBatch>> {
    let mut scan = archive.scan(request).await?;
    let mut batches = Vec::new();
    while let Some(batch) = scan.next().await? {
        batches.push(batch);
    }
    Ok(batches)
}

/// The original records of one signal, decoded from what the archive keeps of them.
///
/// # Errors
/// When a table cannot be read or a record is no OTLP/JSON.
pub async fn archived(archive: &Archive, signal: Signal) -> anyhow::Result<Vec<Request>> {
    let mut texts = Vec::new();
    match signal {
        Signal::Logs => {
            for event in rows::<Event>(archive).await? {
                texts.extend(event.canonical_record()?);
            }
        }
        Signal::Traces => {
            texts.extend(rows::<Span>(archive).await?.into_iter().filter_map(|row| row.record));
        }
        Signal::Metrics => {
            texts.extend(
                rows::<MetricPoint>(archive).await?.into_iter().filter_map(|row| row.record),
            );
        }
    }
    texts
        .iter()
        .map(|text| {
            Request::decode(signal, Encoding::Json, text.as_bytes())
                .with_context(|| format!("an archived record cannot be decoded: {text}"))
        })
        .collect()
}

/// Rows in each table, through the archive's own scan.
///
/// # Errors
/// When a table cannot be read.
pub async fn counts(archive: &Archive) -> anyhow::Result<[usize; 3]> {
    let mut counts = [0; 3];
    for (count, table) in counts.iter_mut().zip(Table::ALL) {
        let request = ScanRequest::new(table).columns(["event_id"]);
        *count = batches(archive, request).await?.iter().map(RecordBatch::num_rows).sum();
    }
    Ok(counts)
}
