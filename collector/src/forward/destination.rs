//! A destination as it stands in the configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use blotter_schemas::otlp::Signal;
use http::Uri;
use http::header::{HeaderName, HeaderValue};
use serde::Deserialize;

use super::filter::{Condition, Pattern};

/// Longest name of a destination.
const NAME_LIMIT: usize = 40;
/// Headers that the protocol itself needs.
const OWN_HEADERS: [&str; 7] = [
    "content-type",
    "content-length",
    "content-encoding",
    "grpc-encoding",
    "host",
    "te",
    "transfer-encoding",
];

/// A backend that gets a copy of what is received, redacted: one `[[forward]]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// Its name in logs, events and on disk: lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// Where it is: scheme, host, port. Over HTTP `/v1/logs`, `/v1/traces` or `/v1/metrics` is added to
    /// its path.
    pub endpoint: String,
    /// Whole URLs for single signals over HTTP, where a backend has others than `endpoint` makes.
    #[serde(default)]
    pub endpoints: BTreeMap<SignalName, String>,
    /// How requests are sent.
    #[serde(default)]
    pub protocol: Protocol,
    /// How their bodies are compressed.
    #[serde(default)]
    pub compression: Compression,
    /// Headers of every request, credentials among them.
    #[serde(default)]
    pub headers: Headers,
    /// File with further headers, one `name: value` a line, read again whenever it has changed.
    pub headers_file: Option<PathBuf>,
    /// Certificates, where not those of the system.
    #[serde(default)]
    pub tls: Tls,
    /// Signals that it gets: all, or with `normalised` only logs, unless this says otherwise.
    pub signals: Option<Vec<SignalName>>,
    /// Send events of one vocabulary, made from every agent's logs and spans, in place of logs.
    #[serde(default)]
    pub normalised: bool,
    /// A record goes there only where each of these holds.
    #[serde(default)]
    pub include: Vec<Condition>,
    /// A record does not go there where one of these holds.
    #[serde(default)]
    pub exclude: Vec<Condition>,
    /// Keys of attributes that are left out; `*` stands for anything.
    #[serde(default)]
    pub drop_attributes: Vec<Pattern>,
    /// When a batch is sent.
    #[serde(default)]
    pub batch: BatchLimits,
    /// Longest time for a request and its answer, in seconds.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
    /// The most bytes of the journal that may wait for it, and again of requests set aside as dead
    /// letters; by default a quarter of what the journal may have.
    pub budget_bytes: Option<u64>,
    /// What happens when they are spent.
    #[serde(default)]
    pub when_spent: WhenSpent,
}

/// A signal, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignalName {
    /// Log records.
    Logs,
    /// Spans.
    Traces,
    /// Metric points.
    Metrics,
}

impl From<SignalName> for Signal {
    fn from(name: SignalName) -> Self {
        match name {
            SignalName::Logs => Self::Logs,
            SignalName::Traces => Self::Traces,
            SignalName::Metrics => Self::Metrics,
        }
    }
}

/// How requests are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Protocol {
    /// OTLP/gRPC.
    #[serde(rename = "grpc")]
    Grpc,
    /// OTLP/HTTP with Protobuf bodies.
    #[default]
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
    /// OTLP/HTTP with JSON bodies.
    #[serde(rename = "http/json")]
    HttpJson,
}

/// How bodies are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    None,
    /// With gzip, which every OTLP receiver has to read.
    #[default]
    Gzip,
    /// With Zstandard, which many read.
    Zstd,
}

/// What happens when the bytes that may wait for a destination are spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenSpent {
    /// Nothing is given up: senders are refused, for now, until the destination has taken something.
    Hold,
    /// The oldest go first: the destination does not get them, which is counted and recorded. They stay
    /// in the archive.
    #[default]
    Shed,
}

/// Certificates and keys, as PEM files. All are read again when they have changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// Authorities that the destination's certificate may come from, in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate, for a destination that wants one.
    pub certificate_file: Option<PathBuf>,
    /// The key of that certificate.
    pub key_file: Option<PathBuf>,
}

/// When a batch is sent: as soon as one of these is reached.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchLimits {
    /// Records in it.
    pub records: u64,
    /// Bytes of the requests it is made from, not compressed.
    pub bytes: usize,
    /// Milliseconds since the first of them was read.
    pub delay_milliseconds: u64,
}

impl Default for BatchLimits {
    fn default() -> Self {
        // Receivers of gRPC take messages of 4 MiB unless told otherwise.
        Self { records: 8192, bytes: 2 << 20, delay_milliseconds: 1000 }
    }
}

const fn default_timeout() -> u64 {
    30
}

