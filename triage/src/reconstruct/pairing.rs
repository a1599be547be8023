//! What an agent sends twice is one fact: pairing the rows that report the same thing.

use std::collections::{BTreeMap, BTreeSet};

use blotter_schemas::names::blotter::{EventKind, EventSource, Grade};
use blotter_schemas::tables::Event;

use super::speakers::Speakers;
use crate::fact::{Claim, EventId, Fact};

/// Furthest that two rows of one report lie apart, in nanoseconds.
pub const PAIR_WINDOW_NS: i64 = 2_000_000;

/// One thing an agent reported: one row, or the rows of a log record and of its copy on a span.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// The rows, the log record's first.
    pub rows: Vec<&'a Event>,
    /// Number of the speaker who sent them.
    pub speaker: usize,
}

impl<'a> Report<'a> {
    /// The row that says most.
    #[must_use]
    pub fn first(&self) -> Option<&'a Event> {
        self.rows.first().copied()
    }

    /// What kind of fact it is; `other` where the kind is unknown.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        self.first()
            .and_then(|row| row.kind.as_deref())
            .and_then(EventKind::from_value)
            .unwrap_or(EventKind::Other)
    }

    /// When it happened, nanoseconds since the epoch; 0 where no row says.
    #[must_use]
    pub fn time(&self) -> i64 {
        self.first().and_then(|row| row.time_unix_nano).unwrap_or(0)
    }

    /// When it was over: the end of a span, else when it happened.
    #[must_use]
    pub fn end(&self) -> i64 {
        self.ended().unwrap_or_else(|| self.time())
    }

    /// When it was over, where a span says so.
    #[must_use]
    pub fn ended(&self) -> Option<i64> {
        let row = self.first()?;
        let span = row.source.as_deref() == Some(EventSource::OtlpSpan.as_str());
        let duration = row.duration_ns.filter(|duration| span && *duration >= 0)?;
        Some(self.time().saturating_add(duration))
    }

    /// The first value that a row states.
    pub fn value<T>(&self, field: impl Fn(&'a Event) -> Option<T>) -> Option<T> {
        self.rows.iter().find_map(|row| field(row))
    }

    /// The first text that a row states.
    pub fn text(&self, field: impl Fn(&Event) -> &Option<String>) -> Option<String> {
        self.rows.iter().find_map(|row| field(row).clone())
    }

    /// Ids of its rows.
    #[must_use]
    pub fn ids(&self) -> Vec<EventId> {
        self.rows.iter().map(|row| EventId(row.event_id)).collect()
    }
}

/// Place of a row in the archive's order.
pub(crate) fn order(row: &Event) -> (Option<i64>, Option<i64>, Option<i64>, [u8; 16]) {
    (row.time_unix_nano, row.observed_time_unix_nano, row.sequence, row.event_id)
}

/// Pairs the rows of one session: same speaker, so that nobody's record passes as the copy of another's,
/// same name, detail and call, within [`PAIR_WINDOW_NS`], the k-th log
/// record with the k-th event on a span. The reports come in order of time.
#[must_use]
pub(crate) fn pair<'a>(rows: &[&'a Event], speakers: &Speakers) -> Vec<Report<'a>> {
    type Key<'k> = (usize, Option<&'k str>, Option<&'k str>, Option<&'k str>);
    let mut alone = Vec::new();
    let mut groups: BTreeMap<Key<'a>, [Vec<&'a Event>; 2]> = BTreeMap::new();
    for &row in rows {
        let speaker = speakers.of(row);
        let key = (speaker, row.name.as_deref(), row.detail.as_deref(), row.call_id.as_deref());
        let source = row.source.as_deref().and_then(EventSource::from_value);
        let [logs, copies] = groups.entry(key).or_default();
        match source {
            Some(EventSource::OtlpLog) => logs.push(row),
            Some(EventSource::OtlpSpanEvent) => copies.push(row),
            _ => alone.push(Report { rows: vec![row], speaker }),
        }
    }
    let mut reports = alone;
    for ((speaker, ..), [mut logs, mut copies]) in groups {
        logs.sort_by_key(|row| order(row));
        copies.sort_by_key(|row| order(row));
        merge(&logs, &copies, speaker, &mut reports);
    }
    reports.sort_by_key(|report| report.first().map(order));
    reports
}

