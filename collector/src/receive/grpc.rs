//! OTLP/gRPC: the three Export methods.
//!
//! A unary call is one length-prefixed message in and one out, so the frames are read here and the
//! message goes on as it came: nothing is decoded and encoded again, and the limits on size are the
//! same as for HTTP.

use blotter_schemas::otlp::{Encoding, Signal};
use bytes::{Buf as _, Bytes};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use hyper::body::Incoming;
use tonic::Status;

use super::activity::Open;
use super::body::Reply;
use super::guard::{self, Manner};
use super::intake::{Arrived, Intake};
use super::limits::{self, Compression, Meter, Reading};
use super::origin::Origin;
use super::status::Refusal;
use crate::operation::counters::Transport;

/// Content type of gRPC.
const GRPC: &str = "application/grpc";
/// Header that names the compression of messages that are marked as compressed.
const ENCODING: &str = "grpc-encoding";
/// Header that names the compressions we can read.
const ACCEPT_ENCODING: &str = "grpc-accept-encoding";
/// Bytes before a message: a flag and a length.
const PREFIX: usize = 5;
/// A message of length 0: an `Export*ServiceResponse` without a partial success.
static SUCCESS: [u8; PREFIX] = [0; PREFIX];

/// Whether a request is gRPC.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let rest = content_type.and_then(|value| value.strip_prefix(GRPC));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', ';']))
}

/// Answers a gRPC request.
pub(super) async fn answer(
    intake: &Intake,
    origin: &Origin,
    open: &Open,
    request: Request<Incoming>,
) -> Response<Reply> {
    let (parts, mut body) = request.into_parts();
    let manner = Manner::of(parts.version, &parts.headers);
    let admitted = guard::admit(intake, origin, open, &parts);
    let called = admitted.and_then(|origin| Ok((origin, signal(&parts.method, parts.uri.path())?)));
    // It matters only where a message is compressed.
    let compression = compression(&parts.headers);
    // A sender decides how long we wait for it, and heads can be large.
    drop(parts);
    let accepted = match called {
        Ok((origin, signal)) => take_in(intake, origin, open, signal, compression, &mut body).await,
        Err(refusal) => Err(refusal),
    };
    match accepted {
        Ok(()) => respond(Reply::new(Bytes::from_static(&SUCCESS)), Status::ok("")),
        Err(refusal) => {
            intake.counters.refused(Transport::Grpc, refusal.reason());
            let message = intake.wording(&refusal);
            let details = refusal.status(message.clone(), intake.limits.retry_after).to_protobuf();
            let status = Status::with_details(refusal.code(), message, details);
            let listened = manner.listened(intake, &refusal);
            drop(refusal);
            limits::drain(body, listened).await;
            respond(Reply::default(), status)
        }
    }
}

fn signal(method: &Method, path: &str) -> Result<Signal, Refusal> {
    if method != Method::POST {
        return Err(Refusal::Method(method.to_string()));
    }
    match path {
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Ok(Signal::Logs),
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Ok(Signal::Traces),
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Ok(Signal::Metrics),
        other => Err(Refusal::GrpcMethod(other.to_owned())),
    }
}

async fn take_in(
    intake: &Intake,
    origin: Origin,
    open: &Open,
    signal: Signal,
    compression: Result<Compression, Refusal>,
    body: &mut Incoming,
) -> Result<(), Refusal> {
    let limits = &intake.limits;
    let transport = Transport::Grpc;
    guard::seat(intake, open).await?;
    let mut ticket = intake.enter(signal, transport, guard::rated(&origin)).await?;
    let reading = Reading {
        limit: limits.request_bytes.saturating_add(PREFIX),
        pause: limits.request_pause,
        announced,
        meter: Meter::new(&intake.rates, guard::rated(&origin)),
    };
    let read = limits::read(body, reading, &mut ticket);
    let body =
        tokio::time::timeout(limits.request_time, read).await.map_err(|_| Refusal::Slow)??;
    let (compressed, body) = message(body)?;
    let compression = if compressed { compression? } else { Compression::None };
    let encoding = Encoding::Protobuf;
    let arrived = Arrived { signal, transport, encoding, compression, body, origin, ticket };
    intake.accept(arrived).await
}

/// The length of a message and of what stands before it, as its first bytes tell it.
fn announced(mut first: &[u8]) -> Option<usize> {
    first.try_get_u8().ok()?;
    let length = usize::try_from(first.try_get_u32().ok()?).ok()?;
    length.checked_add(PREFIX)
}

/// The one message of a unary call, and whether it is compressed.
fn message(mut body: Bytes) -> Result<(bool, Bytes), Refusal> {
    let bad = |reason: &str| Refusal::Undecodable(format!("not a gRPC message: {reason}"));
    if body.len() < PREFIX {
        return Err(bad("it is cut short"));
    }
    let compressed = match body.get_u8() {
        0 => false,
        1 => true,
        _ => return Err(bad("its first byte is neither 0 nor 1")),
    };
    let length = usize::try_from(body.get_u32()).map_err(|_| bad("its length cannot be"))?;
    match body.len().cmp(&length) {
        std::cmp::Ordering::Less => Err(bad("it is cut short")),
        std::cmp::Ordering::Greater => Err(bad("more than one was sent")),
        std::cmp::Ordering::Equal => Ok((compressed, body)),
    }
}

fn compression(headers: &HeaderMap) -> Result<Compression, Refusal> {
    match headers.get(ENCODING).map(|value| value.to_str().unwrap_or("not ASCII")) {
        Some("gzip") => Ok(Compression::Gzip),
        Some("zstd") => Ok(Compression::Zstd),
        Some(other) => Err(Refusal::ContentEncoding(other.to_owned())),
        None => {
            Err(Refusal::Undecodable("a compressed gRPC message without grpc-encoding".to_owned()))
        }
    }
}

/// A response whose outcome stands in the trailers.
fn respond(reply: Reply, status: Status) -> Response<Reply> {
    let mut trailers = HeaderMap::new();
    if status.add_header(&mut trailers).is_err() {
        // Only a message that no header can hold fails: the code alone says what matters.
        trailers.insert(Status::GRPC_STATUS, HeaderValue::from(status.code() as i32));
    }
    let mut response = Response::new(reply.with_trailers(trailers));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(GRPC));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity,gzip,zstd"));
    response
}
