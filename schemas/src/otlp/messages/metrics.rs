//! Metrics.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge,
    Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
    Summary, SummaryDataPoint, exemplar, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::otlp::fields::{
    Bool, Data, Double, Enumeration, Fixed64, Id, Many, Metrics, One, Optional, Packed, Points,
    Sfixed64, Sint32, Text, Uint32, Uint64, message,
};

message!(ExportMetricsServiceRequest {
    1 "resourceMetrics" resource_metrics: Many<ResourceMetrics>,
});

message!(ResourceMetrics {
    1 "resource" resource: One<Resource>,
    2 "scopeMetrics" scope_metrics: Many<ScopeMetrics>,
    3 "schemaUrl" schema_url: Text,
});

message!(ScopeMetrics {
    1 "scope" scope: One<InstrumentationScope>,
    2 "metrics" metrics: Metrics<Metric>,
    3 "schemaUrl" schema_url: Text,
});

message!(Metric {
    1 "name" name: Text,
    2 "description" description: Text,
    3 "unit" unit: Text,
    12 "metadata" metadata: Many<KeyValue>,
    oneof data {
        5 "gauge" metric::Data::Gauge: Data<Gauge>,
        7 "sum" metric::Data::Sum: Data<Sum>,
        9 "histogram" metric::Data::Histogram: Data<Histogram>,
        10 "exponentialHistogram" metric::Data::ExponentialHistogram: Data<ExponentialHistogram>,
        11 "summary" metric::Data::Summary: Data<Summary>,
    }
});

message!(Gauge {
    1 "dataPoints" data_points: Points<NumberDataPoint>,
});

message!(Sum {
    1 "dataPoints" data_points: Points<NumberDataPoint>,
    2 "aggregationTemporality" aggregation_temporality: Enumeration<AggregationTemporality>,
    3 "isMonotonic" is_monotonic: Bool,
});

message!(Histogram {
    1 "dataPoints" data_points: Points<HistogramDataPoint>,
    2 "aggregationTemporality" aggregation_temporality: Enumeration<AggregationTemporality>,
});

message!(ExponentialHistogram {
    1 "dataPoints" data_points: Points<ExponentialHistogramDataPoint>,
    2 "aggregationTemporality" aggregation_temporality: Enumeration<AggregationTemporality>,
});

message!(Summary {
    1 "dataPoints" data_points: Points<SummaryDataPoint>,
});

message!(NumberDataPoint {
    7 "attributes" attributes: Many<KeyValue>,
    2 "startTimeUnixNano" start_time_unix_nano: Fixed64,
    3 "timeUnixNano" time_unix_nano: Fixed64,
    5 "exemplars" exemplars: Many<Exemplar>,
    8 "flags" flags: Uint32,
    oneof value {
        4 "asDouble" number_data_point::Value::AsDouble: Double,
        6 "asInt" number_data_point::Value::AsInt: Sfixed64,
    }
});

message!(HistogramDataPoint {
    9 "attributes" attributes: Many<KeyValue>,
    2 "startTimeUnixNano" start_time_unix_nano: Fixed64,
    3 "timeUnixNano" time_unix_nano: Fixed64,
    4 "count" count: Fixed64,
    5 "sum" sum: Optional<Double>,
    6 "bucketCounts" bucket_counts: Packed<Fixed64>,
    7 "explicitBounds" explicit_bounds: Packed<Double>,
    8 "exemplars" exemplars: Many<Exemplar>,
    10 "flags" flags: Uint32,
    11 "min" min: Optional<Double>,
    12 "max" max: Optional<Double>,
});

message!(ExponentialHistogramDataPoint {
    1 "attributes" attributes: Many<KeyValue>,
    2 "startTimeUnixNano" start_time_unix_nano: Fixed64,
    3 "timeUnixNano" time_unix_nano: Fixed64,
    4 "count" count: Fixed64,
    5 "sum" sum: Optional<Double>,
    6 "scale" scale: Sint32,
    7 "zeroCount" zero_count: Fixed64,
    8 "positive" positive: One<Buckets>,
    9 "negative" negative: One<Buckets>,
    10 "flags" flags: Uint32,
    11 "exemplars" exemplars: Many<Exemplar>,
    12 "min" min: Optional<Double>,
    13 "max" max: Optional<Double>,
    14 "zeroThreshold" zero_threshold: Double,
});

message!(Buckets {
    1 "offset" offset: Sint32,
    2 "bucketCounts" bucket_counts: Packed<Uint64>,
});

message!(SummaryDataPoint {
    7 "attributes" attributes: Many<KeyValue>,
    2 "startTimeUnixNano" start_time_unix_nano: Fixed64,
    3 "timeUnixNano" time_unix_nano: Fixed64,
    4 "count" count: Fixed64,
    5 "sum" sum: Double,
    6 "quantileValues" quantile_values: Many<ValueAtQuantile>,
    8 "flags" flags: Uint32,
});

message!(ValueAtQuantile {
    1 "quantile" quantile: Double,
    2 "value" value: Double,
});

message!(Exemplar {
    7 "filteredAttributes" filtered_attributes: Many<KeyValue>,
    2 "timeUnixNano" time_unix_nano: Fixed64,
    4 "spanId" span_id: Id<8>,
    5 "traceId" trace_id: Id<16>,
    oneof value {
        3 "asDouble" exemplar::Value::AsDouble: Double,
        6 "asInt" exemplar::Value::AsInt: Sfixed64,
    }
});
