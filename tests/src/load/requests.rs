//! Requests of log records like Codex's `codex.tool_result`: encoded once, then only patched, so that
//! making a request costs the generator little more than a copy.

use anyhow::bail;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

/// Start of the generated times: 2026-11-21T00:00:00Z in nanoseconds.
const EPOCH: u64 = 1_795_219_200_000_000_000;
/// Nanoseconds between two records.
const STEP: u64 = 1_000_000;
/// Stands where the session id goes; as long as one.
const SESSION: &str = "SSSSSSSS-SSSS-SSSS-SSSS-SSSSSSSSSSSS";
/// Stands where the call id goes; as long as one.
const CALL: &str = "call_CCCCCCCCCCCCCCCC";

/// One encoded request and where each record's own values stand in it.
#[derive(Debug)]
pub struct Template {
    encoded: Vec<u8>,
    session_records: u64,
    slots: Vec<Slot>,
}

#[derive(Debug)]
struct Slot {
    time: usize,
    session: usize,
    call: usize,
}

impl Template {
    /// A request of `records` records, `session_records` of which make a session.
    ///
    /// # Errors
    /// When either is zero.
    pub fn new(records: usize, session_records: usize) -> anyhow::Result<Self> {
        if records == 0 || session_records == 0 {
            bail!("a request and a session need at least one record");
        }
        let encoded = request(records, session_records).encode_to_vec();
        let find = |needle: &[u8]| -> Vec<usize> {
            encoded
                .windows(needle.len())
                .enumerate()
                .filter_map(|(at, window)| (window == needle).then_some(at))
                .collect()
        };
        let (times, sessions, calls) =
            (find(&EPOCH.to_le_bytes()), find(SESSION.as_bytes()), find(CALL.as_bytes()));
        let slots: Vec<Slot> = times
            .into_iter()
            .zip(sessions)
            .zip(calls)
            .map(|((time, session), call)| Slot { time, session, call })
            .collect();
        if slots.len() != records {
            bail!("{} of {records} records can be patched", slots.len());
        }
        Ok(Self { encoded, session_records: session_records as u64, slots })
    }

    /// Bytes of a request.
    #[must_use]
    pub fn len(&self) -> usize {
        self.encoded.len()
    }

    /// Whether a request has no bytes; it never has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.encoded.is_empty()
    }

    /// The `number`-th request: no record of it is in another.
    #[must_use]
    pub fn request(&self, number: u64) -> Bytes {
        let mut bytes = self.encoded.clone();
        let first = number * self.slots.len() as u64;
        for (record, slot) in (first..).zip(&self.slots) {
            let session = record / self.session_records;
            // Like a version 7 UUID: one sender's ids are near each other, yet not one after another.
            let scattered = session.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let session = format!(
                "{:08x}-{:04x}-7{:03x}-8{:03x}-{:012x}",
                0x01a1_fb00_u64 + (session >> 16),
                session & 0xffff,
                scattered >> 52,
                (scattered >> 40) & 0xfff,
                scattered & 0xffff_ffff_ffff,
            );
            let call = format!("call_{record:016x}");
            patch(&mut bytes, slot.time, &(EPOCH + record * STEP).to_le_bytes());
            patch(&mut bytes, slot.session, session.as_bytes());
            patch(&mut bytes, slot.call, call.as_bytes());
        }
        bytes.into()
    }
}

fn patch(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

fn request(records: usize, session_records: usize) -> ExportLogsServiceRequest {
    let resource = [
        text("env", "lab"),
        text("service.name", "codex_exec"),
        text("telemetry.sdk.name", "opentelemetry"),
        text("telemetry.sdk.language", "rust"),
        text("service.version", "0.169.0"),
        text("telemetry.sdk.version", "0.31.0"),
        text("host.name", "dev-laptop-01"),
    ];
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(Resource { attributes: resource.into(), ..Resource::default() }),
            scope_logs: vec![ScopeLogs {
                scope: Some(InstrumentationScope {
                    name: "codex_otel.log_only".to_owned(),
                    ..InstrumentationScope::default()
                }),
                log_records: (0..records).map(|number| record(number, session_records)).collect(),
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }
}

/// 25 attributes, about 1,460 bytes. Each session counts its results from 1, as one process that has one
/// session does.
fn record(number: usize, session_records: usize) -> LogRecord {
    let listing: String = (0..9)
        .map(|line| {
            format!(
                "drwx------  6 dev dev {:>6} Nov 21 00:03 folder-{line}-{number}\n",
                4096 + line * number
            )
        })
        .collect();
    let attributes = vec![
        text("event.name", "codex.tool_result"),
        int("tool_result_seq", (number % session_records) as i64 + 1),
        text("tool_name", "exec_command"),
        text("tool_namespace", "functions"),
        text("call_id", CALL),
        text("duration_ms", &(100 + number % 97).to_string()),
        text("success", "true"),
        flag("output_truncated", false),
        text("agent_name", "/root"),
        text("arguments", &format!("{{\"cmd\": \"ls -la ./folder-{number} && cat README.md\"}}")),
        text(
            "output",
            &format!(
                "Chunk ID: d11ae6\nWall time: 0.0000 seconds\nProcess exited with code 0\nOriginal token count: 89\nOutput:\n{listing}"
            ),
        ),
        text("mcp_server", ""),
        text("mcp_server_origin", ""),
        text("event.timestamp", "2026-11-21T00:03:07.711Z"),
        text("conversation.id", SESSION),
        text("app.version", "0.169.0"),
        text("originator", "codex_exec"),
        text("terminal.type", "xterm"),
        text("model", "gpt-5.5"),
        text("slug", "gpt-5.5"),
        text("auth_mode", "Chatgpt"),
        text("user.account_id", "acct-0001"),
        text("user.email", "dev@example.com"),
        text("product_sku", "codex"),
        text("env", "lab"),
    ];
    LogRecord {
        observed_time_unix_nano: EPOCH,
        severity_number: 9,
        severity_text: "INFO".to_owned(),
        attributes,
        flags: 1,
        trace_id: vec![0xe6; 16],
        span_id: vec![0x6d; 8],
        event_name: "event otel/src/tool_result.rs:54".to_owned(),
        ..LogRecord::default()
    }
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn int(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn flag(key: &str, value: bool) -> KeyValue {
    attribute(key, Value::BoolValue(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_decode_and_no_record_stands_in_two_of_them() {
        let template = Template::new(10, 4).unwrap();
        let mut calls = std::collections::BTreeSet::new();
        let mut sessions = std::collections::BTreeSet::new();
        for number in 0..3 {
            let request = ExportLogsServiceRequest::decode(template.request(number)).unwrap();
            for record in &request.resource_logs[0].scope_logs[0].log_records {
                calls.insert(record.attributes[4].clone().encode_to_vec());
                sessions.insert(record.attributes[14].clone().encode_to_vec());
            }
        }
        assert_eq!((calls.len(), sessions.len()), (30, 8));
    }
}
