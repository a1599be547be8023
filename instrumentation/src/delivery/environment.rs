//! Where records go: what the builder says, else the `OTEL_*` variables, else the collector on this machine.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};

use crate::error::Error;

/// How records are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP over HTTP, in protobuf.
    Http,
    /// OTLP over gRPC.
    Grpc,
}

/// Where and how records are sent.
pub(crate) struct Destination {
    pub(crate) protocol: Protocol,
    pub(crate) logs: Uri,
    pub(crate) traces: Uri,
    /// They may hold a credential: marked as sensitive, and never shown.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) timeout: Duration,
    pub(crate) gzip: bool,
    /// Certificates that are trusted instead of the system's.
    pub(crate) certificates: Option<PathBuf>,
}

/// What the builder says.
#[derive(Default)]
pub(crate) struct Chosen {
    pub(crate) endpoint: Option<String>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) headers: Vec<(String, String)>,
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
const COMPRESSION: &str = "OTEL_EXPORTER_OTLP_COMPRESSION";
const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
const LOGS_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const SDK_DISABLED: &str = "OTEL_SDK_DISABLED";
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const RESOURCE: &str = "OTEL_RESOURCE_ATTRIBUTES";
/// How long an export may take, unless a variable says otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn wrong(variable: &str, reason: impl Into<String>) -> Error {
    Error::Environment { variable: variable.to_owned(), reason: reason.into() }
}

/// Whether `OTEL_SDK_DISABLED` turns export off.
pub(crate) fn is_disabled() -> bool {
    variable(SDK_DISABLED).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// The agent's name in `OTEL_SERVICE_NAME`, for one that its author did not name.
pub(crate) fn service_name() -> Option<String> {
    variable(SERVICE_NAME)
}

/// Attributes of the resource in `OTEL_RESOURCE_ATTRIBUTES`: `key=value,key=value`, percent-encoded.
pub(crate) fn resource() -> Vec<(String, String)> {
    pairs(&variable(RESOURCE).unwrap_or_default())
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=')?;
        let key = key.trim();
        (!key.is_empty()).then(|| (key.to_owned(), decoded(value.trim())))
    };
    text.split(',').filter_map(pair).collect()
}

/// A percent-encoded text; what is no encoding stands for itself.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Destination {
    /// Brings the two together.
    pub(crate) fn new(chosen: Chosen) -> Result<Self, Error> {
        let protocol = match (chosen.protocol, variable(PROTOCOL).as_deref()) {
            (Some(protocol), _) => protocol,
            (None, Some("grpc")) => Protocol::Grpc,
            (None, None | Some("http/protobuf")) => Protocol::Http,
            (None, Some(other)) => {
                let reason = format!("{other:?}; it may be `http/protobuf` or `grpc`");
                return Err(wrong(PROTOCOL, reason));
            }
        };
        let base = chosen.endpoint.clone().or_else(|| variable(ENDPOINT));
        let base = base.unwrap_or_else(|| match protocol {
            Protocol::Http => "http://localhost:4318".to_owned(),
            Protocol::Grpc => "http://localhost:4317".to_owned(),
        });
        let own = |name: &str| if chosen.endpoint.is_some() { None } else { variable(name) };
        let mut headers = Vec::new();
        for (name, value) in pairs(&variable(HEADERS).unwrap_or_default()) {
            let parsed = header(&name, &value);
            headers.push(parsed.ok_or_else(|| wrong(HEADERS, format!("no header: {name}")))?);
        }
        for (name, value) in &chosen.headers {
            let parsed = header(name, value);
            headers.push(parsed.ok_or_else(|| wrong("header", format!("no header: {name}")))?);
        }
        let timeout = match variable(TIMEOUT) {
            None => PATIENCE,
            Some(text) => {
                let milliseconds = text.parse().ok().filter(|timeout: &u64| *timeout > 0);
                let milliseconds = milliseconds
                    .ok_or_else(|| wrong(TIMEOUT, "not a positive number of milliseconds"))?;
                Duration::from_millis(milliseconds)
            }
        };
        let gzip = match variable(COMPRESSION).as_deref() {
            None | Some("none") => false,
            Some("gzip") => true,
            Some(other) => {
                return Err(wrong(COMPRESSION, format!("{other:?}; it may be `gzip` or `none`")));
            }
        };
        Ok(Self {
            protocol,
            logs: address(protocol, &base, own(LOGS_ENDPOINT), LOGS)?,
            traces: address(protocol, &base, own(TRACES_ENDPOINT), TRACES)?,
            headers,
            timeout,
            gzip,
            certificates: variable(CERTIFICATE).map(PathBuf::from),
        })
    }

    /// Whether the connection is encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        [&self.logs, &self.traces].iter().any(|uri| uri.scheme_str() == Some("https"))
    }
}

/// Paths of one signal: over HTTP, and over gRPC.
const LOGS: [&str; 2] = ["/v1/logs", "/opentelemetry.proto.collector.logs.v1.LogsService/Export"];
const TRACES: [&str; 2] =
    ["/v1/traces", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"];

fn address(
    protocol: Protocol,
    base: &str,
    own: Option<String>,
    [http, grpc]: [&str; 2],
) -> Result<Uri, Error> {
    let base = base.trim_end_matches('/');
    let text = match (protocol, own) {
        (Protocol::Http, Some(own)) => own,
        (Protocol::Http, None) => format!("{base}{http}"),
        (Protocol::Grpc, own) => {
            format!("{}{grpc}", own.as_deref().unwrap_or(base).trim_end_matches('/'))
        }
    };
    let wrong = |reason: String| Error::Endpoint { endpoint: text.clone(), reason };
    let uri: Uri = text.parse().map_err(|error: http::uri::InvalidUri| wrong(error.to_string()))?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(_)) => Ok(uri),
        _ => Err(wrong("it must begin with http:// or https:// and name a host".to_owned())),
    }
}

fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::try_from(name).ok()?, value))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_what_is_none_is_passed_over() {
        let read = pairs("authorization=Bearer%20x, a = b ,=c,d,e=%zz%");
        let text: Vec<String> = read.iter().map(|(key, value)| format!("{key}:{value}")).collect();
        assert_eq!(text, ["authorization:Bearer x", "a:b", "e:%zz%"]);
    }

    #[test]
    fn a_signal_has_its_path_and_a_host() {
        let at = |base| address(Protocol::Http, base, None, LOGS).map(|uri| uri.to_string());
        assert_eq!(at("http://h:1/").unwrap(), "http://h:1/v1/logs");
        assert_eq!(at("http://h:1/a").unwrap(), "http://h:1/a/v1/logs");
        assert!(at("h:4318").is_err() && at("ftp://h").is_err() && at("").is_err());
    }
}
