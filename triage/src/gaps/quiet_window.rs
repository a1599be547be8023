//! A turn in which for a long time nothing was told, although nothing was under way.

use blotter_schemas::names::blotter::EventKind;

use super::Rule;
use crate::fact::EventId;
use crate::ledger::Ledger;
use crate::reconstruct::findings::{Finding, Severity};
use crate::reconstruct::model::Turn;
use crate::render::time;
use crate::trail::{Trail, end, is};

pub(super) const RULE: Rule = Rule {
    name: "quiet_window",
    severity: Severity::Info,
    finds: "More than five minutes within a turn of which no record tells, with no call under way.",
    false_positive: "The machine slept; the model took long; a person was waited for.",
    find,
};

/// Longest silence in a turn, in nanoseconds.
const QUIET_NS: i64 = 300_000_000_000;

fn find(trail: &Trail<'_>, _: &Ledger) -> Vec<Finding> {
    trail.session.turns.iter().filter_map(|turn| quiet(trail, turn)).collect()
}

/// A stretch of time of which something tells, and the row that does.
type Told = (i64, i64, Option<EventId>);

/// The longest silence of a turn.
fn quiet(trail: &Trail<'_>, turn: &Turn) -> Option<Finding> {
    let span = turn.span?;
    let (from, until) = (span.start_unix_nano, span.end_unix_nano);
    if until.saturating_sub(from) <= QUIET_NS {
        return None;
    }
    let mut told: Vec<Told> = Vec::new();
    let first = trail.rows.partition_point(|row| row.time_unix_nano < Some(from));
    let rows = trail.rows.iter().skip(first);
    for row in rows.take_while(|row| row.time_unix_nano <= Some(until)) {
        let Some((time, over)) = row.time_unix_nano.zip(end(row)) else { continue };
        let id = Some(EventId(row.event_id));
        if is(row, EventKind::Other) {
            // The span of a whole turn says nothing of what is in it.
            told.extend([(time, time, id), (over, over, id)]);
            continue;
        }
        // The record of something that took long comes at its end.
        let before = if over == time { row.duration_ns.unwrap_or(0).max(0) } else { 0 };
        told.push((time.saturating_sub(before), over, id));
    }
    for (call, _) in trail.calls_of(turn) {
        let over = call.result.as_ref().map_or(call.time_unix_nano, |result| result.time_unix_nano);
        told.push((call.time_unix_nano, over, call.events.first().copied()));
    }
    told.sort_unstable();
    let mut longest: Option<(i64, i64, Vec<EventId>)> = None;
    let mut last: Option<(i64, Option<EventId>)> = None;
    for (began, over, id) in told {
        if let Some((before, row)) = last {
            let silence = began.saturating_sub(before);
            if silence > QUIET_NS && longest.as_ref().is_none_or(|(most, ..)| silence > *most) {
                longest = Some((silence, before, row.into_iter().chain(id).collect()));
            }
        }
        if last.is_none_or(|(before, _)| over > before) {
            last = Some((over, id));
        }
    }
    let (silence, before, events) = longest?;
    let summary = format!(
        "nothing is told of {} of turn {}, from {} on",
        time::duration(silence),
        turn.number,
        time::clock(before)
    );
    Some(RULE.finding(trail, summary, events))
}
