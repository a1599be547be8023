//! OTLP/HTTP, as a client.

use std::time::Duration;

use blotter_schemas::otlp::{Encoding, Request, Signal, json};
use bytes::Bytes;
use chrono::Utc;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use tokio::time::{Instant, timeout_at};

use super::compress::compress;
use super::{AGENT, Connector, Sent, causes};
use crate::forward::destination::{Compression, Destination, Protocol};
use crate::forward::outcome::{NOT_SENT, Outcome, http_is_retryable, joined};
use crate::forward::response;

/// Largest answer that is read, as the OTLP specification proposes.
const ANSWER_LIMIT: usize = 4 << 20;
/// The most of a refusal's explanation that is read.
const REFUSAL_LIMIT: usize = 64 << 10;
/// How long a refusal's explanation is waited for: its status is there, and counts without it.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(2);
const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Sends over HTTP.
#[derive(Debug)]
pub(super) struct Http {
    client: Client<Connector, Full<Bytes>>,
    urls: [Uri; 3],
    is_json: bool,
    compression: Compression,
}

impl Http {
    pub(super) fn new(
        destination: &Destination,
        client: Client<Connector, Full<Bytes>>,
    ) -> Result<Self, String> {
        let url = |signal| destination.url(signal);
        Ok(Self {
            client,
            urls: [url(Signal::Logs)?, url(Signal::Traces)?, url(Signal::Metrics)?],
            is_json: destination.protocol == Protocol::HttpJson,
            compression: destination.compression,
        })
    }

    /// Sends a request whose body is Protobuf.
    pub(super) async fn send(&self, signal: Signal, body: &Bytes, headers: &HeaderMap) -> Sent {
        let request = match self.request(signal, body, headers) {
            Ok(request) => request,
            Err(reason) => {
                let status = NOT_SENT.to_owned();
                return Sent::Answered(Outcome::Never { status, reason, too_large: false });
            }
        };
        let later = |reason| Sent::Answered(Outcome::Later { reason, after: None });
        let response = match self.client.request(request).await {
            Ok(response) => response,
            Err(error) => return later(causes(&error)),
        };
        if !response.status().is_success() {
            return Sent::Refused(response);
        }
        let (parts, body) = response.into_parts();
        let body = match Limited::new(body, ANSWER_LIMIT).collect().await {
            Ok(body) => body.to_bytes(),
            // Taken, as it seems, but half an answer is none.
            Err(error) => return later(format!("the answer broke off: {}", causes(&*error))),
        };
        let content_type = header(&parts.headers, CONTENT_TYPE).unwrap_or_default();
        let is_json = content_type.starts_with("application/json");
        let partial = response::partial_success(signal, is_json, &body);
        let is_ours = is_json || content_type.starts_with("application/x-protobuf");
        let says_nothing = content_type.is_empty() && body.is_empty();
        let unexpected = (!is_ours && !says_nothing).then(|| response::shortened(content_type));
        let (rejected, message) = (partial.rejected, partial.message);
        Sent::Answered(Outcome::Delivered { rejected, message, unexpected })
    }

    fn request(
        &self,
        signal: Signal,
        body: &Bytes,
        headers: &HeaderMap,
    ) -> Result<http::Request<Full<Bytes>>, String> {
        let body = if self.is_json { to_json(signal, body)? } else { body.clone() };
        let compressed = compress(body, self.compression);
        let (body, encoding) = compressed.map_err(|error| error.to_string())?;
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        let [logs, traces, metrics] = &self.urls;
        *request.uri_mut() = match signal {
            Signal::Logs => logs.clone(),
            Signal::Traces => traces.clone(),
            Signal::Metrics => metrics.clone(),
        };
        let all = request.headers_mut();
        all.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        all.extend(headers.clone());
        all.insert(CONTENT_TYPE, if self.is_json { JSON } else { PROTOBUF });
        if let Some(encoding) = encoding {
            all.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        Ok(request)
    }
}

fn header(headers: &HeaderMap, name: http::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// What a refusal comes to. Its status counts, whatever becomes of its explanation.
pub(super) async fn refused(response: Response<Incoming>) -> Outcome {
    let (parts, mut body) = response.into_parts();
    let (mut explanation, deadline) = (Vec::new(), Instant::now() + REFUSAL_PATIENCE);
    while let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await {
        let data = frame.into_data().unwrap_or_default();
        explanation.extend_from_slice(&data);
        if explanation.len() >= REFUSAL_LIMIT {
            break;
        }
    }
    let content_type = header(&parts.headers, CONTENT_TYPE).unwrap_or_default();
    let (said, status) = (response::refusal(content_type, &explanation), parts.status);
    if http_is_retryable(status.as_u16()) {
        let after = header(&parts.headers, RETRY_AFTER);
        let after = after.and_then(|it| response::retry_after(it, Utc::now()));
        return Outcome::Later { reason: joined(&format!("status {status}"), &said), after };
    }
    let too_large = status == StatusCode::PAYLOAD_TOO_LARGE;
    Outcome::Never { status: status.as_u16().to_string(), reason: said, too_large }
}

fn to_json(signal: Signal, body: &[u8]) -> Result<Bytes, String> {
    let request = Request::decode(signal, Encoding::Protobuf, body);
    let text = match request.map_err(|error| error.to_string())? {
        Request::Logs(request) => json::encode_logs(&request),
        Request::Traces(request) => json::encode_traces(&request),
        Request::Metrics(request) => json::encode_metrics(&request),
    };
    Ok(text.into())
}