fn merge<'a>(
    logs: &[&'a Event],
    copies: &[&'a Event],
    speaker: usize,
    reports: &mut Vec<Report<'a>>,
) {
    let mut logs = logs.iter().copied().peekable();
    let mut copies = copies.iter().copied().peekable();
    loop {
        let rows = match (logs.peek(), copies.peek()) {
            (None, None) => return,
            (Some(log), Some(copy)) => {
                let (log, copy) =
                    (log.time_unix_nano.unwrap_or(0), copy.time_unix_nano.unwrap_or(0));
                if log.abs_diff(copy) <= PAIR_WINDOW_NS.unsigned_abs() {
                    logs.next().into_iter().chain(copies.next()).collect()
                } else if log < copy {
                    logs.next().into_iter().collect()
                } else {
                    copies.next().into_iter().collect()
                }
            }
            (Some(_), None) => logs.next().into_iter().collect(),
            (None, Some(_)) => copies.next().into_iter().collect(),
        };
        reports.push(Report { rows, speaker });
    }
}

/// What the reports say about one field: the first value, and every row that says the same. Of several
/// speakers, the one with the lowest number is heard first; what another says instead contradicts it.
pub(crate) fn told<T: PartialEq>(
    reports: &[&Report<'_>],
    field: impl Fn(&Event) -> Option<T>,
    missing: &'static str,
) -> Fact<T> {
    let stated = || {
        let states = |report: &&&Report<'_>| report.value(&field).is_some();
        reports.iter().filter(states)
    };
    let Some(first) = stated().map(|report| report.speaker).min() else {
        return Fact::missing(missing);
    };
    let own = stated().find(|report| report.speaker == first);
    let Some(value) = own.and_then(|report| report.value(&field)) else {
        return Fact::missing(missing);
    };
    let mut events: Vec<EventId> = Vec::new();
    let mut others = BTreeSet::new();
    for report in stated() {
        let others_word = report.speaker != first && report.value(&field).as_ref() != Some(&value);
        if others_word {
            others.insert(report.speaker);
        }
        let told = |row: &&&Event| {
            let told = field(row);
            told.as_ref() == Some(&value) || (others_word && told.is_some())
        };
        events.extend(report.rows.iter().filter(told).map(|row| EventId(row.event_id)));
    }
    events.dedup();
    let mut fact = Fact::observed(value, events);
    if !others.is_empty() {
        let others: Vec<String> = others.iter().map(ToString::to_string).collect();
        fact.grade = Grade::Contradicted;
        fact.why = format!("{} says otherwise", named(&others)).into();
    }
    fact
}

/// `speaker 2`, `speakers 2, 3`.
fn named(numbers: &[String]) -> String {
    let plural = if numbers.len() == 1 { "" } else { "s" };
    format!("speaker{plural} {}", numbers.join(", "))
}

/// Like [`told`], but rows that disagree make the statement contradicted.
pub(crate) fn agreed<T: Clone + PartialEq + std::fmt::Display>(
    reports: &[&Report<'_>],
    field: impl Fn(&Event) -> Option<T>,
    missing: &'static str,
) -> Fact<T> {
    let mut fact = told(reports, &field, missing);
    let mut others: Vec<Claim<T>> = Vec::new();
    for row in reports.iter().flat_map(|report| &report.rows) {
        if let Some(value) = field(row)
            && fact.value.as_ref() != Some(&value)
        {
            let id = EventId(row.event_id);
            match others.iter_mut().find(|claim| claim.value == value) {
                Some(claim) => claim.events.push(id),
                None => others.push(Claim { value, why: "".into(), events: vec![id] }),
            }
        }
    }
    if !others.is_empty() {
        let words: Vec<String> = others.iter().map(|claim| claim.value.to_string()).collect();
        let why = format!("another record says {}", words.join(", "));
        let (first, speakers) = (fact.claim(), fact.speakers);
        fact = Fact::contradicted(why, first.into_iter().chain(others).collect());
        fact.speakers = speakers;
    }
    fact
}
