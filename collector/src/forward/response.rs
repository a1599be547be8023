//! What a backend's answer says beside its status. Nothing in it is trusted to be short or well formed.

use std::time::Duration;

use blotter_schemas::otlp::Signal;
use chrono::{DateTime, Utc};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use serde_json::Value;

use crate::rpc::{ProtobufDuration, RETRY_INFO, RetryInfo, Status};

/// Most characters of what a backend says that are kept.
const MESSAGE_LIMIT: usize = 500;

/// Records that were rejected, and what was said about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PartialSuccess {
    pub rejected: u64,
    pub message: String,
}

/// Reads the answer to a request that was taken; one that cannot be read says nothing.
pub(super) fn partial_success(signal: Signal, is_json: bool, body: &[u8]) -> PartialSuccess {
    let read = if is_json { from_json(body) } else { from_protobuf(signal, body) };
    read.map(|(rejected, message)| PartialSuccess {
        rejected: u64::try_from(rejected).unwrap_or(0),
        message: shortened(&message),
    })
    .unwrap_or_default()
}

fn from_protobuf(signal: Signal, body: &[u8]) -> Option<(i64, String)> {
    Some(match signal {
        Signal::Logs => {
            let partial = ExportLogsServiceResponse::decode(body).ok()?.partial_success?;
            (partial.rejected_log_records, partial.error_message)
        }
        Signal::Traces => {
            let partial = ExportTraceServiceResponse::decode(body).ok()?.partial_success?;
            (partial.rejected_spans, partial.error_message)
        }
        Signal::Metrics => {
            let partial = ExportMetricsServiceResponse::decode(body).ok()?.partial_success?;
            (partial.rejected_data_points, partial.error_message)
        }
    })
}

fn from_json(body: &[u8]) -> Option<(i64, String)> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let partial = answer.get("partialSuccess").or_else(|| answer.get("partial_success"))?;
    let names = [
        "rejectedLogRecords",
        "rejectedSpans",
        "rejectedDataPoints",
        "rejected_log_records",
        "rejected_spans",
        "rejected_data_points",
    ];
    let rejected = names.iter().find_map(|name| partial.get(name));
    let rejected = rejected.and_then(|it| it.as_i64().or_else(|| it.as_str()?.parse().ok()));
    let message = partial.get("errorMessage").or_else(|| partial.get("error_message"));
    Some((rejected.unwrap_or(0), message.and_then(Value::as_str).unwrap_or_default().to_owned()))
}

/// The message of a refusal's body: of a `google.rpc.Status`, or the text as it is.
pub(super) fn refusal(content_type: &str, body: &[u8]) -> String {
    if content_type.starts_with("application/x-protobuf")
        && let Ok(status) = Status::decode(body)
    {
        return shortened(&status.message);
    }
    if content_type.starts_with("application/json")
        && let Ok(answer) = serde_json::from_slice::<Value>(body)
        && let Some(message) = answer.get("message").and_then(Value::as_str)
    {
        return shortened(message);
    }
    shortened(&String::from_utf8_lossy(body))
}

/// The pause that a header `Retry-After` asks for: seconds, or a time.
pub(super) fn retry_after(header: &str, now: DateTime<Utc>) -> Option<Duration> {
    let header = header.trim();
    if header.bytes().all(|byte| byte.is_ascii_digit()) {
        return header.parse().ok().map(Duration::from_secs);
    }
    let until = DateTime::parse_from_rfc2822(header).ok()?;
    Some(until.signed_duration_since(now).to_std().unwrap_or_default())
}

/// The pause that the details of a gRPC status ask for.
pub(super) fn retry_info(details: &[u8]) -> Option<Duration> {
    let status = Status::decode(details).ok()?;
    let info = status.details.iter().find(|detail| detail.type_url == RETRY_INFO)?;
    let ProtobufDuration { seconds, nanos } =
        RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay.unwrap_or_default();
    let nanos = u32::try_from(nanos).unwrap_or(0).min(999_999_999);
    Some(Duration::new(u64::try_from(seconds).unwrap_or(0), nanos))
}

/// At most [`MESSAGE_LIMIT`] characters, without control characters.
pub(super) fn shortened(text: &str) -> String {
    let clean = |it: char| if it.is_control() { ' ' } else { it };
    text.trim().chars().take(MESSAGE_LIMIT).map(clean).collect()
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;
    use proptest::prelude::*;

    use super::*;
    use crate::rpc::Any;

    #[test]
    fn rejected_records_are_counted_in_either_encoding() {
        let partial =
            ExportTracePartialSuccess { rejected_spans: 3, error_message: "too old".to_owned() };
        let answer = ExportTraceServiceResponse { partial_success: Some(partial) };
        let expected = PartialSuccess { rejected: 3, message: "too old".to_owned() };
        assert_eq!(partial_success(Signal::Traces, false, &answer.encode_to_vec()), expected);
        for json in [
            r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}"#,
            r#"{"partial_success":{"rejected_spans":3,"error_message":"too old"}}"#,
        ] {
            assert_eq!(partial_success(Signal::Traces, true, json.as_bytes()), expected);
        }
        assert_eq!(partial_success(Signal::Logs, true, b"{}"), PartialSuccess::default());
        assert_eq!(partial_success(Signal::Logs, false, b""), PartialSuccess::default());
    }

    #[test]
    fn both_forms_of_retry_after_are_read() {
        let now = DateTime::parse_from_rfc3339("2026-11-25T10:00:00Z").unwrap().to_utc();
        assert_eq!(retry_after(" 120 ", now), Some(Duration::from_secs(120)));
        let date = retry_after("Wed, 25 Nov 2026 10:00:30 GMT", now);
        assert_eq!(date, Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Wed, 25 Nov 2026 09:00:00 GMT", now), Some(Duration::ZERO));
        for wrong in ["", "soon", "-3", "99999999999999999999999"] {
            assert_eq!(retry_after(wrong, now), None, "{wrong}");
        }
    }

    #[test]
    fn retry_info_is_found_among_the_details() {
        let delay = ProtobufDuration { seconds: 2, nanos: 500_000_000 };
        let info = RetryInfo { retry_delay: Some(delay) };
        let other = Any { type_url: "other".to_owned(), value: vec![1] };
        let info = Any { type_url: RETRY_INFO.to_owned(), value: info.encode_to_vec() };
        let status = Status { code: 14, message: String::new(), details: vec![other, info] };
        assert_eq!(retry_info(&status.encode_to_vec()), Some(Duration::from_millis(2500)));
        let none = Status { code: 14, ..Status::default() };
        assert_eq!(retry_info(&none.encode_to_vec()), None);
    }

    #[test]
    fn messages_are_short_and_of_one_line() {
        assert_eq!(refusal("text/plain", b" no\nway\x1b[31m "), "no way [31m");
        assert_eq!(refusal("application/json", br#"{"code":3,"message":"bad"}"#), "bad");
        assert_eq!(refusal("text/html", "x".repeat(10_000).as_bytes()).len(), MESSAGE_LIMIT);
    }

    proptest! {
        #[test]
        fn no_answer_makes_reading_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..200), text in any::<String>()) {
            for signal in Signal::ALL {
                let _ = (partial_success(signal, true, &bytes), partial_success(signal, false, &bytes));
            }
            let _ = (retry_info(&bytes), retry_after(&text, Utc::now()));
            let _ = (refusal("application/json", &bytes), refusal("application/x-protobuf", &bytes));
        }
    }
}
