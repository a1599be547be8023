//! OTLP requests: decoding what senders send, and the canonical OTLP/JSON of one record.

mod expanded;
mod fields;
pub mod json;
mod memory;
mod messages;
pub mod values;
mod wire;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

pub use expanded::expanded_bytes;

use crate::Error;

/// An OTLP signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// Log records.
    Logs,
    /// Spans.
    Traces,
    /// Metric points.
    Metrics,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 3] = [Self::Logs, Self::Traces, Self::Metrics];

    /// Name as it stands in an OTLP/HTTP path and in file names: `logs`, `traces`, `metrics`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Traces => "traces",
            Self::Metrics => "metrics",
        }
    }

    /// The signal with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.name() == name)
    }
}

/// How a request is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    /// `application/x-protobuf`, and gRPC.
    Protobuf,
    /// `application/json`.
    Json,
}

/// A decoded export request.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Log records.
    Logs(ExportLogsServiceRequest),
    /// Spans.
    Traces(ExportTraceServiceRequest),
    /// Metric points.
    Metrics(ExportMetricsServiceRequest),
}

impl Request {
    /// Decodes a request body.
    ///
    /// JSON is read as tolerantly as real senders demand: numbers as strings or numbers, `null` and
    /// empty values, ids in either case, unknown fields ignored.
    ///
    /// # Errors
    /// When the body is not such a message.
    pub fn decode(signal: Signal, encoding: Encoding, body: &[u8]) -> Result<Self, Error> {
        Self::decode_within(signal, encoding, body, usize::MAX)
    }

    /// The same, of a body that takes no more than `memory` bytes once it is decoded, as
    /// [`Measure::memory`] counts them.
    ///
    /// # Errors
    /// [`Error::TooLargeDecoded`], before more memory is taken; else as [`Request::decode`].
    pub fn decode_within(
        signal: Signal,
        encoding: Encoding,
        body: &[u8],
        memory: usize,
    ) -> Result<Self, Error> {
        if encoding == Encoding::Protobuf
            && memory < usize::MAX
            && wire::measure(signal, body)?.memory > memory
        {
            return Err(Error::TooLargeDecoded { limit: memory });
        }
        Ok(match (encoding, signal) {
            (Encoding::Protobuf, Signal::Logs) => {
                Self::Logs(ExportLogsServiceRequest::decode(body)?)
            }
            (Encoding::Protobuf, Signal::Traces) => {
                Self::Traces(ExportTraceServiceRequest::decode(body)?)
            }
            (Encoding::Protobuf, Signal::Metrics) => {
                Self::Metrics(ExportMetricsServiceRequest::decode(body)?)
            }
            (Encoding::Json, Signal::Logs) => Self::Logs(json::decode(body, memory)?),
            (Encoding::Json, Signal::Traces) => Self::Traces(json::decode(body, memory)?),
            (Encoding::Json, Signal::Metrics) => Self::Metrics(json::decode(body, memory)?),
        })
    }

    /// The request as a Protobuf body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Logs(request) => request.encode_to_vec(),
            Self::Traces(request) => request.encode_to_vec(),
            Self::Metrics(request) => request.encode_to_vec(),
        }
    }

    /// The signal of the request.
    #[must_use]
    pub const fn signal(&self) -> Signal {
        match self {
            Self::Logs(_) => Signal::Logs,
            Self::Traces(_) => Signal::Traces,
            Self::Metrics(_) => Signal::Metrics,
        }
    }

    /// Number of records in the request: log records, spans, or metric points, where a metric without
    /// points counts as one.
    #[must_use]
    pub fn record_count(&self) -> usize {
        match self {
            Self::Logs(request) => request
                .resource_logs
                .iter()
                .flat_map(|resource| &resource.scope_logs)
                .map(|scope| scope.log_records.len())
                .sum(),
            Self::Traces(request) => request
                .resource_spans
                .iter()
                .flat_map(|resource| &resource.scope_spans)
                .map(|scope| scope.spans.len())
                .sum(),
            Self::Metrics(request) => request
                .resource_metrics
                .iter()
                .flat_map(|resource| &resource.scope_metrics)
                .flat_map(|scope| &scope.metrics)
                .map(values::row_count)
                .sum(),
        }
    }
}

/// Checks that a request body decodes, and counts its records, without building the message where the
/// encoding allows: Protobuf is only walked.
///
/// # Errors
/// When [`Request::decode`] would fail.
pub fn check(signal: Signal, encoding: Encoding, body: &[u8]) -> Result<usize, Error> {
    match encoding {
        Encoding::Protobuf => Ok(wire::measure(signal, body)?.records),
        Encoding::Json => Ok(Request::decode(signal, encoding, body)?.record_count()),
    }
}

/// How large the parts of a request are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measure {
    /// Its records, as [`Request::record_count`] counts them.
    pub records: usize,
    /// Most attributes, those within values included, of one record, or of what stands around records:
    /// a resource, a scope, a metric.
    pub attributes: usize,
    /// Most messages within each other, the request itself not counted. A value within a value is two or
    /// three.
    pub depth: u32,
    /// Longest string or bytes.
    pub longest: usize,
    /// Bytes of memory that the request takes once it is decoded, with the rows that become of it; what
    /// allocators and growing lists take beside is not in it.
    pub memory: usize,
    /// Ids of traces and spans that have another length than such ids have.
    pub odd_ids: usize,
}

/// Checks that a Protobuf body decodes, and measures it, without building the message.
///
/// # Errors
/// When [`Request::decode`] would fail.
pub fn measure(signal: Signal, body: &[u8]) -> Result<Measure, Error> {
    wire::measure(signal, body)
}
