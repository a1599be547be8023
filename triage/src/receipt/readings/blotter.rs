//! An agent that was instrumented for Blotter: its records are in the words of a receipt already.
//!
//! It states what became of a call. Where a call's start was recorded and no end came, although nothing more
//! can come, the call was cut off: the record of the start is durable before the tool may act, and the end
//! is recorded on every way out of the program but a sudden one.

use blotter_schemas::names::blotter::EventName;

use super::{Given, Reading, Verdict};
use crate::fact::{EventId, Fact};
use crate::receipt::circumstances::Circumstances;
use crate::receipt::model::GrantScope;
use crate::receipt::tokens::{DecidedBy, Decision, Executed, Outcome};
use crate::reconstruct::model::Call;

/// The reading.
pub(crate) struct Blotter;

/// What the detail of a call's record says of whether its tool began to act.
const EXECUTED: &str = "executed";
const NOT_EXECUTED: &str = "not_executed";
/// How long a permission holds that outlives its call.
const TURN: &str = "turn";
const SESSION: &str = "session";

impl Reading for Blotter {
    fn decision(&self, word: &str) -> Option<Decision> {
        Decision::ALL.iter().copied().find(|token| token.as_str() == word)
    }

    fn decided_by(&self, word: &str) -> Option<DecidedBy> {
        DecidedBy::ALL.iter().copied().find(|token| token.as_str() == word)
    }

    fn executed(&self, call: &Call, _around: &Circumstances<'_>) -> Option<Fact<Executed>> {
        let stated = |word: &str, token| {
            let says = |detail: &Option<String>| detail.as_deref() == Some(word);
            let stages = call.stages.iter().filter(|stage| says(&stage.detail));
            let events: Vec<EventId> =
                stages.flat_map(|stage| stage.events.iter().copied()).collect();
            (!events.is_empty()).then(|| Fact::observed(token, events))
        };
        stated(EXECUTED, Executed::Yes).or_else(|| stated(NOT_EXECUTED, Executed::No))
    }

    fn stated_outcome(&self, call: &Call) -> Option<Fact<Outcome>> {
        let result = call.result.as_ref()?;
        let word = result.detail.value.as_deref()?;
        let outcome = Outcome::ALL.iter().copied().find(|token| token.as_str() == word)?;
        // An exit code says more than the word of whoever wrote the agent.
        let other = outcome == Outcome::Succeeded && result.exit_code.value.unwrap_or(0) != 0;
        (!other).then(|| Fact::observed(outcome, result.detail.events.clone()))
    }

    fn interrupted(
        &self,
        call: &Call,
        _verdict: &Verdict,
        around: &Circumstances<'_>,
    ) -> Option<Fact<()>> {
        if call.result.is_some() || around.open {
            return None;
        }
        let is_start =
            |name: &Option<String>| name.as_deref() == Some(EventName::CallStarted.as_str());
        let start = call.stages.iter().find(|stage| is_start(&stage.name))?;
        let why = "its start was recorded, and no end followed";
        Some(Fact::inferred((), why, start.events.clone()))
    }

    fn planned(&self, call: &Call) -> Option<Fact<String>> {
        call.justification.is_known().then(|| call.justification.clone())
    }

    fn given(&self, call: &Call) -> Vec<Given> {
        let granted = call.reviews.iter().filter(|note| {
            note.name.value.as_deref() == Some(EventName::PermissionGranted.as_str())
        });
        granted
            .filter_map(|note| {
                let scope = match note.detail.value.as_deref()? {
                    TURN => GrantScope::Turn,
                    SESSION => GrantScope::Session,
                    _ => return None,
                };
                Some(Given {
                    scope,
                    what: note.text.value.clone().unwrap_or_default(),
                    time_unix_nano: note.time_unix_nano,
                    events: note.events.clone(),
                })
            })
            .collect()
    }

    fn grants_are_stated(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use blotter_schemas::names::blotter::{EventKind, EventName};
    use blotter_schemas::tables::Event;

    use crate::receipt::readings::rows::{all, log, span, text, told};

    const AGENT: &str = "blotter";

    fn started() -> Event {
        Event { name: text(EventName::CallStarted.as_str()), ..log(AGENT, EventKind::Call) }
    }

    fn decided(word: &str, by: &str) -> Event {
        let (decision, decision_source) = (text(word), text(by));
        Event { decision, decision_source, ..log(AGENT, EventKind::Decision) }
    }

    fn ended(outcome: &str, executed: &str) -> [Event; 2] {
        [
            Event { detail: text(executed), ..span(AGENT, EventKind::Call) },
            Event { detail: text(outcome), ..span(AGENT, EventKind::Result) },
        ]
    }

    #[test]
    fn what_it_states_is_taken_as_it_stands() {
        let [call, result] = ended("succeeded", "executed");
        let rows = [started(), decided("allow", "user"), call, result];
        assert_eq!(told(&rows), ["allow user yes succeeded"]);
        let [call, result] = ended("refused", "not_executed");
        let rows = [started(), decided("deny", "reviewer"), call, result];
        assert_eq!(told(&rows), ["deny reviewer no refused"]);
    }

    #[test]
    fn a_start_without_an_end_was_cut_off() {
        assert_eq!(told(&[started()]), ["- unknown unknown interrupted"]);
        let began = Event { detail: text("executed"), ..log(AGENT, EventKind::Call) };
        let rows = [started(), decided("allow", "config"), began];
        assert_eq!(told(&rows), ["allow config yes interrupted"]);
    }

    #[test]
    fn success_with_an_exit_code_is_no_success() {
        let [call, result] = ended("succeeded", "executed");
        let rows = [started(), call, Event { exit_code: Some(3), ..result }];
        assert_eq!(told(&rows), ["allow unknown yes failed"]);
    }

    #[test]
    fn a_grant_for_the_session_holds_in_the_next_call() {
        let grant = Event {
            name: text(EventName::PermissionGranted.as_str()),
            detail: text("session"),
            text: text("network"),
            ..log(AGENT, EventKind::Grant)
        };
        let next = Event { call_id: text("d"), ..started() };
        let receipts = all(&[started(), grant, next]);
        assert_eq!(receipts[0].grants.value, None);
        let granted = receipts[1].grants.value.clone().unwrap();
        assert_eq!((granted.len(), granted[0].what.as_str()), (1, "network"));
    }
}
