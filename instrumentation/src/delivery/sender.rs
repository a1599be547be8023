//! OTLP over HTTP or gRPC: one request, one answer.

use std::io::Write as _;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, RETRY_AFTER, TE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::encode::Signal;
use super::environment::{Destination, Protocol};
use crate::error::Error;

/// What the collector answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It took the records, but for so many.
    Taken { rejected: u64 },
    /// It will never take them.
    Refused(String),
    /// It may take them later, and may say when.
    Later { why: String, after: Option<Duration> },
}

/// Most bytes of an answer that are read.
const ANSWER_LIMIT: usize = 64 << 10;
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
/// Longest that an answer may ask to wait.
const LONGEST: Duration = Duration::from_secs(300);

enum Connection {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Encrypted(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

/// Sends export requests to one destination.
pub(crate) struct Sender {
    to: Destination,
    connection: Connection,
}

impl Sender {
    /// Connects to nothing yet.
    pub(crate) fn new(to: Destination) -> Result<Self, Error> {
        let mut builder = Client::builder(TokioExecutor::new());
        builder.http2_only(to.protocol == Protocol::Grpc);
        let connection = if to.is_encrypted() {
            Connection::Encrypted(builder.build(encrypted(&to)?))
        } else {
            let mut connector = HttpConnector::new();
            connector.set_nodelay(true);
            Connection::Plain(builder.build(connector))
        };
        Ok(Self { to, connection })
    }

    /// Sends one request. It takes no longer than the destination's timeout.
    pub(crate) async fn send(&self, signal: Signal, body: Bytes) -> Answer {
        let sending = self.exchange(signal, body);
        tokio::time::timeout(self.to.timeout, sending).await.unwrap_or_else(|_| {
            let why = format!("no answer within {:?}", self.to.timeout);
            Answer::Later { why, after: None }
        })
    }

    async fn exchange(&self, signal: Signal, body: Bytes) -> Answer {
        let request = match self.request(signal, &body) {
            Ok(request) => request,
            Err(error) => return Answer::Refused(error.to_string()),
        };
        let response = match &self.connection {
            Connection::Plain(client) => client.request(request).await,
            Connection::Encrypted(client) => client.request(request).await,
        };
        match response {
            Err(error) => Answer::Later { why: chain(&error), after: None },
            Ok(response) => match self.to.protocol {
                Protocol::Http => http_answer(signal, response).await,
                Protocol::Grpc => grpc_answer(signal, response).await,
            },
        }
    }

    fn request(&self, signal: Signal, body: &Bytes) -> Result<Request<Full<Bytes>>, http::Error> {
        let uri = match signal {
            Signal::Logs => &self.to.logs,
            Signal::Traces => &self.to.traces,
        };
        let packed = if self.to.gzip { gzip(body) } else { None };
        let is_packed = packed.is_some();
        let body = packed.unwrap_or_else(|| body.clone());
        let mut request = Request::post(uri.clone());
        for (name, value) in &self.to.headers {
            request = request.header(name, value);
        }
        match self.to.protocol {
            Protocol::Http => {
                request = request.header(CONTENT_TYPE, "application/x-protobuf");
                if is_packed {
                    request = request.header(CONTENT_ENCODING, GZIP);
                }
                request.body(Full::new(body))
            }
            Protocol::Grpc => {
                request = request.header(CONTENT_TYPE, "application/grpc").header(TE, "trailers");
                if is_packed {
                    request = request.header(GRPC_ENCODING, GZIP);
                }
                let mut framed = BytesMut::with_capacity(body.len() + 5);
                framed.put_u8(u8::from(is_packed));
                framed.put_u32(u32::try_from(body.len()).unwrap_or(u32::MAX));
                framed.put(body);
                request.body(Full::new(framed.freeze()))
            }
        }
    }
}

fn encrypted(to: &Destination) -> Result<HttpsConnector<HttpConnector>, Error> {
    let wrong = |reason: String| Error::Endpoint { endpoint: to.logs.to_string(), reason };
    let provider = rustls::crypto::ring::default_provider();
    let builder = HttpsConnectorBuilder::new();
    let builder = match &to.certificates {
        None => builder
            .with_provider_and_native_roots(provider)
            .map_err(|error| wrong(format!("the system's certificates: {error}")))?,
        Some(path) => {
            let unreadable = |error: String| wrong(format!("{}: {error}", path.display()));
            let mut roots = RootCertStore::empty();
            let found = CertificateDer::pem_file_iter(path)
                .map_err(|error| unreadable(error.to_string()))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
                roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
            }
            let config = ClientConfig::builder_with_provider(provider.into())
                .with_safe_default_protocol_versions()
                .map_err(|error| wrong(error.to_string()))?
                .with_root_certificates(roots)
                .with_no_client_auth();
            builder.with_tls_config(config)
        }
    };
    let builder = builder.https_or_http();
    Ok(match to.protocol {
        Protocol::Http => builder.enable_http1().build(),
        Protocol::Grpc => builder.enable_http2().build(),
    })
}

/// The body squeezed; none where that failed.
fn gzip(body: &Bytes) -> Option<Bytes> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).ok()?;
    Some(encoder.finish().ok()?.into())
}

