//! Numbers that a sender counts its records with: which of them did not come.

use std::collections::{BTreeMap, BTreeSet};

use blotter_schemas::names::blotter::EventSource;
use blotter_schemas::names::{blotter, claude_code, codex};
use blotter_schemas::tables::Event;

use super::{Family, from};
use crate::fact::EventId;
use crate::reconstruct::speakers::Speakers;

/// What an agent counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counter {
    /// Dialect of its records.
    pub dialect: &'static str,
    /// The attribute that holds the number.
    pub attribute: &'static str,
    /// What is counted, for people.
    pub counts: &'static str,
    /// Within what numbers follow one another.
    pub scope: Scope,
    /// The first number.
    pub first: i64,
}

/// Within what numbers follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The records of one session that one process sends.
    Session,
    /// All records of a process, of whatever session.
    Process,
}

/// Every counter that is known.
const COUNTERS: [Counter; 3] = [
    Counter {
        dialect: "blotter",
        attribute: blotter::BLOTTER_RECORD_SEQUENCE,
        counts: "log records",
        scope: Scope::Session,
        first: 1,
    },
    Counter {
        dialect: "claude_code",
        attribute: claude_code::EVENT_SEQUENCE,
        counts: "log records",
        scope: Scope::Session,
        first: 0,
    },
    Counter {
        dialect: "codex",
        attribute: codex::TOOL_RESULT_SEQ,
        counts: "results of tools",
        scope: Scope::Process,
        first: 1,
    },
];

impl Counter {
    /// The counter of the agent of this dialect.
    pub(crate) fn of(dialect: &str) -> Option<&'static Self> {
        COUNTERS.iter().find(|counter| counter.dialect == dialect)
    }
}

/// How far times may be out of the order of numbers, in nanoseconds.
const FILL_TOLERANCE_NS: i64 = 50_000_000;
/// Most ranges of numbers that are listed.
const RANGES_LIMIT: usize = 64;

/// The numbers that one speaker's records carry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Rows by number: log records first.
    seen: BTreeMap<i64, Vec<Numbered>>,
}

/// A row that carries a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Numbered {
    id: EventId,
    log: bool,
    time: Option<i64>,
}

impl Numbers {
    pub(crate) fn add(&mut self, row: &Event) {
        if let Some(number) = number(row) {
            self.put(number, row);
        }
    }

    fn put(&mut self, number: i64, row: &Event) {
        let log = from(row, EventSource::OtlpLog);
        let time = row.time_unix_nano;
        self.seen.entry(number).or_default().push(Numbered {
            id: EventId(row.event_id),
            log,
            time,
        });
    }

    /// Adds rows of other sessions whose times lie between those of the numbers before and after theirs: a
    /// process counts as time goes on, and the same number of another process lies elsewhere.
    fn fill(&mut self, rows: &[&Event]) {
        let fits = |row: &&&Event| {
            let Some((number, time)) = number(row).zip(row.time_unix_nano) else { return false };
            let before = self.seen.range(..number).next_back();
            let after = self.seen.range(number..).next();
            let time_of = |rows: Option<(&i64, &Vec<Numbered>)>| {
                rows.and_then(|(_, rows)| rows.first()).and_then(|row| row.time)
            };
            time_of(before).is_none_or(|before| before.saturating_sub(FILL_TOLERANCE_NS) <= time)
                && time_of(after)
                    .is_none_or(|after| time <= after.saturating_add(FILL_TOLERANCE_NS))
        };
        let fitting: Vec<&Event> = rows.iter().filter(fits).copied().collect();
        for row in fitting {
            self.add(row);
        }
    }

    /// Lowest and highest number.
    pub(crate) fn ends(&self) -> Option<(i64, i64)> {
        Some((*self.seen.first_key_value()?.0, *self.seen.last_key_value()?.0))
    }

    /// How many different numbers came.
    pub(crate) fn count(&self) -> usize {
        self.seen.len()
    }

    /// Ranges of numbers, both ends included, from `first` to the highest, that no record carries.
    pub(crate) fn missing(&self, first: i64) -> Vec<(i64, i64)> {
        let mut ranges = Vec::new();
        let mut next = first;
        for number in self.seen.keys().copied().filter(|number| *number >= first) {
            if number > next && ranges.len() < RANGES_LIMIT {
                ranges.push((next, number.saturating_sub(1)));
            }
            next = number.saturating_add(1);
        }
        ranges
    }

    /// Numbers whose log record did not come, although its copy on a span did.
    pub(crate) fn without_log(&self) -> Vec<i64> {
        let alone = |(number, rows): (&i64, &Vec<Numbered>)| {
            (!rows.iter().any(|row| row.log)).then_some(*number)
        };
        self.seen.iter().filter_map(alone).take(RANGES_LIMIT).collect()
    }

