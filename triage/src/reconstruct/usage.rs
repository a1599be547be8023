//! Adding up tokens and cost without counting twice.

use blotter_schemas::tables::Event;

use super::model::Usage;
use super::pairing::Report;
use super::rollout::{OTHERWISE, SESSION_FILE, is_filed};
use crate::fact::{Claim, EventId, Fact};

/// Sums what the reports say about tokens and cost. A dialect leaves them on one kind of record, so
/// that each report counts once. A session file says again what telemetry says: where the sums differ, both
/// are kept.
pub(crate) fn sum(reports: &[&Report<'_>]) -> Usage {
    let (filed, sent): (Vec<&Report<'_>>, Vec<&Report<'_>>) =
        reports.iter().copied().partition(|report| is_filed(report));
    let counted = |reports: &[&'_ Report<'_>], field: fn(&Event) -> Option<i64>| {
        let rows = reports.iter().filter_map(|report| report.rows.iter().find(|row| has(row)));
        total(&rows.copied().collect::<Vec<_>>(), field, i64::saturating_add)
    };
    let both =
        |field: fn(&Event) -> Option<i64>| either(counted(&sent, field), counted(&filed, field));
    let cost: Vec<&Event> = sent
        .iter()
        .filter_map(|report| report.rows.iter().find(|row| row.cost_usd.is_some()))
        .copied()
        .collect();
    Usage {
        input: both(|row| row.tokens_input),
        output: both(|row| row.tokens_output),
        cached: both(|row| row.tokens_cached),
        reasoning: both(|row| row.tokens_reasoning),
        cost_usd: total(&cost, |row| row.cost_usd, |sum, cost| sum + cost),
    }
}

fn has(row: &Event) -> bool {
    row.tokens_input.is_some() || row.tokens_output.is_some()
}

fn either(sent: Fact<i64>, filed: Fact<i64>) -> Fact<i64> {
    match (sent.value, filed.value) {
        (None, _) => filed,
        (Some(sum), Some(other)) if sum != other => {
            let filed = filed.claim().map(|claim| Claim { why: SESSION_FILE.into(), ..claim });
            Fact::contradicted(OTHERWISE, sent.claim().into_iter().chain(filed).collect())
        }
        (Some(_), _) => {
            let mut sent = sent;
            sent.events.extend(filed.events);
            sent
        }
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
