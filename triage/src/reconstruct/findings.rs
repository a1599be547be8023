//! What is wrong with a trail as a whole.

use std::collections::BTreeSet;

use serde::Serialize;

use super::speakers::{Speaker, SpeakerKind};
use crate::fact::EventId;

/// Rule: records of one session came from more than one speaker.
pub const SEVERAL_SPEAKERS: &str = "several_speakers";

/// Rows of each speaker that prove it.
const EVENTS: usize = 16;

/// What a rule concluded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the rule.
    pub rule: &'static str,
    /// What was found.
    pub summary: String,
    /// When the same is found although nothing is wrong.
    pub false_positive: String,
    /// Speakers it is about, by their numbers.
    pub speakers: Vec<usize>,
    /// Rows that prove it: the first of each speaker.
    pub events: Vec<EventId>,
}

/// Who speaks for a session when more than one does. An import is the word of its files, and whoever
/// imports writes into the archive anyway: it is a speaker, but no contradiction.
pub(crate) fn several_speakers(speakers: &[Speaker]) -> Option<Finding> {
    let received: Vec<&Speaker> =
        speakers.iter().filter(|speaker| speaker.kind != SpeakerKind::Import).collect();
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
    let (order, false_positive) = if mixed {
        (
            "their records among each other's",
            "an agent that exports from several processes at a time, or from several machines, or a \
             forwarder beside it",
        )
    } else {
        (
            "one after the other",
            "a session that was resumed is told by a second process of its agent, after the first",
        )
    };
    Some(Finding {
        rule: SEVERAL_SPEAKERS,
        summary: format!("{count} {what} claim this session, {order}"),
        false_positive: false_positive.to_owned(),
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
