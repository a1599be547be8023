//! How much memory a message takes once it is decoded, and as rows.
//!
//! On the wire an empty message is two bytes, decoded it is a hundred, and a row of the archive two thousand.
//! Whoever takes requests in must know what becomes of one before it decodes it.

use std::any::TypeId;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::Event as SpanEvent;

use crate::tables;

/// Bytes of memory for one message, without its strings and what lies in it, but with the rows that may
/// become of it.
#[inline]
pub(super) fn of<M: 'static>() -> usize {
    size_of::<M>() + rows::<M>()
}

#[inline]
fn rows<M: 'static>() -> usize {
    let message = TypeId::of::<M>();
    let is = |those: &[TypeId]| those.contains(&message);
    if is(&[TypeId::of::<LogRecord>(), TypeId::of::<SpanEvent>()]) {
        size_of::<tables::Event>()
    } else if is(&[TypeId::of::<Span>()]) {
        // A call yields one event for its beginning and one for its end.
        size_of::<tables::Span>() + 2 * size_of::<tables::Event>()
    } else if is(&[
        // One without points is a row all the same.
        TypeId::of::<Metric>(),
        TypeId::of::<NumberDataPoint>(),
        TypeId::of::<HistogramDataPoint>(),
        TypeId::of::<ExponentialHistogramDataPoint>(),
        TypeId::of::<SummaryDataPoint>(),
    ]) {
        size_of::<tables::MetricPoint>()
    } else {
        0
    }
}
