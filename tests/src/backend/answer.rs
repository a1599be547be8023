//! How a backend answers.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use blotter_schemas::otlp::Signal;
use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;
use tonic::Code;

pub(super) type Body = BoxBody<Bytes, std::io::Error>;

/// How a request is answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Answer {
    /// Taken.
    #[default]
    Take,
    /// Taken, but for so many of its records.
    TakeWithout(u64, String),
    /// Taken, but the answer breaks off halfway.
    TakeAndBreakOff,
    /// Refused with a status of HTTP, or the code of gRPC that fits it, for so long if that is said.
    Refuse(u16, Option<Duration>),
    /// Refused because there are more records than this; others are taken.
    AtMost(usize),
    /// No answer.
    Hang,
    /// The connection is closed before everything was read.
    Close,
}

/// What is sent back; none where the connection is to be closed. Whether the request counts as taken.
pub(super) fn to_response(
    answer: &Answer,
    signal: Signal,
    is_grpc: bool,
    is_json: bool,
) -> Option<Response<Body>> {
    match answer {
        Answer::Take | Answer::AtMost(_) => Some(taken(signal, is_grpc, is_json, 0, "")),
        Answer::TakeWithout(rejected, why) => Some(taken(signal, is_grpc, is_json, *rejected, why)),
        Answer::TakeAndBreakOff => {
            let half = Ok(Frame::data(Bytes::from_static(&[0, 0])));
            let broken = Err(std::io::Error::other("half an answer"));
            let body = StreamBody::new(stream::iter([half, broken]));
            let mut response = Response::new(BodyExt::boxed(body));
            response.headers_mut().insert("content-type", content_type(is_grpc, is_json));
            Some(response)
        }
        Answer::Refuse(status, after) if is_grpc => Some(refused_grpc(*status, *after)),
        Answer::Refuse(status, after) => {
            let status = StatusCode::from_u16(*status).unwrap_or_default();
            let mut response = Response::new(full(Bytes::from(format!("refused with {status}"))));
            *response.status_mut() = status;
            let after = after.map(|after| HeaderValue::from(after.as_secs()));
            response.headers_mut().extend(after.map(|after| (http::header::RETRY_AFTER, after)));
            Some(response)
        }
        Answer::Hang | Answer::Close => None,
    }
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

fn content_type(is_grpc: bool, is_json: bool) -> HeaderValue {
    HeaderValue::from_static(match (is_grpc, is_json) {
        (true, _) => "application/grpc",
        (false, true) => "application/json",
        (false, false) => "application/x-protobuf",
    })
}

fn taken(signal: Signal, is_grpc: bool, is_json: bool, rejected: u64, why: &str) -> Response<Body> {
    let body = if is_json {
        let names = ["rejectedLogRecords", "rejectedSpans", "rejectedDataPoints"];
        let name = Signal::ALL.into_iter().zip(names).find(|(it, _)| *it == signal);
        let name = name.map(|(_, name)| name).unwrap_or_default();
        // Numbers of 64 bits are strings.
        match rejected {
            0 => Bytes::from_static(b"{}"),
            _ => {
                format!(r#"{{"partialSuccess":{{"{name}":"{rejected}","errorMessage":"{why}"}}}}"#)
                    .into()
            }
        }
    } else {
        protobuf(signal, i64::try_from(rejected).unwrap_or(i64::MAX), why)
    };
    let mut response = if is_grpc {
        let length = u32::try_from(body.len()).unwrap_or_default().to_be_bytes();
        let message = [&[0], &length[..], &body].concat();
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        let frames = [Ok(Frame::data(Bytes::from(message))), Ok(Frame::trailers(trailers))];
        Response::new(BodyExt::boxed(StreamBody::new(stream::iter(frames))))
    } else {
        Response::new(full(body))
    };
    response.headers_mut().insert("content-type", content_type(is_grpc, is_json));
    response
}

fn protobuf(signal: Signal, rejected: i64, why: &str) -> Bytes {
    if rejected == 0 {
        return Bytes::new();
    }
    let error_message = why.to_owned();
    match signal {
        Signal::Logs => {
            let partial =
                ExportLogsPartialSuccess { rejected_log_records: rejected, error_message };
            ExportLogsServiceResponse { partial_success: Some(partial) }.encode_to_vec()
        }
        Signal::Traces => {
            let partial = ExportTracePartialSuccess { rejected_spans: rejected, error_message };
            ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec()
        }
        Signal::Metrics => {
            let partial =
                ExportMetricsPartialSuccess { rejected_data_points: rejected, error_message };
            ExportMetricsServiceResponse { partial_success: Some(partial) }.encode_to_vec()
        }
    }
    .into()
}

/// The code of gRPC that means what a status of HTTP does, with `RetryInfo` where it says how long.
fn refused_grpc(status: u16, after: Option<Duration>) -> Response<Body> {
    let code = match status {
        400 => Code::InvalidArgument,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        413 | 429 => Code::ResourceExhausted,
        503 => Code::Unavailable,
        504 => Code::DeadlineExceeded,
        _ => Code::Internal,
    };
    let mut response = Response::new(full(Bytes::new()));
    let headers = response.headers_mut();
    headers.insert("content-type", content_type(true, false));
    headers.insert("grpc-status", HeaderValue::from(code as i32));
    headers.insert("grpc-message", HeaderValue::from_static("refused"));
    if let Some(after) = after {
        let delay = RetryDelay { seconds: i64::try_from(after.as_secs()).unwrap_or(i64::MAX) };
        let info = RetryInfo { retry_delay: Some(delay) };
        let url = "type.googleapis.com/google.rpc.RetryInfo".to_owned();
        let details = vec![Any { type_url: url, value: info.encode_to_vec() }];
        let status = Status { code: code as i32, message: "refused".to_owned(), details };
        let encoded = STANDARD_NO_PAD.encode(status.encode_to_vec());
        let encoded = HeaderValue::try_from(encoded).ok();
        headers.extend(
            encoded.map(|it| (http::HeaderName::from_static("grpc-status-details-bin"), it)),
        );
    }
    response
}

/// `google.rpc.Status`, as its definition says, without looking at the collector's own.
#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<RetryDelay>,
}

/// `google.protobuf.Duration`, whole seconds of it.
#[derive(Clone, PartialEq, prost::Message)]
struct RetryDelay {
    #[prost(int64, tag = "1")]
    seconds: i64,
}
