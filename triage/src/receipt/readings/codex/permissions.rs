//! Runtime permission requests: the tool `request_permissions`, whose output is the answer
//! (`codex-rs/protocol/src/request_permissions.rs`).

use serde_json::{Map, Value};

use crate::fact::{EventId, Fact};
use crate::receipt::model::GrantScope;
use crate::receipt::readings::{Given, Verdict};
use crate::receipt::tokens::{DecidedBy, Decision};
use crate::reconstruct::model::{Call, Note};

/// The tool.
const TOOL: &str = "request_permissions";
/// Longest answer that is taken apart, in bytes.
const LIMIT: usize = 1 << 20;

/// The answer to a request.
pub(super) struct Answer {
    /// Whether anything was granted.
    pub any: bool,
    scope: GrantScope,
    granted: Map<String, Value>,
    time_unix_nano: i64,
    events: Vec<EventId>,
}

impl Answer {
    /// What it grants.
    pub(super) fn given(self) -> Given {
        Given {
            scope: self.scope,
            what: Value::Object(self.granted).to_string(),
            time_unix_nano: self.time_unix_nano,
            events: self.events,
        }
    }
}

/// Whether the call is such a request.
pub(super) fn is_a_request(call: &Call) -> bool {
    call.tool.value.as_deref() == Some(TOOL)
}

/// The answer to the request that this call is, where its output tells it whole.
pub(super) fn answer(call: &Call) -> Option<Answer> {
    let result = call.result.as_ref().filter(|_| is_a_request(call))?;
    let text = result.output.value.as_deref().filter(|text| text.len() <= LIMIT)?;
    let answer: Value = serde_json::from_str(text).ok()?;
    let permissions = answer.get("permissions")?.as_object()?;
    let scope = match answer.get("scope")?.as_str()? {
        "turn" => GrantScope::Turn,
        "session" => GrantScope::Session,
        _ => return None,
    };
    let granted: Map<String, Value> = permissions
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Some(Answer {
        any: !granted.is_empty(),
        scope,
        granted,
        time_unix_nano: result.time_unix_nano,
        events: result.output.events.clone(),
    })
}

/// What was decided about the request; `answered` is the record that somebody answered it.
pub(super) fn verdict(answer: &Answer, answered: Option<&Note>) -> Verdict {
    let (decision, why) = if answer.any {
        (Decision::Allow, "the answer grants permissions")
    } else {
        (Decision::Deny, "the answer grants nothing")
    };
    Verdict {
        decision: Fact::inferred(decision, why, answer.events.clone()),
        decided_by: match answered {
            Some(note) => Fact::inferred(
                DecidedBy::User,
                "an answer to the request was taken in",
                note.events.clone(),
            ),
            None => Fact::missing("no record tells who answered the request")
                .or_unknown(DecidedBy::Unknown),
        },
    }
}