async fn http_answer(signal: Signal, response: Response<Incoming>) -> Answer {
    let status = response.status();
    let after = retry_after(response.headers());
    // The body is read whatever the status, so that the connection can be used again.
    let body = Limited::new(response.into_body(), ANSWER_LIMIT).collect().await;
    let body = body.map(http_body_util::Collected::to_bytes);
    if status.is_success() {
        let Ok(body) = body else {
            let why = "the answer broke off".to_owned();
            return Answer::Later { why, after };
        };
        return Answer::Taken { rejected: rejected(signal, body) };
    }
    let why = format!("the collector answered {status}");
    match status {
        // Somebody may mend a credential; until then nothing is thrown away.
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Answer::Later { why, after },
        _ => Answer::Refused(why),
    }
}

async fn grpc_answer(signal: Signal, response: Response<Incoming>) -> Answer {
    let status = response.status();
    let early = response.headers().get(GRPC_STATUS).cloned();
    let body = match Limited::new(response.into_body(), ANSWER_LIMIT).collect().await {
        Ok(body) => body,
        Err(error) => {
            return Answer::Later { why: format!("the answer broke off: {error}"), after: None };
        }
    };
    let late = body.trailers().and_then(|trailers| trailers.get(GRPC_STATUS)).cloned();
    let code = late.or(early).and_then(|code| code.to_str().ok()?.parse::<u8>().ok());
    let why = match code {
        Some(code) => format!("the collector answered with the gRPC status {code}"),
        None => format!("the collector answered {status} without a gRPC status"),
    };
    match code {
        Some(0) => {
            let message = body.to_bytes();
            let message = message.get(5..).map(Bytes::copy_from_slice).unwrap_or_default();
            Answer::Taken { rejected: rejected(signal, message) }
        }
        // Cancelled, deadline exceeded, permission denied, aborted, out of range, unavailable, data loss,
        // unauthenticated.
        None | Some(1 | 4 | 7 | 10 | 11 | 14 | 15 | 16) => Answer::Later { why, after: None },
        Some(_) => Answer::Refused(why),
    }
}

/// How many records the collector did not take of a request that it took.
fn rejected(signal: Signal, body: Bytes) -> u64 {
    let rejected = match signal {
        Signal::Logs => ExportLogsServiceResponse::decode(body)
            .ok()
            .and_then(|answer| Some(answer.partial_success?.rejected_log_records)),
        Signal::Traces => ExportTraceServiceResponse::decode(body)
            .ok()
            .and_then(|answer| Some(answer.partial_success?.rejected_spans)),
    };
    rejected.and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST))
}

/// An error with what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
