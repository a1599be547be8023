//! What only the collector may say: a sender that says it gets its words back under another name.

use blotter_redaction::CLAIMED;
use blotter_schemas::names::opentelemetry as otel;
use blotter_schemas::otlp::Request;
use memchr::memmem;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;

use super::edit::{self, Changes, Edit};

/// How the names of attributes and events begin that are the collector's own.
pub(super) const OURS: &str = "blotter.collector.";
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
        if attribute.key == otel::EVENT_NAME
            && let Some(Value::StringValue(name)) =
                attribute.value.as_mut().and_then(|any| any.value.as_mut())
        {
            changes += mark(name);
        }
        changes
    }

    fn event_name(&mut self, name: &mut String) -> u64 {
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
