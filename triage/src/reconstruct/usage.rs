//! Adding up tokens and cost without counting twice.

use blotter_schemas::tables::Event;

use super::model::Usage;
use super::pairing::Report;
use crate::fact::{EventId, Fact};

/// Sums what the reports say about tokens and cost. A dialect leaves them on one kind of record, so
/// that each report counts once.
pub(crate) fn sum(reports: &[&Report<'_>]) -> Usage {
    let counted = |field: fn(&Event) -> bool| -> Vec<&Event> {
        let rows = reports.iter().filter_map(|report| report.rows.iter().find(|row| field(row)));
        rows.copied().collect()
    };
    let tokens = counted(|row| row.tokens_input.is_some() || row.tokens_output.is_some());
    let cost = counted(|row| row.cost_usd.is_some());
    Usage {
        input: total(&tokens, |row| row.tokens_input, i64::saturating_add),
        output: total(&tokens, |row| row.tokens_output, i64::saturating_add),
        cached: total(&tokens, |row| row.tokens_cached, i64::saturating_add),
        reasoning: total(&tokens, |row| row.tokens_reasoning, i64::saturating_add),
        cost_usd: total(&cost, |row| row.cost_usd, |sum, cost| sum + cost),
    }
}

fn total<T: Copy + Default>(
    rows: &[&Event],
    field: impl Fn(&Event) -> Option<T>,
    add: impl Fn(T, T) -> T,
) -> Fact<T> {
    let stated = || rows.iter().filter_map(|row| Some((field(row)?, EventId(row.event_id))));
    let events: Vec<EventId> = stated().map(|(_, id)| id).collect();
    if events.is_empty() {
        return Fact::missing("not reported");
    }
    Fact::observed(stated().fold(T::default(), |sum, (value, _)| add(sum, value)), events)
}
