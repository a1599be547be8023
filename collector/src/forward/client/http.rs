//! OTLP/HTTP, as a client.

use blotter_schemas::otlp::{Encoding, Request, Signal, json};
use bytes::Bytes;
use chrono::Utc;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;

use super::compress::compress;
use super::{AGENT, Connector, causes};
use crate::forward::destination::{Compression, Destination, Protocol};
use crate::forward::outcome::{NOT_SENT, Outcome, http_is_retryable};
use crate::forward::response;

/// Largest answer that is read, as the OTLP specification proposes.
const ANSWER_LIMIT: usize = 4 << 20;
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
    pub(super) async fn send(&self, signal: Signal, body: &Bytes, headers: &HeaderMap) -> Outcome {
        let request = match self.request(signal, body, headers) {
            Ok(request) => request,
            Err(reason) => {
                return Outcome::Never { status: NOT_SENT.to_owned(), reason, too_large: false };
            }
        };
        let response = match self.client.request(request).await {
            Ok(response) => response,
            Err(error) => return Outcome::Later { reason: causes(&error), after: None },
        };
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_LIMIT).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes);
        let header = |name| parts.headers.get(name).and_then(|it: &HeaderValue| it.to_str().ok());
        let content_type = header(CONTENT_TYPE).unwrap_or_default();
        if parts.status.is_success() {
            return match body {
                Ok(body) => {
                    let is_json = content_type.starts_with("application/json");
                    let partial = response::partial_success(signal, is_json, &body);
                    Outcome::Delivered { rejected: partial.rejected, message: partial.message }
                }
                // Taken, as it seems, but half an answer is none.
                Err(error) => {
                    let reason = format!("the answer broke off: {}", causes(&*error));
                    Outcome::Later { reason, after: None }
                }
            };
        }
        // Of a refusal the status counts, whatever became of its explanation.
        let said = response::refusal(content_type, &body.unwrap_or_default());
        let status = parts.status;
        if http_is_retryable(status.as_u16()) {
            let after = header(RETRY_AFTER).and_then(|it| response::retry_after(it, Utc::now()));
            return Outcome::Later { reason: format!("status {status}: {said}"), after };
        }
        let too_large = status == StatusCode::PAYLOAD_TOO_LARGE;
        Outcome::Never { status: status.as_u16().to_string(), reason: said, too_large }
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

fn to_json(signal: Signal, body: &[u8]) -> Result<Bytes, String> {
    let request = Request::decode(signal, Encoding::Protobuf, body);
    let text = match request.map_err(|error| error.to_string())? {
        Request::Logs(request) => json::encode_logs(&request),
        Request::Traces(request) => json::encode_traces(&request),
        Request::Metrics(request) => json::encode_metrics(&request),
    };
    Ok(text.into())
}
