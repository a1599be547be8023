//! An agent's session file tells again what its telemetry told: its prompts, answers and messages are put
//! together with those of telemetry, so that each counts once. Calls come together by their ids.

use std::collections::{BTreeMap, BTreeSet};

use blotter_schemas::names::blotter::{EventKind, EventSource};
use blotter_schemas::tables::Event;

use super::pairing::{Report, told};
use super::words::{self, Relation};
use crate::fact::Fact;

/// Furthest that two reports of one thing lie apart where nothing but time says that they are of one turn,
/// in nanoseconds: both are stamped by one clock, one when it happened and one when it was written.
const NEAR_NS: u64 = 2_000_000_000;

/// Whose word a claim of a session file is, and how a statement is marked that it contradicts.
pub(crate) const SESSION_FILE: &str = "the agent's session file";
pub(crate) const OTHERWISE: &str = "the agent's session file says otherwise";

/// Whether a row was made from a line of a session file.
pub(crate) fn from_rollout(row: &Event) -> bool {
    row.source.as_deref() == Some(EventSource::Rollout.as_str())
}

/// Whether a report was made from a line of a session file alone.
pub(crate) fn is_filed(report: &Report<'_>) -> bool {
    report.first().is_some_and(from_rollout)
}

/// Whether a line of a session file only says under what rules and when a turn went on.
pub(crate) fn is_frame(report: &Report<'_>) -> bool {
    match report.kind() {
        EventKind::Profile | EventKind::Config => is_filed(report),
        EventKind::TurnStart => true,
        // Why a turn was cut off is worth telling.
        EventKind::TurnEnd => report.value(|row| row.error_type.as_ref()).is_none(),
        _ => false,
    }
}

/// What telemetry says in a field, else what the session file says: where both say it, each in words of its
/// own.
pub(crate) fn sent_first(
    reports: &[&Report<'_>],
    field: fn(&Event) -> &Option<String>,
    missing: &'static str,
) -> Fact<String> {
    let (filed, sent): (Vec<&Report<'_>>, Vec<&Report<'_>>) =
        reports.iter().copied().partition(|report| is_filed(report));
    let fact = told(&sent, |row| field(row).clone(), missing);
    if fact.is_known() { fact } else { told(&filed, |row| field(row).clone(), missing) }
}

/// Puts the rows of a session file to the reports of telemetry that tell the same. The reports are, and
/// stay, in order of time.
pub(crate) fn merge(reports: Vec<Report<'_>>) -> Vec<Report<'_>> {
    if !reports.iter().any(is_filed) || reports.iter().all(is_filed) {
        return reports;
    }
    let turns = Turns::new(&reports);
    let mut merged: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut gone: BTreeSet<usize> = BTreeSet::new();
    for kind in [EventKind::Prompt, EventKind::Response, EventKind::AgentMessage] {
        let of_kind = |filed: bool| -> Vec<usize> {
            let reports = reports.iter().enumerate();
            let wanted = reports.filter(|(_, it)| it.kind() == kind && is_filed(it) == filed);
            wanted.map(|(index, _)| index).collect()
        };
        for (sent, filed) in pairs(&reports, &turns, kind, of_kind(false), of_kind(true)) {
            merged.entry(sent).or_default().push(filed);
            gone.insert(filed);
        }
    }
    let rows: BTreeMap<usize, Vec<&Event>> = merged
        .into_iter()
        .map(|(sent, filed)| {
            let rows = filed.into_iter().filter_map(|filed| reports.get(filed));
            (sent, rows.flat_map(|report| report.rows.iter().copied()).collect())
        })
        .collect();
    let mut out = Vec::with_capacity(reports.len());
    for (index, mut report) in reports.into_iter().enumerate() {
        if gone.contains(&index) {
            continue;
        }
        report.rows.extend(rows.get(&index).into_iter().flatten());
        out.push(report);
    }
    out
}

/// Where the turns of a session file are in telemetry.
struct Turns {
    /// The trace of a turn.
    traces: BTreeMap<String, String>,
}

/// Whether two reports are of one turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Same,
    Another,
    /// Nothing says so but the time between them, in nanoseconds.
    Apart(u64),
}

impl Turns {
    fn new(reports: &[Report<'_>]) -> Self {
        let starts = reports.iter().filter(|report| report.kind() == EventKind::TurnStart);
        let trace = |report: &Report<'_>| {
            Some((report.text(|row| &row.turn_id)?, report.text(|row| &row.trace_id)?))
        };
        Self { traces: starts.filter_map(trace).collect() }
    }

    fn place(&self, sent: &Report<'_>, filed: &Report<'_>) -> Place {
        let apart = Place::Apart(sent.time().abs_diff(filed.time()));
        let Some(turn) = filed.text(|row| &row.turn_id) else { return apart };
        let same = |same: bool| if same { Place::Same } else { Place::Another };
        if let Some(named) = sent.text(|row| &row.turn_id) {
            return same(named == turn);
        }
        let traces = self.traces.get(&turn).zip(sent.text(|row| &row.trace_id));
        match traces {
            // A trace that no turn of the file has says nothing.
            Some((own, trace)) if own == &trace || self.traces.values().any(|it| it == &trace) => {
                same(own == &trace)
            }
            _ => apart,
        }
    }
}

/// How sure it is that two reports tell the same, the surest first.
const PASSES: [fn(EventKind, Place, Relation) -> bool; 4] = [
    |_, place, words| place == Place::Same && words != Relation::Different,
    |_, place, words| near(place) && words != Relation::Different,
    // The prompt that began a turn is one, whatever words are put into the user's mouth.
    |kind, place, _| kind == EventKind::Prompt && place == Place::Same,
    |kind, place, _| kind == EventKind::Prompt && near(place),
];

fn near(place: Place) -> bool {
    matches!(place, Place::Apart(time) if time <= NEAR_NS)
}

/// The reports of telemetry and of the file that tell the same, each at most once, in order.
fn pairs(
    reports: &[Report<'_>],
    turns: &Turns,
    kind: EventKind,
    sent: Vec<usize>,
    filed: Vec<usize>,
) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let (mut sent, mut filed) = (sent, filed);
    for pass in PASSES {
        filed.retain(|file| {
            let Some(of_file) = reports.get(*file) else { return true };
            let fits = |index: &usize| {
                reports.get(*index).is_some_and(|of_sent| {
                    if kind == EventKind::AgentMessage {
                        return same_receiver(of_sent, of_file);
                    }
                    pass(kind, turns.place(of_sent, of_file), relation(of_sent, of_file))
                })
            };
            let Some(found) = sent.iter().position(fits) else { return true };
            pairs.push((sent.remove(found), *file));
            false
        });
    }
    pairs
}

fn same_receiver(sent: &Report<'_>, filed: &Report<'_>) -> bool {
    let receiver = sent.text(|row| &row.receiver_session_id);
    receiver.is_some() && receiver == filed.text(|row| &row.receiver_session_id)
}

/// How the words of two reports stand to each other; words that are not there say nothing else.
fn relation(sent: &Report<'_>, filed: &Report<'_>) -> Relation {
    match (sent.text(|row| &row.text), filed.text(|row| &row.text)) {
        (Some(sent), Some(filed)) => words::relation(&sent, &filed),
        _ => Relation::Covered,
    }
}
