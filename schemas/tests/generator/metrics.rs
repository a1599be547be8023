//! Metrics.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint, exemplar, metric, number_data_point,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::values::{attributes, count, double, enumeration, flags, id, resource, scope, text};

fn exemplars() -> impl Strategy<Value = Vec<Exemplar>> {
    let value = option::of(prop_oneof![
        double().prop_map(exemplar::Value::AsDouble),
        any::<i64>().prop_map(exemplar::Value::AsInt),
    ]);
    let exemplar = (attributes(), count(), id(), id(), value).prop_map(
        |(filtered_attributes, time_unix_nano, span_id, trace_id, value)| Exemplar {
            filtered_attributes,
            time_unix_nano,
            span_id,
            trace_id,
            value,
        },
    );
    vec(exemplar, 0..2).boxed()
}

fn number_point() -> impl Strategy<Value = NumberDataPoint> {
    let value = option::of(prop_oneof![
        double().prop_map(number_data_point::Value::AsDouble),
        any::<i64>().prop_map(number_data_point::Value::AsInt),
        Just(number_data_point::Value::AsInt(0)),
    ]);
    (attributes(), count(), count(), exemplars(), flags(), value).prop_map(
        |(attributes, start_time_unix_nano, time_unix_nano, exemplars, flags, value)| {
            NumberDataPoint {
                attributes,
                start_time_unix_nano,
                time_unix_nano,
                exemplars,
                flags,
                value,
            }
        },
    )
}

fn histogram_point() -> impl Strategy<Value = HistogramDataPoint> {
    let times = (count(), count(), count(), flags());
    let bounds = (option::of(double()), option::of(double()), option::of(double()));
    let buckets = (vec(count(), 0..4), vec(double(), 0..4));
    (attributes(), times, bounds, buckets, exemplars()).prop_map(
        |(attributes, times, bounds, buckets, exemplars)| HistogramDataPoint {
            attributes,
            start_time_unix_nano: times.0,
            time_unix_nano: times.1,
            count: times.2,
            flags: times.3,
            sum: bounds.0,
            min: bounds.1,
            max: bounds.2,
            bucket_counts: buckets.0,
            explicit_bounds: buckets.1,
            exemplars,
        },
    )
}

fn exponential_point() -> impl Strategy<Value = ExponentialHistogramDataPoint> {
    let times = (count(), count(), count(), flags());
    let bounds = (option::of(double()), option::of(double()), option::of(double()));
    let buckets = || {
        let buckets = (any::<i32>(), vec(count(), 0..4))
            .prop_map(|(offset, bucket_counts)| Buckets { offset, bucket_counts });
        option::of(prop_oneof![3 => buckets, 1 => Just(Buckets::default())])
    };
    let scale = (any::<i32>(), count(), double(), buckets(), buckets());
    (attributes(), times, bounds, scale, exemplars()).prop_map(
        |(attributes, times, bounds, scale, exemplars)| ExponentialHistogramDataPoint {
            attributes,
            start_time_unix_nano: times.0,
            time_unix_nano: times.1,
            count: times.2,
            flags: times.3,
            sum: bounds.0,
            min: bounds.1,
            max: bounds.2,
            scale: scale.0,
            zero_count: scale.1,
            zero_threshold: scale.2,
            positive: scale.3,
            negative: scale.4,
            exemplars,
        },
    )
}

fn summary_point() -> impl Strategy<Value = SummaryDataPoint> {
    let times = (count(), count(), count(), flags());
    let quantile =
        (double(), double()).prop_map(|(quantile, value)| ValueAtQuantile { quantile, value });
    (attributes(), times, double(), vec(quantile, 0..3)).prop_map(
        |(attributes, times, sum, quantile_values)| SummaryDataPoint {
            attributes,
            start_time_unix_nano: times.0,
            time_unix_nano: times.1,
            count: times.2,
            flags: times.3,
            sum,
            quantile_values,
        },
    )
}

fn data() -> impl Strategy<Value = metric::Data> {
    prop_oneof![
        vec(number_point(), 0..3)
            .prop_map(|data_points| metric::Data::Gauge(Gauge { data_points })),
        (vec(number_point(), 0..3), enumeration(), any::<bool>()).prop_map(
            |(data_points, aggregation_temporality, is_monotonic)| metric::Data::Sum(Sum {
                data_points,
                aggregation_temporality,
                is_monotonic,
            })
        ),
        (vec(histogram_point(), 0..3), enumeration()).prop_map(
            |(data_points, aggregation_temporality)| metric::Data::Histogram(Histogram {
                data_points,
                aggregation_temporality,
            })
        ),
        (vec(exponential_point(), 0..3), enumeration()).prop_map(
            |(data_points, aggregation_temporality)| metric::Data::ExponentialHistogram(
                ExponentialHistogram { data_points, aggregation_temporality }
            )
        ),
        vec(summary_point(), 0..3)
            .prop_map(|data_points| metric::Data::Summary(Summary { data_points })),
    ]
}

/// Any metric: without data, without points, of every kind.
pub fn metric() -> impl Strategy<Value = Metric> {
    (text(), text(), text(), attributes(), option::weighted(0.9, data()))
        .prop_map(|(name, description, unit, metadata, data)| Metric {
            name,
            description,
            unit,
            metadata,
            data,
        })
        .boxed()
}

/// Any request with metrics.
pub fn metrics_request() -> impl Strategy<Value = ExportMetricsServiceRequest> {
    let scope_metrics = (option::of(scope()), vec(metric(), 0..3), text())
        .prop_map(|(scope, metrics, schema_url)| ScopeMetrics { scope, metrics, schema_url });
    let resource_metrics = (option::of(resource()), vec(scope_metrics, 0..3), text()).prop_map(
        |(resource, scope_metrics, schema_url)| ResourceMetrics {
            resource,
            scope_metrics,
            schema_url,
        },
    );
    vec(resource_metrics, 0..3)
        .prop_map(|resource_metrics| ExportMetricsServiceRequest { resource_metrics })
        .boxed()
}
