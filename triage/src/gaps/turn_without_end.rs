//! A turn in which the model had no last word.

use blotter_schemas::names::blotter::{EventKind, EventSource};

use super::Rule;
use crate::ledger::Ledger;
use crate::receipt::tokens::Outcome;
use crate::reconstruct::findings::{Finding, Severity};
use crate::reconstruct::model::{Call, Entry, Turn};
use crate::trail::{Trail, end};

pub(super) const RULE: Rule = Rule {
    name: "turn_without_end",
    severity: Severity::Medium,
    finds: "A turn ends with a call, or with its prompt: no request to the model, answer, error or end \
            followed, although the agent reports requests.",
    false_positive: "The agent was ended in the middle of a turn, or before it sent its last batch.",
    find,
};

fn find(trail: &Trail<'_>, _: &Ledger) -> Vec<Finding> {
    if !reports_requests(trail) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let last = trail.session.turns.last().map(|turn| turn.number);
    for turn in &trail.session.turns {
        if (trail.open && Some(turn.number) == last) || ended_by_a_person(trail, turn) {
            continue;
        }
        let number = turn.number;
        let words = last_word(trail, turn);
        let calls = trail.calls_of(turn).filter(|(call, _)| call.within.is_none());
        let last_call = calls.max_by_key(|(call, _)| (over(call), call.number));
        let finding = match last_call {
            // Records of one moment need not come in order.
            Some((call, receipt)) if words.is_none_or(|words| words < call.time_unix_nano) => {
                let summary =
                    format!("turn {number} ends with {}, and nothing followed it", receipt.address);
                RULE.about(trail, call, receipt, summary)
            }
            None if words.is_none() && turn.prompted_unix_nano.is_known() => {
                let summary = format!("turn {number} has a prompt, and nothing followed it");
                RULE.finding(trail, summary, turn.prompted_unix_nano.events.clone())
            }
            _ => continue,
        };
        findings.push(finding);
    }
    findings
}

/// Whether the agent tells of its requests to the model, without a setting or with one that is made.
fn reports_requests(trail: &Trail<'_>) -> bool {
    let kinds = [EventKind::ApiRequest, EventKind::Usage];
    trail.coverage.is_some_and(|coverage| {
        let declared = coverage.events.iter().filter(|event| kinds.contains(&event.kind));
        declared.into_iter().any(|event| {
            trail.arrived(event.source)
                && (event.setting.is_none()
                    || trail.rows_of(event.kind, event.source).next().is_some())
        })
    })
}

/// A turn ends where a person ends it.
fn ended_by_a_person(trail: &Trail<'_>, turn: &Turn) -> bool {
    let ends = [Outcome::Cancelled, Outcome::Interrupted];
    trail
        .calls_of(turn)
        .any(|(_, receipt)| receipt.outcome.value.is_some_and(|it| ends.contains(&it)))
}

/// When a call was over, as far as records tell.
fn over(call: &Call) -> i64 {
    let result = call.result.as_ref().map(|result| result.time_unix_nano);
    let decided = call.decisions.iter().map(|decision| decision.time_unix_nano);
    result.into_iter().chain(decided).chain([call.time_unix_nano]).max().unwrap_or(0)
}

/// The last moment at which the model, an error or the end of the session is told of.
fn last_word(trail: &Trail<'_>, turn: &Turn) -> Option<i64> {
    let usage = &turn.usage;
    let notes = turn.entries.iter().filter_map(|entry| match entry {
        Entry::Note(note) => Some(note),
        Entry::Call(_) => None,
    });
    let telling =
        [EventKind::Response, EventKind::ApiError, EventKind::Error, EventKind::SessionEnd];
    let notes = notes.filter(|note| {
        EventKind::from_value(&note.kind).is_some_and(|kind| telling.contains(&kind))
    });
    let id = turn.turn_id.value.as_ref();
    let filed = trail.rows_of(EventKind::TurnEnd, EventSource::Rollout);
    let filed = filed.filter(|row| id.is_some() && row.turn_id.as_ref() == id).filter_map(end);
    let events = turn.requests.events.iter();
    let events = events.chain(&usage.input.events).chain(&usage.output.events);
    let events = events.chain(notes.flat_map(|note| &note.events));
    events.filter_map(|id| trail.row(id)).filter_map(end).chain(filed).max()
}