    /// Rows with the numbers right before and after a range.
    pub(crate) fn around(&self, (from, to): (i64, i64)) -> Vec<EventId> {
        let before = self.seen.range(..from).next_back();
        let after = self.seen.range(to.saturating_add(1)..).next();
        let rows = before.into_iter().chain(after).flat_map(|(_, rows)| rows);
        rows.map(|row| row.id).collect()
    }

    /// Rows of these numbers.
    pub(crate) fn rows(&self, numbers: &[i64]) -> Vec<EventId> {
        let rows = numbers.iter().filter_map(|number| self.seen.get(number)).flatten();
        rows.map(|row| row.id).collect()
    }

    /// Pairs of rows of which the second has the higher number and the earlier time, by more than
    /// `tolerance` nanoseconds; of log records alone.
    pub(crate) fn backwards(&self, tolerance: u64) -> Vec<(EventId, EventId, i64)> {
        let mut found = Vec::new();
        let mut latest: Option<(i64, EventId)> = None;
        for row in self.seen.values().flatten().filter(|row| row.log) {
            let Some(time) = row.time else { continue };
            match latest {
                Some((before, id)) if time < before => {
                    let back = before.abs_diff(time);
                    if back > tolerance {
                        found.push((id, row.id, i64::try_from(back).unwrap_or(i64::MAX)));
                    }
                }
                _ => latest = Some((time, row.id)),
            }
        }
        found
    }
}

/// The number of a record that was sent; the lines of an agent's own session file are counted apart.
fn number(row: &Event) -> Option<i64> {
    row.sequence.filter(|_| !from(row, EventSource::Rollout))
}

/// The numbers of the lines of a session's file.
pub(crate) fn of_lines(rows: &[&Event]) -> Numbers {
    let mut numbers = Numbers::default();
    for row in rows.iter().filter(|row| from(row, EventSource::Rollout)) {
        if let Some(number) = row.sequence {
            numbers.put(number, row);
        }
    }
    numbers
}

/// The numbers of a session's own records, by speaker.
pub(crate) fn of_session(
    rows: &[&Event],
    speaker: impl Fn(&Event) -> usize,
) -> BTreeMap<usize, Numbers> {
    let mut numbers: BTreeMap<usize, Numbers> = BTreeMap::new();
    for row in rows.iter().filter(|row| number(row).is_some()) {
        numbers.entry(speaker(row)).or_default().add(row);
    }
    numbers
}

/// The numbers of all records of the processes that sent a family's rows, by speaker, those that other
/// sessions carry included.
pub(crate) fn of_processes(family: &Family<'_>, dialect: &str) -> BTreeMap<usize, Numbers> {
    let mut numbers: BTreeMap<usize, Numbers> = BTreeMap::new();
    let own = |row: &&Event| row.dialect.as_deref() == Some(dialect) && number(row).is_some();
    for row in family.rows.iter().filter(own) {
        numbers.entry(family.speakers.of(row)).or_default().add(row);
    }
    let mut elsewhere: BTreeMap<usize, Vec<&Event>> = BTreeMap::new();
    for row in family.beside.elsewhere.iter().filter(own) {
        let speaker = family.speakers.like(row).filter(|speaker| numbers.contains_key(speaker));
        if let Some(speaker) = speaker {
            elsewhere.entry(speaker).or_default().push(row);
        }
    }
    for (speaker, rows) in elsewhere {
        if let Some(numbers) = numbers.get_mut(&speaker) {
            numbers.fill(&rows);
        }
    }
    numbers
}

/// Most numbers that are looked for.
const LOOKED_FOR: usize = 1_000;

/// Numbers of counters that a process shares among its sessions and that these rows, of a session and
/// those nested in it, lack: what to look for in other sessions' records before it is called missing. The
/// lowest of them, where there are very many.
#[must_use]
pub fn lacking(rows: &[Event]) -> BTreeSet<i64> {
    let speakers = Speakers::new(rows);
    let mut seen: BTreeMap<(usize, i64), Numbers> = BTreeMap::new();
    for row in rows.iter().filter(|row| number(row).is_some()) {
        let counter = row.dialect.as_deref().and_then(Counter::of);
        if let Some(counter) = counter.filter(|counter| counter.scope == Scope::Process) {
            seen.entry((speakers.of(row), counter.first)).or_default().add(row);
        }
    }
    let mut lacking = BTreeSet::new();
    for ((_, first), numbers) in seen {
        for (from, to) in numbers.missing(first) {
            lacking.extend((from..=to).take(LOOKED_FOR.saturating_sub(lacking.len())));
        }
    }
    lacking
}
