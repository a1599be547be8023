//! OTLP/HTTP.

use std::time::Duration;

use blotter_schemas::otlp::{Encoding, Signal};
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use hyper::body::Incoming;

use super::activity::Open;
use super::body::Reply;
use super::guard::{self, Manner};
use super::intake::{Arrived, Intake};
use super::limits::{self, Compression, Meter, Reading};
use super::origin::Origin;
use super::status::Refusal;
use crate::operation::counters::Transport;

/// Content type of Protobuf bodies.
const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
/// Content type of JSON bodies.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What a request's head says.
struct Head {
    signal: Signal,
    encoding: Encoding,
    compression: Compression,
}

/// Answers an OTLP/HTTP request.
pub(super) async fn answer(
    intake: &Intake,
    origin: &Origin,
    open: &Open,
    request: Request<Incoming>,
) -> Response<Reply> {
    let (parts, mut body) = request.into_parts();
    let encoding = encoding(&parts.headers);
    // What is neither is answered in the form that people can read.
    let reply = encoding.as_ref().copied().unwrap_or(Encoding::Json);
    let manner = Manner::of(parts.version, &parts.headers);
    let admitted = guard::admit(intake, origin, open, &parts);
    let asked = admitted.and_then(|origin| {
        Ok((origin, head(&parts.method, parts.uri.path(), &parts.headers, encoding)?))
    });
    // A sender decides how long we wait for it, and heads can be large.
    drop(parts);
    let accepted = match asked {
        Ok((origin, head)) => take_in(intake, origin, open, head, &mut body).await,
        Err(refusal) => Err(refusal),
    };
    match accepted {
        Ok(()) => success(reply),
        Err(refusal) => {
            let response = refused(intake, &refusal, reply);
            let listened = manner.listened(intake, &refusal);
            drop(refusal);
            limits::drain(body, listened).await;
            response
        }
    }
}

/// Says and counts that a request is refused.
pub(super) fn refused(intake: &Intake, refusal: &Refusal, reply: Encoding) -> Response<Reply> {
    intake.counters.refused(Transport::Http, refusal.reason());
    refuse(refusal, intake.wording(refusal), reply, intake.limits.retry_after)
}

async fn take_in(
    intake: &Intake,
    origin: Origin,
    open: &Open,
    head: Head,
    body: &mut Incoming,
) -> Result<(), Refusal> {
    let limits = &intake.limits;
    let transport = Transport::Http;
    guard::seat(intake, open).await?;
    let mut ticket = intake.enter(head.signal, transport, guard::rated(&origin)).await?;
    let reading = Reading {
        limit: limits.request_bytes,
        pause: limits.request_pause,
        announced: |_| None,
        meter: Meter::new(&intake.rates, guard::rated(&origin)),
    };
    let read = limits::read(body, reading, &mut ticket);
    let body =
        tokio::time::timeout(limits.request_time, read).await.map_err(|_| Refusal::Slow)??;
    let Head { signal, encoding, compression } = head;
    let arrived = Arrived { signal, transport, encoding, compression, body, origin, ticket };
    intake.accept(arrived).await
}

fn head(
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    encoding: Result<Encoding, Refusal>,
) -> Result<Head, Refusal> {
    let signal = path
        .strip_prefix("/v1/")
        .and_then(Signal::from_name)
        .ok_or_else(|| Refusal::Path(path.to_owned()))?;
    if method != Method::POST {
        return Err(Refusal::Method(method.to_string()));
    }
    Ok(Head { signal, encoding: encoding?, compression: compression(headers)? })
}

/// The form of the request's body, by its content type without parameters.
fn encoding(headers: &HeaderMap) -> Result<Encoding, Refusal> {
    let text = text(headers.get(CONTENT_TYPE));
    let media_type = text.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/x-protobuf")
        || media_type.eq_ignore_ascii_case("application/protobuf")
    {
        Ok(Encoding::Protobuf)
    } else if media_type.eq_ignore_ascii_case("application/json") {
        Ok(Encoding::Json)
    } else {
        Err(Refusal::ContentType(media_type.to_owned()))
    }
}

fn compression(headers: &HeaderMap) -> Result<Compression, Refusal> {
    let mut compression = Compression::None;
    for header in headers.get_all(CONTENT_ENCODING) {
        let name = text(Some(header)).trim();
        if name.eq_ignore_ascii_case("gzip") && compression == Compression::None {
            compression = Compression::Gzip;
        } else if name.eq_ignore_ascii_case("zstd") && compression == Compression::None {
            compression = Compression::Zstd;
        } else if !name.is_empty() && !name.eq_ignore_ascii_case("identity") {
            return Err(Refusal::ContentEncoding(name.to_owned()));
        }
    }
    Ok(compression)
}

fn text(header: Option<&HeaderValue>) -> &str {
    header.map_or("", |header| header.to_str().unwrap_or("not ASCII"))
}

/// An `Export*ServiceResponse` without a partial success: an empty message.
fn success(encoding: Encoding) -> Response<Reply> {
    let body = match encoding {
        Encoding::Protobuf => Bytes::new(),
        Encoding::Json => Bytes::from_static(b"{}"),
    };
    response(encoding, body)
}

fn refuse(
    refusal: &Refusal,
    message: String,
    encoding: Encoding,
    retry_after: Duration,
) -> Response<Reply> {
    let status = refusal.status(message, retry_after);
    let body = match encoding {
        Encoding::Protobuf => status.to_protobuf(),
        Encoding::Json => status.to_json(),
    };
    let mut response = response(encoding, body);
    *response.status_mut() = refusal.http();
    let headers = response.headers_mut();
    if let Some(pause) = refusal.pause(retry_after) {
        let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, seconds.max(1).into());
    }
    if let Refusal::Unauthenticated(_) = refusal {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Refusal::Method(_) = refusal {
        headers.insert(ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

fn response(encoding: Encoding, body: Bytes) -> Response<Reply> {
    let mut response = Response::new(Reply::new(body));
    let content_type = match encoding {
        Encoding::Protobuf => PROTOBUF,
        Encoding::Json => JSON,
    };
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
