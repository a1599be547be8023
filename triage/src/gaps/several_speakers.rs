//! Who speaks for a session when more than one does. An import is the word of its files, and whoever
//! imports writes into the archive anyway: it is a speaker, but no contradiction.

use std::collections::BTreeSet;

use super::Rule;
use crate::ledger::Ledger;
use crate::reconstruct::Session;
use crate::reconstruct::findings::{Finding, Severity};
use crate::reconstruct::speakers::Speaker;
use crate::trail::Trail;

/// Name of the rule.
pub const SEVERAL_SPEAKERS: &str = "several_speakers";

pub(super) const RULE: Rule = Rule {
    name: SEVERAL_SPEAKERS,
    severity: Severity::High,
    finds: "Records of one session came from more than one process or user; medium where one spoke after \
            the other.",
    false_positive: "A session that was resumed; an agent that exports from several processes or \
                     machines; a forwarder beside it.",
    find: |trail: &Trail<'_>, _: &Ledger| of(trail.session).into_iter().collect(),
};

/// Rows of each speaker that prove it.
const EVENTS: usize = 16;

pub(super) fn of(session: &Session) -> Option<Finding> {
    let received: Vec<&Speaker> =
        session.speakers.iter().filter(|speaker| !speaker.kind.is_of_files()).collect();
    if received.len() < 2 {
        return None;
    }
    let distinct = |what: fn(&Speaker) -> Option<String>| {
        received.iter().map(|speaker| what(speaker)).collect::<BTreeSet<_>>().len() > 1
    };
    let users = distinct(|speaker| speaker.sender.clone())
        || distinct(|speaker| speaker.uid.map(|uid| uid.to_string()));
    let numbers = received.iter().map(|speaker| speaker.number).collect();
    let events = received.iter().flat_map(|speaker| speaker.events.iter().take(EVENTS));
    let events = events.copied().collect();
    let what = if users { "senders" } else { "processes of one user" };
    let count = received.len();

    // An agent may send what happened in the middle only at its end: both clocks are asked.
    let arrivals = |it: &Speaker| (it.first_received_unix_micro, it.last_received_unix_micro);
    let times = |it: &Speaker| (it.first_time_unix_nano, it.last_time_unix_nano);
    let mixed = overlap(received.iter().map(|it| arrivals(it)))
        || overlap(received.iter().map(|it| times(it)));
    let (severity, order, false_positive) = if mixed {
        (
            Severity::High,
            "their records among each other's",
            "an agent that exports from several processes at a time, or from several machines, or a \
             forwarder beside it",
        )
    } else {
        (
            Severity::Medium,
            "one after the other",
            "a session that was resumed is told by a second process of its agent, after the first",
        )
    };
    Some(Finding {
        rule: SEVERAL_SPEAKERS,
        severity,
        session_id: session.session_id.clone(),
        tenant: session.tenant.clone(),
        summary: format!("{count} {what} claim this session, {order}"),
        false_positive: false_positive.to_owned(),
        calls: Vec::new(),
        speakers: numbers,
        events,
    })
}

/// Whether one of these stretches of time begins before another that began earlier is over.
fn overlap(stretches: impl Iterator<Item = (Option<i64>, Option<i64>)>) -> bool {
    let mut stretches: Vec<_> = stretches.collect();
    stretches.sort_unstable();
    let mut until = None;
    stretches.into_iter().any(|(first, last)| {
        let within = until.is_some_and(|until| first <= until);
        until = until.max(Some(last));
        within
    })
}
