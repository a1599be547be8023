//! A session's trail: its rows, its receipts, and what stands beside them, looked at as a whole.
//!
//! Start reading at [`examine`]: it writes the session's [`ledger`], its findings, which
//! the rules in [`gaps`] make, and the receipt of every call.

mod counted;

use std::collections::BTreeMap;

use blotter_schemas::coverage::Coverage;
use blotter_schemas::names::blotter::{EventKind, EventSource};
use blotter_schemas::tables::Event;

pub use counted::lacking;
pub(crate) use counted::{Counter, Numbers, Scope, of_lines, of_processes, of_session};

use crate::fact::EventId;
use crate::gaps;
use crate::ledger::{self, Ledger};
use crate::receipt::address::{self, Addressed};
use crate::receipt::{self, Beside, Receipt};
use crate::reconstruct::model::{Call, Turn};
use crate::reconstruct::pairing::order;
use crate::reconstruct::speakers::Speakers;
use crate::reconstruct::{Session, by_session};

/// Writes the ledger and the findings of a session and of those nested in it. `rows` are the rows that
/// the session was reconstructed from.
pub fn examine(session: &mut Session, rows: &[Event], beside: &Beside) {
    let speakers = Speakers::new(rows);
    let family = Family { rows, by_session: by_session(rows), speakers: &speakers, beside };
    family.examine(session, None, 0);
}

/// The rows of a session and of those nested in it, and what stands beside them.
pub(crate) struct Family<'a> {
    /// All rows that were loaded, of whatever session.
    pub rows: &'a [Event],
    /// The same by session.
    pub by_session: BTreeMap<&'a str, Vec<&'a Event>>,
    /// Who sent them.
    pub speakers: &'a Speakers,
    /// What stands beside them.
    pub beside: &'a Beside,
}

impl Family<'_> {
    fn examine(&self, session: &mut Session, around: Option<&Ledger>, depth: usize) {
        let (ledger, findings, receipts) = {
            let trail = Trail::new(session, self, around, depth);
            let ledger = ledger::ledger(&trail);
            let findings = gaps::find(&trail, &ledger);
            let receipts = trail.calls.into_iter().map(|(_, receipt)| (receipt.number, receipt));
            (ledger, findings, receipts.collect())
        };
        session.findings = findings;
        hand_out(session, receipts);
        for nested in &mut session.sessions {
            self.examine(nested, Some(&ledger), depth + 1);
        }
        session.ledger = Some(ledger);
    }
}

/// Gives each call of a session its receipt, by its number.
fn hand_out(session: &mut Session, mut receipts: BTreeMap<usize, Receipt>) {
    session.calls_mut(&mut |call| {
        call.receipt = receipts.remove(&call.number).map(Box::new);
    });
}

/// One session with everything that is known of it.
pub(crate) struct Trail<'a> {
    /// The session.
    pub session: &'a Session,
    /// It and those around and below it.
    pub family: &'a Family<'a>,
    /// The ledger of the session that it is nested in.
    pub around: Option<&'a Ledger>,
    /// How deep it is nested in the session that was asked for.
    pub depth: usize,
    /// Its rows, in order of time.
    pub rows: Vec<&'a Event>,
    /// What its agent reports.
    pub coverage: Option<&'static Coverage>,
    /// Whether records of it may still come.
    pub open: bool,
    calls: Vec<(Addressed<'a>, Receipt)>,
    by_id: BTreeMap<EventId, &'a Event>,
}

impl<'a> Trail<'a> {
    fn new(
        session: &'a Session,
        family: &'a Family<'a>,
        around: Option<&'a Ledger>,
        depth: usize,
    ) -> Self {
        let own = family.by_session.get(session.session_id.as_str());
        let mut rows: Vec<&Event> = own.cloned().unwrap_or_default();
        rows.sort_by_key(|row| order(row));
        let by_id = rows.iter().map(|row| (EventId(row.event_id), *row)).collect();
        let calls = address::calls(session);
        let mut receipts = receipt::receipts(session, family.beside);
        receipt::attribute(&mut receipts, session, family.rows);
        Self {
            session,
            family,
            around,
            depth,
            rows,
            coverage: session.coverage(),
            open: family.beside.may_go_on(session),
            calls: calls.into_iter().zip(receipts).collect(),
            by_id,
        }
    }

    /// The calls with their receipts, nested ones included, in order of time.
    pub(crate) fn calls(&self) -> impl Iterator<Item = (&'a Call, &Receipt)> {
        self.calls.iter().map(|(addressed, receipt)| (addressed.call, receipt))
    }

    /// The calls of a turn with their receipts.
    pub(crate) fn calls_of(&self, turn: &Turn) -> impl Iterator<Item = (&'a Call, &Receipt)> {
        let number = turn.number;
        let of_turn =
            move |(addressed, _): &&(Addressed<'a>, Receipt)| addressed.turn == Some(number);
        self.calls.iter().filter(of_turn).map(|(addressed, receipt)| (addressed.call, receipt))
    }

    /// The row of this id, where it is one of the session's.
    pub(crate) fn row(&self, id: &EventId) -> Option<&'a Event> {
        self.by_id.get(id).copied()
    }

    /// The session's rows of a kind, from one kind of record.
    pub(crate) fn rows_of(
        &self,
        kind: EventKind,
        source: EventSource,
    ) -> impl Iterator<Item = &'a Event> {
        self.rows.iter().copied().filter(move |row| is(row, kind) && from(row, source))
    }

    /// Whether a row of this kind, from such a record, is about the call.
    pub(crate) fn says(&self, call: &Call, kind: EventKind, source: EventSource) -> bool {
        let rows = call.events.iter().filter_map(|id| self.row(id));
        rows.into_iter().any(|row| is(row, kind) && from(row, source))
    }

    /// Number of the speaker of a row.
    pub(crate) fn speaker(&self, row: &Event) -> usize {
        self.family.speakers.of(row)
    }

    /// Whether rows from such records arrived.
    pub(crate) fn arrived(&self, source: EventSource) -> bool {
        let signals = self.session.signals;
        let rows = match source {
            EventSource::OtlpLog => signals.logs,
            EventSource::OtlpSpan => signals.spans,
            EventSource::OtlpSpanEvent => signals.span_events,
            EventSource::Rollout => signals.rollout,
        };
        rows > 0
    }
}

/// Whether a row is of this kind.
pub(crate) fn is(row: &Event, kind: EventKind) -> bool {
    row.kind.as_deref() == Some(kind.as_str())
}

/// Whether a row was made from such a record.
pub(crate) fn from(row: &Event, source: EventSource) -> bool {
    row.source.as_deref() == Some(source.as_str())
}

/// When a row's fact was over: the end of a span, else its time.
pub(crate) fn end(row: &Event) -> Option<i64> {
    let time = row.time_unix_nano?;
    let long = row.duration_ns.filter(|duration| from(row, EventSource::OtlpSpan) && *duration > 0);
    Some(time.saturating_add(long.unwrap_or(0)))
}

/// The first of these rows, by their ids.
pub(crate) fn ids<'a>(rows: impl IntoIterator<Item = &'a Event>) -> Vec<EventId> {
    rows.into_iter().take(EVENTS_LIMIT).map(|row| EventId(row.event_id)).collect()
}

/// Most rows that one statement about a trail names.
pub(crate) const EVENTS_LIMIT: usize = 16;
