//! Lines of OpenCode's log.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::dialects::{body, json, set_kind};
use crate::names::blotter::EventKind;
use crate::tables::Event;

/// A permission was compared with the rules.
const EVALUATED: &str = "evaluated";
/// Something was created; a session where its id says so.
const CREATED: &str = "created";
/// What a rule says of what it matches.
const ACTION: &str = "action";
const SESSION_PREFIX: &str = "ses_";

/// What the data of a line can say. Lines of different messages use the same words for different things.
#[derive(Deserialize)]
struct Data {
    #[serde(rename = "session.id", alias = "sessionID")]
    session_id: Option<Json>,
    id: Option<Json>,
    #[serde(rename = "parentID")]
    parent_id: Option<Json>,
    permission: Option<Json>,
    pattern: Option<Json>,
    action: Option<Json>,
    #[serde(rename = "providerID")]
    provider: Option<Json>,
    #[serde(rename = "modelID")]
    model: Option<Json>,
    agent: Option<Json>,
}

fn words(value: Option<Json>) -> Option<String> {
    match value? {
        Json::String(words) if !words.is_empty() => Some(words),
        _ => None,
    }
}

/// Fills the columns of a log line's event.
pub(super) fn log(record: &LogRecord, event: &mut Event) {
    let failed = record.severity_number >= SeverityNumber::Error as i32;
    set_kind(event, if failed { EventKind::Error } else { EventKind::Other });
    let Some((message, data)) = line(record) else {
        event.text = body(record);
        return;
    };
    event.name = Some(message.to_owned());
    event.text = Some(data.to_owned());
    let Some(data) = read(data) else { return };
    event.session_id = event.session_id.take().or_else(|| words(data.session_id));
    event.provider = words(data.provider);
    event.model = words(data.model);
    event.detail = words(data.agent);
    let id = words(data.id);
    match message {
        EVALUATED => {
            event.detail = words(data.permission);
            event.arguments = words(data.pattern);
            event.decision_reason = data.action.as_ref().map(Json::to_string);
            // The rule that matched, or what it says alone.
            event.decision =
                data.action.and_then(|rule| words(rule.get(ACTION).cloned().or(Some(rule))));
            set_kind(event, EventKind::Decision);
        }
        CREATED if id.as_deref().is_some_and(|id| id.starts_with(SESSION_PREFIX)) => {
            event.session_id = id;
            event.parent_session_id = words(data.parent_id);
            set_kind(event, EventKind::SessionStart);
        }
        _ => {}
    }
}

/// The message of a line and its data, where the body is an array of the two.
fn line(record: &LogRecord) -> Option<(&str, &str)> {
    let Value::ArrayValue(array) = record.body.as_ref()?.value.as_ref()? else { return None };
    let [message, data] = array.values.as_slice() else { return None };
    match (message.value.as_ref()?, data.value.as_ref()?) {
        (Value::StringValue(message), Value::StringValue(data)) => Some((message, data)),
        _ => None,
    }
}

/// The data of a line. It is JSON, but for the word `undefined` where JavaScript has no value.
fn read(data: &str) -> Option<Data> {
    json::read(data).or_else(|| json::read(&data.replace(":undefined", ":null")))
}
