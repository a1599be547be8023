//! What of a destination can be told to be wrong without reading a file or connecting.

use std::net::IpAddr;

use blotter_schemas::otlp::Signal;
use http::Uri;
use http::header::{HeaderName, HeaderValue};

use super::destination::{Destination, Headers, Protocol};
use crate::effective::in_words;

/// Longest name of a destination.
const NAME_LIMIT: usize = 40;
/// Longest that a request may take, in seconds.
const TIMEOUT_LIMIT: u64 = 600;
/// Longest that a batch waits for more, in milliseconds.
const DELAY_LIMIT: u64 = 600_000;
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

/// What cannot be used of a destination: the field, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unusable {
    pub field: &'static str,
    pub reason: String,
}

impl Destination {
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
        if self.batch.delay_milliseconds > DELAY_LIMIT {
            return wrong("batch", format!("delay_milliseconds must be from 0 to {DELAY_LIMIT}"));
        }
        if !(1..=TIMEOUT_LIMIT).contains(&self.timeout_seconds) {
            return wrong("timeout_seconds", format!("must be from 1 to {TIMEOUT_LIMIT}"));
        }
        if self.budget_bytes == Some(0) {
            let reason =
                "must be at least 1; leave it out for a quarter of what the journal may have";
            return wrong("budget_bytes", reason.to_owned());
        }
        for (field, conditions) in [("include", &self.include), ("exclude", &self.exclude)] {
            if conditions.iter().any(|it| it.attribute.is_empty() || it.values.is_empty()) {
                let reason = "a condition needs an attribute and at least one value".to_owned();
                return wrong(field, reason);
            }
        }
        Ok(())
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
                .map_err(|_| format!("`{}` is no name of a header", begin(name)))?;
            if OWN_HEADERS.contains(&known.as_str()) {
                return Err(format!("`{known}` is set by the protocol"));
            }
            HeaderValue::try_from(value.as_str())
                .map_err(|_| format!("the value of `{known}` cannot stand in a header"))?;
        }
        Ok(())
    }
}

/// How a name begins: a whole header may stand where its name should.
fn begin(name: &str) -> String {
    let plain = |it: &char| it.is_ascii_alphanumeric() || "-_".contains(*it);
    let begin: String = name.chars().take_while(plain).take(NAME_LIMIT).collect();
    if begin.len() < name.len() { format!("{begin}...") } else { begin }
}

/// A URL that requests can be sent to.
pub(super) fn url(text: &str) -> Result<Uri, String> {
    let told = in_words(text);
    let uri: Uri = text.parse().map_err(|error| format!("{told:?} is no URL: {error}"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err(format!("{told:?} must begin with http:// or https:// and name a host"));
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
            ("endpoint = \"https://host\"\nbatch = { delay_milliseconds = 600001 }", "batch"),
            ("endpoint = \"https://host\"\ntimeout_seconds = 0", "timeout_seconds"),
            ("endpoint = \"https://host\"\ntimeout_seconds = 601", "timeout_seconds"),
            ("endpoint = \"https://host\"\nbudget_bytes = 0", "budget_bytes"),
            (
                "endpoint = \"https://host\"\nexclude = [{ attribute = \"a\", values = [] }]",
                "exclude",
            ),
        ] {
            assert_eq!(destination(toml).unwrap().check().unwrap_err().field, field, "{toml}");
        }
        let mut named = destination("endpoint = \"http://host\"").unwrap();
        named.name = "../up".to_owned();
        assert_eq!(named.check().unwrap_err().field, "name");
    }

    #[test]
    fn a_key_in_an_endpoint_that_cannot_be_used_is_not_said() {
        for endpoint in
            ["ftp://host/?key=hunter2", "host?key=hunter2", "a:hunter2@host", "http:// ?hunter2"]
        {
            let unusable =
                destination(&format!("endpoint = \"{endpoint}\"")).unwrap().check().unwrap_err();
            assert!(!unusable.reason.contains("hunter2"), "{unusable:?}");
        }
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
