//! Each point of a metric is a row.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;

use super::custody::stamp_custody;
use super::time::{Time, clamp};
use super::{Normaliser, origin};
use crate::dialects::{self, Origin};
use crate::names::blotter::TimeSource;
use crate::names::opentelemetry as otel;
use crate::otlp::json::Envelope;
use crate::otlp::values::{self, Attributes};
use crate::tables::MetricPoint;

impl Normaliser<'_> {
    pub(super) fn metrics(&mut self, request: &ExportMetricsServiceRequest) {
        let mut canonical = String::new();
        for resource in &request.resource_metrics {
            for scope in &resource.scope_metrics {
                let envelope = Envelope::metrics(resource, scope);
                let (before, after) = envelope.around();
                self.ids.within(before, after);
                let origin = origin(resource.resource.as_ref(), scope.scope.as_ref());
                for metric in &scope.metrics {
                    for point in 0..values::row_count(metric) {
                        canonical.clear();
                        envelope.metric(metric, point, &mut canonical);
                        let row = self.metric(&origin, metric, point, &canonical);
                        self.rows.metrics.push(row);
                    }
                }
            }
        }
    }

    fn metric(
        &mut self,
        origin: &Origin<'_>,
        metric: &Metric,
        point: usize,
        canonical: &str,
    ) -> MetricPoint {
        let mut row = MetricPoint {
            event_id: self.ids.next(canonical),
            service_name: origin.resource.text(otel::SERVICE_NAME),
            service_version: origin.resource.text(otel::SERVICE_VERSION),
            scope_name: Some(origin.scope.to_owned()).filter(|scope| !scope.is_empty()),
            name: Some(metric.name.clone()),
            unit: Some(metric.unit.clone()).filter(|unit| !unit.is_empty()),
            record: Some(canonical.to_owned()),
            ..MetricPoint::default()
        };
        let (times, attributes) = fill_point(metric, point, &mut row);
        let attributes = Attributes(attributes);
        let dialect = dialects::recognise(origin, &attributes);
        row.dialect = Some(dialect.signature().name.to_owned());
        row.dialect_version = Some(dialect.signature().version);
        let time = Time::new(
            &[(TimeSource::Record, times.at), (TimeSource::Record, times.start)],
            self.custody.received_time_unix_nano,
        );
        row.time = Some(time.nanos.div_euclid(1000));
        row.time_unix_nano = Some(time.nanos);
        row.time_source = Some(time.source.as_str().to_owned());
        row.time_clamped = time.clamped.then_some(true);
        row.start_time_unix_nano = Some(clamp(times.start).0).filter(|start| *start != 0);
        let standing = self.standings.take_next();
        stamp_custody!(row, self.custody, standing);
        dialect.metric(origin, &attributes, &mut row);
        row
    }
}

/// Times of a metric point; zero where it has none.
struct PointTimes {
    at: u64,
    start: u64,
}

/// Fills the columns that describe the `index`-th point of a metric; its times and attributes.
fn fill_point<'a>(
    metric: &'a Metric,
    index: usize,
    row: &mut MetricPoint,
) -> (PointTimes, &'a [KeyValue]) {
    let none = (PointTimes { at: 0, start: 0 }, [].as_slice());
    macro_rules! times {
        ($point:expr) => {
            (
                PointTimes { at: $point.time_unix_nano, start: $point.start_time_unix_nano },
                $point.attributes.as_slice(),
            )
        };
    }
    let (points, name) = match &metric.data {
        None => return none,
        Some(Data::Gauge(data)) => (&data.data_points, "gauge"),
        Some(Data::Sum(data)) => {
            row.temporality = Some(i64::from(data.aggregation_temporality));
            row.is_monotonic = Some(data.is_monotonic);
            (&data.data_points, "sum")
        }
        Some(Data::Histogram(data)) => {
            row.data = Some("histogram".to_owned());
            row.temporality = Some(i64::from(data.aggregation_temporality));
            let Some(point) = data.data_points.get(index) else { return none };
            row.count = Some(clamp(point.count).0);
            row.sum = point.sum;
            return times!(point);
        }
        Some(Data::ExponentialHistogram(data)) => {
            row.data = Some("exponential_histogram".to_owned());
            row.temporality = Some(i64::from(data.aggregation_temporality));
            let Some(point) = data.data_points.get(index) else { return none };
            row.count = Some(clamp(point.count).0);
            row.sum = point.sum;
            return times!(point);
        }
        Some(Data::Summary(data)) => {
            row.data = Some("summary".to_owned());
            let Some(point) = data.data_points.get(index) else { return none };
            row.count = Some(clamp(point.count).0);
            row.sum = Some(point.sum);
            return times!(point);
        }
    };
    row.data = Some(name.to_owned());
    let Some(point) = points.get(index) else { return none };
    match point.value {
        Some(Number::AsInt(value)) => row.value_int = Some(value),
        Some(Number::AsDouble(value)) => row.value_double = Some(value),
        None => {}
    }
    times!(point)
}
