//! Receipts of rows that a test makes up.

use blotter_schemas::names::blotter::{EventKind, EventSource};
use blotter_schemas::tables::Event;

use crate::receipt::{Beside, Receipt, receipts};
use crate::reconstruct::reconstruct;

const SESSION: &str = "s";

/// A log record about the call `c`.
pub(super) fn log(dialect: &str, kind: EventKind) -> Event {
    row(dialect, EventSource::OtlpLog, kind)
}

/// A span of the call `c`.
pub(super) fn span(dialect: &str, kind: EventKind) -> Event {
    Event { duration_ns: Some(0), ..row(dialect, EventSource::OtlpSpan, kind) }
}

fn row(dialect: &str, source: EventSource, kind: EventKind) -> Event {
    Event {
        dialect: text(dialect),
        source: text(source.as_str()),
        kind: text(kind.as_str()),
        session_id: text(SESSION),
        call_id: text("c"),
        tool_name: text("tool"),
        ..Event::default()
    }
}

/// A column's value.
pub(super) fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Receipts of the calls that the rows tell of, which came one after the other.
pub(super) fn all(rows: &[Event]) -> Vec<Receipt> {
    let rows: Vec<Event> = (1..)
        .zip(rows)
        .map(|(number, row)| Event {
            event_id: [number; 16],
            time_unix_nano: Some(i64::from(number) * 1_000_000),
            name: row.name.clone().or_else(|| Some(number.to_string())),
            ..row.clone()
        })
        .collect();
    receipts(&reconstruct(SESSION, &rows), &Beside::default())
}

/// Decision, who decided, whether it ran, and the outcome, of each call: `deny config no refused`.
pub(super) fn told(rows: &[Event]) -> Vec<String> {
    let told = |receipt: Receipt| {
        format!(
            "{} {} {} {}",
            receipt.decision.value.map_or("-", |token| token.as_str()),
            receipt.decided_by.value.map_or("-", |token| token.as_str()),
            receipt.executed.value.map_or("-", |token| token.as_str()),
            receipt.outcome.value.map_or("-", |token| token.as_str()),
        )
    };
    all(rows).into_iter().map(told).collect()
}
