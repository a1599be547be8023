//! A destination as it stands in the configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use blotter_schemas::otlp::Signal;
use http::Uri;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use super::check::url;
use super::filter::{Condition, Pattern};

/// A backend that gets a copy of what is received, redacted: one `[[forward]]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Keys of attributes that are left out, within maps too; `*` stands for anything.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// Headers whose values show neither in debug output nor where they are serialised.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Headers(pub BTreeMap<String, String>);

/// Their names; values are credentials, and leave us only for their destination.
impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for name in self.0.keys() {
            map.serialize_entry(name, crate::effective::HIDDEN)?;
        }
        map.end()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Destination {
    /// Makes every path relative to `folder`, that of the configuration file.
    pub(crate) fn resolve(&mut self, folder: &Path) {
        let Tls { ca_file, certificate_file, key_file } = &mut self.tls;
        let files = [&mut self.headers_file, ca_file, certificate_file, key_file];
        for file in files.into_iter().flatten() {
            *file = folder.join(&*file);
        }
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

    /// The queries of its URLs, which may hold a key.
    pub(crate) fn queries(&self) -> Vec<String> {
        let urls = std::iter::once(&self.endpoint).chain(self.endpoints.values());
        urls.filter_map(|url| Some(url.split_once('?')?.1.to_owned())).collect()
    }

    /// Name of its cursor among the journal's consumers.
    pub(crate) fn consumer(&self) -> String {
        format!("forward-{}", self.name)
    }

    /// Longest time for a request and its answer.
    pub(crate) const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }
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
}
