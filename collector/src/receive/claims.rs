//! What only the collector may say: a sender that says it gets its words back under another name.

use blotter_redaction::CLAIMED;
use blotter_schemas::names::opentelemetry as otel;
use blotter_schemas::otlp::Request;
use memchr::memmem;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;

use super::edit::{self, Changes, Edit};

/// What everything is called that is the collector's own: its service and its scope to the letter, its
/// attributes, events and metrics with a dot and more behind it.
pub(super) const OURS: &str = "blotter.collector";
/// What is put before such a name that a sender used.
const MARK: &str = "claimed.";
/// What is counted of them beside what was redacted.
pub(super) const RULE: &str = CLAIMED;

/// Whether Protobuf bytes may hold such a name.
pub(super) fn may_be_in(body: &[u8]) -> bool {
    memmem::find(body, OURS.as_bytes()).is_some()
}

/// Renames whatever a sender says under the collector's own names.
pub(super) fn rename(request: &mut Request) -> Changes {
    edit::edit(request, &mut Claims)
}

struct Claims;

impl Edit for Claims {
    fn attribute(&mut self, attribute: &mut KeyValue) -> u64 {
        let mut changes = mark(&mut attribute.key);
        if [otel::EVENT_NAME, otel::SERVICE_NAME].contains(&attribute.key.as_str())
            && let Some(Value::StringValue(name)) =
                attribute.value.as_mut().and_then(|any| any.value.as_mut())
        {
            changes += mark(name);
        }
        changes
    }

    fn name(&mut self, name: &mut String) -> u64 {
        mark(name)
    }

    fn text(&mut self, _: &mut String) -> u64 {
        0
    }

    fn bytes(&mut self, _: &mut Vec<u8>) -> u64 {
        0
    }
}

fn mark(name: &mut String) -> u64 {
    if name.starts_with(OURS) {
        name.insert_str(0, MARK);
        1
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blotter_schemas::otlp::{Encoding, Signal};
    use serde_json::json;

    /// The request of a sender that puts on every name there is, and how often each is counted.
    fn renamed(signal: Signal, body: &serde_json::Value) -> (String, Changes) {
        let body = serde_json::to_vec(body).unwrap();
        let mut request = Request::decode(signal, Encoding::Json, &body).unwrap();
        let encoded = request.encode();
        assert!(may_be_in(&encoded), "what may be renamed must be looked for");
        let changes = rename(&mut request);
        (format!("{request:?}"), changes)
    }

    /// How often the name stands in a text with a mark, and without one.
    fn counted(text: &str) -> (usize, usize) {
        let marked = text.matches("claimed.blotter.collector").count();
        (marked, text.matches(OURS).count() - marked)
    }

    fn text(key: &str, value: &str) -> serde_json::Value {
        json!({"key": key, "value": {"stringValue": value}})
    }

    #[test]
    fn no_name_of_ours_is_left_without_a_mark_in_any_place_where_names_stand() {
        let ours = "blotter.collector.access.refused";
        let map = json!({"kvlistValue": {"values": [
            {"key": ours, "value": {"kvlistValue": {"values": [text(ours, "x")]}}},
            {"key": "list", "value": {"arrayValue": {"values": [{"kvlistValue": {"values": [text(ours, "x")]}}]}}},
        ]}});
        let attributes =
            json!([text(ours, "x"), text("event.name", ours), {"key": "m", "value": map}]);
        let resource = json!({"attributes": [text("service.name", "blotter.collector")]});
        let scope = json!({"name": "blotter.collector", "attributes": [text(ours, "x")]});
        let (logs, changes) = renamed(
            Signal::Logs,
            &json!({"resourceLogs": [{
                "resource": resource, "scopeLogs": [{"scope": scope, "logRecords": [
                    {"eventName": ours, "body": map, "attributes": attributes},
                ]}],
            }]}),
        );
        assert_eq!(counted(&logs), (12, 0), "{logs}");
        assert_eq!(changes, Changes { records: vec![12], total: 12 });
        let (spans, _) = renamed(
            Signal::Traces,
            &json!({"resourceSpans": [{
                "resource": resource, "scopeSpans": [{"scope": scope, "spans": [{
                    "name": ours, "attributes": attributes,
                    "events": [{"name": ours, "attributes": attributes}],
                    "links": [{"attributes": attributes}],
                }]}],
            }]}),
        );
        assert_eq!(counted(&spans), (20, 0), "{spans}");
        let (metrics, _) = renamed(
            Signal::Metrics,
            &json!({"resourceMetrics": [{
                "resource": resource, "scopeMetrics": [{"scope": scope, "metrics": [{
                    "name": "blotter.collector.events", "metadata": attributes,
                    "gauge": {"dataPoints": [{"asInt": "7", "attributes": attributes}]},
                }]}],
            }]}),
        );
        assert_eq!(counted(&metrics), (14, 0), "{metrics}");
    }

    #[test]
    fn what_a_sender_says_of_us_in_a_text_stays_as_it_is() {
        let said = "the attribute blotter.collector.id is blotter.collector's";
        let (logs, changes) = renamed(
            Signal::Logs,
            &json!({"resourceLogs": [{
                "resource": {"attributes": [text("service.name", "my.blotter.collector")]},
                "scopeLogs": [{"logRecords": [{"body": {"stringValue": OURS}, "attributes": [text("a", said)]}]}],
            }]}),
        );
        assert!(changes.is_empty() && counted(&logs).0 == 0, "{logs}");
    }
}