/// Headers whose values do not show in debug output.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Headers(pub BTreeMap<String, String>);

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What cannot be used of a destination: the field, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unusable {
    pub field: &'static str,
    pub reason: String,
}

impl Destination {
    /// Makes every path relative to `folder`, that of the configuration file.
    pub(crate) fn resolve(&mut self, folder: &Path) {
        let Tls { ca_file, certificate_file, key_file } = &mut self.tls;
        for file in [&mut self.headers_file, ca_file, certificate_file, key_file] {
            if let Some(file) = file {
                *file = folder.join(&*file);
            }
        }
    }

    /// Looks at what can be told without reading a file or connecting.
    pub(crate) fn check(&self) -> Result<(), Unusable> {
        let wrong = |field, reason: String| Err(Unusable { field, reason });
        let plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "-_".contains(it);
        if self.name.is_empty() || self.name.len() > NAME_LIMIT || !self.name.chars().all(plain) {
            let reason = format!(
                "{:?} is no name: use up to {NAME_LIMIT} lower-case letters, digits, `-` and `_`",
                self.name
            );
            return wrong("name", reason);
        }
        if let Err(reason) = url(&self.endpoint) {
            return wrong("endpoint", reason);
        }
        if self.protocol == Protocol::Grpc && !self.endpoints.is_empty() {
            return wrong("endpoints", "gRPC has one endpoint for all signals".to_owned());
        }
        for endpoint in self.endpoints.values() {
            if let Err(reason) = url(endpoint) {
                return wrong("endpoints", reason);
            }
        }
        if self.protocol == Protocol::Grpc
            && url(&self.endpoint).is_ok_and(|url| !matches!(url.path(), "" | "/"))
        {
            return wrong("endpoint", "over gRPC it has no path".to_owned());
        }
        if self.signals.as_ref().is_some_and(Vec::is_empty) {
            return wrong("signals", "names no signal; leave it out for all".to_owned());
        }
        if self.normalised && !self.takes(Signal::Logs) {
            return wrong("signals", "must name logs: normalised events are logs".to_owned());
        }
        if let Err(reason) = self.headers.check() {
            return wrong("headers", reason);
        }
        if self.tls.certificate_file.is_some() != self.tls.key_file.is_some() {
            return wrong("tls", "certificate_file and key_file go together".to_owned());
        }
        if self.batch.records == 0 || self.batch.bytes == 0 {
            return wrong("batch", "a batch of nothing cannot be sent".to_owned());
        }
        if self.timeout_seconds == 0 {
            return wrong("timeout_seconds", "must be at least 1".to_owned());
        }
        for condition in self.include.iter().chain(&self.exclude) {
            if condition.attribute.is_empty() || condition.values.is_empty() {
                let reason = "a condition needs an attribute and at least one value".to_owned();
                return wrong("include", reason);
            }
        }
        Ok(())
    }

    /// Whether records of `signal` are sent as they are.
    #[must_use]
    pub fn takes(&self, signal: Signal) -> bool {
        match &self.signals {
            Some(signals) => signals.iter().any(|name| Signal::from(*name) == signal),
            None => !self.normalised || signal == Signal::Logs,
        }
    }

    /// The URL for requests of `signal` over HTTP.
    ///
    /// # Errors
    /// When it is none; [`Destination::check`] said so before.
    pub(crate) fn url(&self, signal: Signal) -> Result<Uri, String> {
        let whole = self.endpoints.iter().find(|(name, _)| Signal::from(**name) == signal);
        if let Some((_, whole)) = whole {
            return url(whole);
        }
        let (base, query) = match self.endpoint.split_once('?') {
            Some((base, query)) => (base, format!("?{query}")),
            None => (self.endpoint.as_str(), String::new()),
        };
        url(&format!("{}/v1/{}{query}", base.trim_end_matches('/'), signal.name()))
    }

    /// Name of its cursor among the journal's consumers.
    pub(crate) fn consumer(&self) -> String {
        format!("forward-{}", self.name)
    }

    /// Longest time for a request and its answer.
    pub(crate) const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }

    /// Whether credentials go over the network for everyone to read.
    pub(crate) fn shows_credentials(&self) -> bool {
        let open = |text: &str| {
            url(text).is_ok_and(|url| {
                let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
                let here = host == "localhost"
                    || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
                url.scheme_str() == Some("http") && !here
            })
        };
        let credentials = !self.headers.0.is_empty() || self.headers_file.is_some();
        credentials
            && std::iter::once(&self.endpoint).chain(self.endpoints.values()).any(|it| open(it))
    }
}

