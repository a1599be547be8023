//! Which signal a file holds: by its name, else by its content where that is unambiguous.

use std::path::Path;

use blotter_schemas::otlp::{self, Encoding, Signal};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::encoding_name;

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recognised {
    /// An OTLP request body of this signal.
    Telemetry(Signal, Encoding),
    /// Named like one, but it cannot be read; with the reason.
    Damaged(String),
    /// Not known to be one; with the reason.
    Other(String),
}

/// Whether a file of this name is looked into when it is found in a folder.
#[must_use]
pub(super) fn may_be_telemetry(path: &Path) -> bool {
    encoding_of(path).is_some()
}

fn encoding_of(path: &Path) -> Option<Encoding> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "pb" | "binpb" => Some(Encoding::Protobuf),
        "json" => Some(Encoding::Json),
        _ => None,
    }
}

/// Tells what a file is. `signal`, where given, is taken at its word.
#[must_use]
pub fn recognise(path: &Path, body: &[u8], signal: Option<Signal>) -> Recognised {
    let encoding = encoding_of(path);
    let named = by_name(path);
    let encoding = match (encoding, signal) {
        (Some(encoding), _) => encoding,
        (None, None) => return Recognised::Other("neither .pb nor .json".to_owned()),
        (None, Some(_)) if body.trim_ascii_start().starts_with(b"{") => Encoding::Json,
        (None, Some(_)) => Encoding::Protobuf,
    };
    if let Some(signal) = signal.or(named) {
        return Recognised::Telemetry(signal, encoding);
    }
    match encoding {
        Encoding::Json => of_json(body),
        Encoding::Protobuf => of_protobuf(body),
    }
}

/// The signal that the name of a file says: `0001.logs.pb`, `traces.json`, `run-metrics.json`.
fn by_name(path: &Path) -> Option<Signal> {
    let stem = path.file_stem()?.to_str()?.to_ascii_lowercase();
    let mut named = stem.split(['.', '-', '_']).filter_map(Signal::from_name);
    let signal = named.next()?;
    named.all(|other| other == signal).then_some(signal)
}

/// The keys of a JSON request body that tell its signal.
#[derive(Deserialize)]
struct TopLevel {
    #[serde(rename = "resourceLogs", alias = "resource_logs")]
    logs: Option<IgnoredAny>,
    #[serde(rename = "resourceSpans", alias = "resource_spans")]
    traces: Option<IgnoredAny>,
    #[serde(rename = "resourceMetrics", alias = "resource_metrics")]
    metrics: Option<IgnoredAny>,
}

pub(super) fn of_json(body: &[u8]) -> Recognised {
    let top: TopLevel = match serde_json::from_slice(body) {
        Ok(top) => top,
        Err(error) => return Recognised::Other(format!("not an OTLP/JSON request: {error}")),
    };
    let mut signals = [
        top.logs.map(|_| Signal::Logs),
        top.traces.map(|_| Signal::Traces),
        top.metrics.map(|_| Signal::Metrics),
    ]
    .into_iter()
    .flatten();
    match (signals.next(), signals.next()) {
        (Some(signal), None) => Recognised::Telemetry(signal, Encoding::Json),
        (None, _) => Recognised::Other(
            "JSON, but no resourceLogs, resourceSpans or resourceMetrics in it".to_owned(),
        ),
        (Some(_), Some(_)) => Recognised::Other("JSON of several signals at once".to_owned()),
    }
}

fn of_protobuf(body: &[u8]) -> Recognised {
    let fits = |signal: &Signal| {
        otlp::check(*signal, Encoding::Protobuf, body).is_ok_and(|records| records > 0)
    };
    let mut signals = Signal::ALL.into_iter().filter(fits);
    match (signals.next(), signals.next()) {
        (Some(signal), None) => Recognised::Telemetry(signal, Encoding::Protobuf),
        (None, _) => Recognised::Other("not an OTLP request body".to_owned()),
        (Some(one), Some(other)) => Recognised::Other(format!(
            "could be {} as well as {} by its content",
            one.name(),
            other.name()
        )),
    }
}

/// What is wrong with a body that does not decode, and where, as far as it is known.
pub(super) fn damage(error: &blotter_schemas::Error, encoding: Encoding, body: &[u8]) -> String {
    let what = match encoding {
        _ if matches!(
            error,
            blotter_schemas::Error::TooLargeExpanded { .. }
                | blotter_schemas::Error::TooLargeDecoded { .. }
        ) =>
        {
            error.to_string()
        }
        Encoding::Protobuf => match broken_at(body) {
            Some(offset) => format!("{error}, in the part that begins at offset {offset}"),
            None => error.to_string(),
        },
        Encoding::Json => error.to_string(),
    };
    format!("{} of {} bytes: {what}", encoding_name(encoding), body.len())
}

/// Offset of the first top-level field that is cut short or is no field.
fn broken_at(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < body.len() {
        let (tag, after_tag) = varint(body, at)?;
        if tag & 7 != 2 {
            return Some(at);
        }
        let Some((length, start)) = varint(body, after_tag) else { return Some(at) };
        match usize::try_from(length).ok().and_then(|length| start.checked_add(length)) {
            Some(end) if end <= body.len() => at = end,
            _ => return Some(at),
        }
    }
    None
}

fn varint(body: &[u8], start: usize) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (index, byte) in body.get(start..)?.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(u32::try_from(index).ok()? * 7)?;
        if byte & 0x80 == 0 {
            return Some((value, start + index + 1));
        }
    }
    None
}
