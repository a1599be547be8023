//! What does not fit in the times of records.

use blotter_schemas::names::blotter::{EventSource, TimeSource};
use blotter_schemas::tables::Event;

use super::{Clock, ClockProblem};
use crate::fact::EventId;
use crate::render::time;
use crate::trail::{EVENTS_LIMIT, Trail, from, ids, of_session};

/// How far apart a record's time and the time at which its sender observed it may lie, in nanoseconds.
const DISAGREE_NS: u64 = 60_000_000_000;
/// How far a sender's clock may be ahead of the collector's, in nanoseconds.
const AHEAD_NS: i64 = 5_000_000_000;
/// How much earlier a record with a higher number may be, in nanoseconds: senders number and stamp in two
/// steps, and stamp to the millisecond.
const BACKWARDS_NS: u64 = 50_000_000;
/// How much earlier a result may be than the record that its call was taken in, in nanoseconds.
const RESULT_FIRST_NS: i64 = 10_000_000;

/// The problems that the rows show.
pub(super) fn clocks(trail: &Trail<'_>) -> Vec<Clock> {
    let rows = trail.rows.as_slice();
    let of = |problem, what: &str, found: Vec<&Event>| {
        let count = found.len();
        let plural = if count == 1 { "" } else { "s" };
        let summary = format!("{count} record{plural} {what}");
        (count > 0).then(|| Clock { problem, count, summary, events: ids(found) })
    };
    let filter = |wanted: fn(&Event) -> bool| -> Vec<&Event> {
        rows.iter().copied().filter(|row| wanted(row)).collect()
    };
    let single = [
        of(ClockProblem::NoTime, "without a time: that of receipt stands for it", filter(no_time)),
        of(
            ClockProblem::Clamped,
            "with a time outside what can be stored",
            filter(|row| row.time_clamped == Some(true)),
        ),
        of(
            ClockProblem::Disagree,
            "whose time lies more than a minute from when they were observed",
            filter(disagrees),
        ),
        of(
            ClockProblem::Ahead,
            "of a time more than 5 s after they were received",
            filter(is_ahead),
        ),
    ];
    single.into_iter().flatten().chain(backwards(trail)).chain(result_first(trail)).collect()
}

fn no_time(row: &Event) -> bool {
    row.time_source.as_deref() == Some(TimeSource::Received.as_str())
}

fn disagrees(row: &Event) -> bool {
    // The end of a span, not its begin, is when it was observed.
    let log = from(row, EventSource::OtlpLog) && row.time_clamped != Some(true);
    let times = row.time_unix_nano.zip(row.observed_time_unix_nano.filter(|time| *time != 0));
    log && times.is_some_and(|(time, observed)| time.abs_diff(observed) > DISAGREE_NS)
}

fn is_ahead(row: &Event) -> bool {
    let received = row.received_time.filter(|_| row.collector_id.is_some());
    let times = row.time_unix_nano.zip(received);
    times.is_some_and(|(time, received)| {
        row.time_clamped != Some(true)
            && time.saturating_sub(received.saturating_mul(1_000)) > AHEAD_NS
    })
}

fn backwards(trail: &Trail<'_>) -> Option<Clock> {
    let numbers = of_session(&trail.rows, |row| trail.speaker(row));
    let pairs: Vec<(EventId, EventId, i64)> =
        numbers.values().flat_map(|numbers| numbers.backwards(BACKWARDS_NS)).collect();
    let furthest = pairs.iter().map(|(_, _, back)| *back).max()?;
    let count = pairs.len();
    let records =
        if count == 1 { "1 record has".to_owned() } else { format!("{count} records have") };
    let summary = format!(
        "{records} a higher number of the sender's than an earlier one, and a time up to {} before it",
        time::duration(furthest)
    );
    let events =
        pairs.iter().flat_map(|(one, other, _)| [*one, *other]).take(EVENTS_LIMIT).collect();
    Some(Clock { problem: ClockProblem::Backwards, count, summary, events })
}

fn result_first(trail: &Trail<'_>) -> Option<Clock> {
    let mut events = Vec::new();
    let mut count = 0_usize;
    let mut first = None;
    for (call, receipt) in trail.calls() {
        let Some((received, result)) = call.received.value.zip(call.result.as_ref()) else {
            continue;
        };
        // Of several speakers each has a clock of its own.
        let one_speaker = trail.session.is_one_sender(&call.speakers);
        if one_speaker && received.saturating_sub(result.time_unix_nano) > RESULT_FIRST_NS {
            count += 1;
            first.get_or_insert_with(|| receipt.address.clone());
            events.extend(call.received.events.iter().chain(&result.success.events).copied());
        }
    }
    let first = first?;
    events.truncate(EVENTS_LIMIT);
    let summary = match count {
        1 => format!("the result of {first} lies before the record that the call was taken in"),
        _ => {
            format!("{count} results lie before the records of their calls, that of {first} first")
        }
    };
    Some(Clock { problem: ClockProblem::ResultFirst, count, summary, events })
}