impl Headers {
    pub(super) fn check(&self) -> Result<(), String> {
        for (name, value) in &self.0 {
            let known = HeaderName::try_from(name.as_str())
                .map_err(|_| format!("`{}` is no name of a header", name.escape_debug()))?;
            if OWN_HEADERS.contains(&known.as_str()) {
                return Err(format!("`{known}` is set by the protocol"));
            }
            HeaderValue::try_from(value.as_str())
                .map_err(|_| format!("the value of `{known}` cannot stand in a header"))?;
        }
        Ok(())
    }
}

fn url(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|error| format!("{text:?} is no URL: {error}"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err(format!("{text:?} must begin with http:// or https:// and name a host"));
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("credentials do not stand in a URL; use headers or headers_file".to_owned());
    }
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(toml: &str) -> Result<Destination, toml_edit::de::Error> {
        toml_edit::de::from_str(&format!("name = \"a\"\n{toml}"))
    }

    #[test]
    fn an_endpoint_is_completed_per_signal_unless_it_is_whole() {
        let it = destination(
            "endpoint = \"https://host:4318/api/otel/?a=b\"\nendpoints = { traces = \"http://other/v2/trace\" }\n",
        )
        .unwrap();
        it.check().unwrap();
        assert_eq!(it.url(Signal::Logs).unwrap(), "https://host:4318/api/otel/v1/logs?a=b");
        assert_eq!(it.url(Signal::Traces).unwrap(), "http://other/v2/trace");
        let it = destination("endpoint = \"http://host\"\n").unwrap();
        assert_eq!(it.url(Signal::Metrics).unwrap(), "http://host/v1/metrics");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (toml, field) in [
            ("endpoint = \"host:4317\"", "endpoint"),
            ("endpoint = \"ftp://host\"", "endpoint"),
            ("endpoint = \"https://user:password@host\"", "endpoint"),
            ("endpoint = \"https://host/path\"\nprotocol = \"grpc\"", "endpoint"),
            ("endpoint = \"https://host\"\nendpoints = { logs = \"nowhere\" }", "endpoints"),
            ("endpoint = \"https://host\"\nsignals = []", "signals"),
            ("endpoint = \"https://host\"\nsignals = [\"traces\"]\nnormalised = true", "signals"),
            ("endpoint = \"https://host\"\nheaders = { \"a b\" = \"c\" }", "headers"),
            ("endpoint = \"https://host\"\nheaders = { host = \"c\" }", "headers"),
            ("endpoint = \"https://host\"\ntls = { key_file = \"a\" }", "tls"),
            ("endpoint = \"https://host\"\nbatch = { records = 0 }", "batch"),
            ("endpoint = \"https://host\"\ntimeout_seconds = 0", "timeout_seconds"),
            (
                "endpoint = \"https://host\"\ninclude = [{ attribute = \"a\", values = [] }]",
                "include",
            ),
        ] {
            assert_eq!(destination(toml).unwrap().check().unwrap_err().field, field, "{toml}");
        }
        let mut named = destination("endpoint = \"http://host\"").unwrap();
        named.name = "../up".to_owned();
        assert_eq!(named.check().unwrap_err().field, "name");
    }

    #[test]
    fn normalised_events_take_the_place_of_every_signal_but_those_that_are_named() {
        let takes = |toml: &str| {
            let it = destination(&format!("endpoint = \"http://host\"\n{toml}")).unwrap();
            Signal::ALL.map(|signal| it.takes(signal))
        };
        assert_eq!(takes(""), [true, true, true]);
        assert_eq!(takes("signals = [\"traces\"]"), [false, true, false]);
        assert_eq!(takes("normalised = true"), [true, false, false]);
        assert_eq!(
            takes("normalised = true\nsignals = [\"logs\", \"metrics\"]"),
            [true, false, true]
        );
    }

    #[test]
    fn values_of_headers_do_not_show() {
        let it = destination("endpoint = \"http://host\"\nheaders = { key = \"very-secret\" }");
        let shown = format!("{:?}", it.unwrap());
        assert!(shown.contains("key") && !shown.contains("very-secret"), "{shown}");
    }

    #[test]
    fn credentials_in_the_clear_are_noticed_unless_they_stay_on_this_machine() {
        let shows = |endpoint: &str| {
            let toml = format!("endpoint = \"{endpoint}\"\nheaders = {{ key = \"k\" }}");
            destination(&toml).unwrap().shows_credentials()
        };
        assert!(shows("http://backend:4318"));
        assert!(!shows("https://backend:4318"));
        for here in ["http://localhost:4318", "http://127.0.0.1:4318", "http://[::1]:4318"] {
            assert!(!shows(here), "{here}");
        }
    }
}
