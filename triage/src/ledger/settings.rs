//! Settings of the agent that decide what it sends, deduced from what it sent.
//!
//! The coverage table says which events and which columns a setting reveals. Where such events came
//! without the column, or with words that stand in place of what was kept back, that is said; where no such
//! event came, only that.

use blotter_schemas::coverage::{self, Coverage, EventCoverage, Why};
use blotter_schemas::names::blotter::{EventKind, EventSource};
use blotter_schemas::tables::Event;

use super::{Setting, SettingState};
use crate::receipt::WITHHELD_WORDS;
use crate::receipt::readings;
use crate::trail::{Trail, ids};

/// Ids of settings that every coverage table gives the same meaning.
const TRACES: &str = "traces";
const METRICS: &str = "metrics";
const PROMPTS: &str = "prompts";
const RESPONSES: &str = "responses";
const OUTPUT: &str = "output";

/// The settings of the session's agent, in the order of its coverage table.
pub(super) fn settings(trail: &Trail<'_>) -> Vec<Setting> {
    let Some(coverage) = trail.coverage else { return Vec::new() };
    coverage.settings.iter().map(|setting| one(trail, coverage, setting)).collect()
}

fn one(trail: &Trail<'_>, coverage: &Coverage, setting: &coverage::Setting) -> Setting {
    let mut found = match setting.id {
        TRACES => traces(trail),
        METRICS => metrics(trail),
        OUTPUT => output(trail),
        id => revealed(trail, coverage, id),
    };
    if found.state == SettingState::NotSeen && on_around(trail, setting.id) {
        let why = format!("{}; it is on in the session around", found.why);
        found = Found::new(SettingState::Unknown, why, Vec::new());
    }
    let mut withholds = !matches!(found.state, SettingState::On | SettingState::Unknown);
    if withholds && in_session_file(trail, setting.id) {
        withholds = false;
        found.why = format!("{}; the agent's own session file has it", found.why);
    }
    let Found { state, why, rows } = found;
    Setting {
        id: setting.id,
        how: setting.how,
        reveals: setting.reveals,
        state,
        withholds,
        why,
        events: ids(rows),
    }
}

/// How a setting stands, and what shows it.
struct Found<'a> {
    state: SettingState,
    why: String,
    rows: Vec<&'a Event>,
}

impl<'a> Found<'a> {
    fn new(state: SettingState, why: impl Into<String>, rows: Vec<&'a Event>) -> Self {
        Self { state, why: why.into(), rows }
    }
}

fn traces<'a>(trail: &Trail<'a>) -> Found<'a> {
    let spans = |row: &&Event| {
        let source = row.source.as_deref().and_then(EventSource::from_value);
        matches!(source, Some(EventSource::OtlpSpan | EventSource::OtlpSpanEvent))
    };
    let rows: Vec<&Event> = trail.rows.iter().copied().filter(spans).collect();
    match rows.len() {
        0 => not_seen(trail, "no span arrived"),
        count => Found::new(SettingState::On, format!("{count} rows come from spans"), rows),
    }
}

fn metrics<'a>(trail: &Trail<'a>) -> Found<'a> {
    let signals = super::signals::signals(trail);
    let state = signals.iter().find(|signal| signal.signal == METRICS).map(|signal| signal.state);
    match state {
        Some(super::SignalState::Arrived) => {
            Found::new(SettingState::On, "points of metrics arrived", Vec::new())
        }
        Some(super::SignalState::NotLookedFor) | None => {
            Found::new(SettingState::Unknown, "metrics were not looked for", Vec::new())
        }
        _ => not_seen(trail, "no point of a metric arrived"),
    }
}

/// Nothing of it came: while the session is open it may still come.
fn not_seen<'a>(trail: &Trail<'a>, why: &str) -> Found<'a> {
    let state = if trail.open { SettingState::Unknown } else { SettingState::NotSeen };
    Found::new(state, why, Vec::new())
}

/// Whether what a setting reveals stands in the agent's own session file.
fn in_session_file(trail: &Trail<'_>, id: &str) -> bool {
    let (kind, told): (EventKind, fn(&Event) -> bool) = match id {
        PROMPTS => (EventKind::Prompt, |row| row.text.is_some()),
        RESPONSES => (EventKind::Response, |row| row.text.is_some()),
        OUTPUT => (EventKind::Result, |row| row.output.is_some()),
        _ => return false,
    };
    trail.rows_of(kind, EventSource::Rollout).any(told)
}

/// Whether the setting of this id is seen to be on in the session around, which the same agent sent.
fn on_around(trail: &Trail<'_>, id: &str) -> bool {
    let settings = trail.around.iter().flat_map(|ledger| &ledger.settings);
    settings.into_iter().any(|setting| setting.id == id && setting.state == SettingState::On)
}

/// Outputs may be cut to a length, and to none.
fn output<'a>(trail: &Trail<'a>) -> Found<'a> {
    let reading = readings::of(trail.session.agent.value.as_deref().unwrap_or_default());
    let mut withheld = Vec::new();
    let mut cut = Vec::new();
    let mut whole = Vec::new();
    for row in trail.rows_of(EventKind::Result, EventSource::OtlpLog) {
        match row.output.as_deref() {
            Some(words) if reading.output_withheld(words).is_some() => withheld.push(row),
            Some(_) if row.output_truncated == Some(true) => cut.push(row),
            Some(_) => whole.push(row),
            None => {}
        }
    }
    let all = withheld.len() + cut.len() + whole.len();
    let why = |count: usize, what: &str| format!("{count} of {all} outputs {what}");
    match (withheld.len(), cut.len(), whole.len()) {
        (0, 0, 0) => Found::new(SettingState::Unknown, "no output arrived", Vec::new()),
        (count, 0, 0) => Found::new(SettingState::Off, why(count, "were kept back"), withheld),
        (0, 0, count) => Found::new(SettingState::On, why(count, "came whole"), whole),
        (0, count, _) => {
            Found::new(SettingState::Capped, why(count, "were cut by the sender"), cut)
        }
        (count, ..) => Found::new(SettingState::Changed, why(count, "were kept back"), withheld),
    }
}

/// A setting that reveals whole events, or columns of them.
fn revealed<'a>(trail: &Trail<'a>, coverage: &Coverage, id: &str) -> Found<'a> {
    let mut with: Vec<&'a Event> = Vec::new();
    let mut without: Vec<&'a Event> = Vec::new();
    let mut instead = false;
    let mut of_events = false;
    for event in coverage.events {
        if event.setting == Some(id) {
            of_events = true;
            with.extend(trail.rows_of(event.kind, event.source));
        }
        let columns = columns(event, id);
        if columns.is_empty() {
            continue;
        }
        for row in trail.rows_of(event.kind, event.source) {
            let there = columns.iter().any(|column| filled(row, column) == Some(true));
            if there { with.push(row) } else { without.push(row) }
        }
    }
    if let Some(kind) = words_of(id) {
        // Words that stand in place of those that were kept back.
        with.extend(trail.rows_of(kind, EventSource::OtlpLog).filter(|row| row.text.is_some()));
        let kept_back = |row: &&Event| row.text.as_deref().is_some_and(is_withheld);
        let (kept, told): (Vec<_>, Vec<_>) = with.into_iter().partition(kept_back);
        instead = !kept.is_empty();
        without.extend(kept);
        with = told;
    }
    with.sort_by_key(|row| crate::reconstruct::pairing::order(row));
    with.dedup_by_key(|row| row.event_id);
    without.sort_by_key(|row| crate::reconstruct::pairing::order(row));
    without.dedup_by_key(|row| row.event_id);
    judged(trail, id, of_events, instead, with, without)
}

fn judged<'a>(
    trail: &Trail<'a>,
    id: &str,
    of_events: bool,
    instead: bool,
    with: Vec<&'a Event>,
    without: Vec<&'a Event>,
) -> Found<'a> {
    let (some, none) = (with.len(), without.len());
    let have = |count: usize| match count {
        1 => "1 record has it".to_owned(),
        count => format!("{count} records have it"),
    };
    let records = |count: usize| match count {
        1 => "1 record".to_owned(),
        count => format!("{count} records"),
    };
    match (some, none) {
        (0, 0) if of_events && could_have_come(trail, id) => {
            not_seen(trail, "no record of what it reveals arrived")
        }
        (0, 0) => Found::new(SettingState::Unknown, "nothing came that would show it", Vec::new()),
        (_, 0) => Found::new(SettingState::On, have(some), with),
        (0, _) if instead => {
            let why = format!("other words stand in place of it in {}", records(none));
            Found::new(SettingState::Off, why, without)
        }
        (0, _) => {
            let why = format!("{} came without it", records(none));
            Found::new(SettingState::Off, why, without)
        }
        // Some records have no such thing to tell; where the one kind follows the other, it was set anew.
        _ if instead || parted(&with, &without) => {
            let why = format!("{}, {} came without", have(some), records(none));
            let rows = with.into_iter().take(1).chain(without).collect();
            Found::new(SettingState::Changed, why, rows)
        }
        _ => Found::new(SettingState::On, have(some), with),
    }
}

/// Fewest records on either side that show a change by their order alone.
const PARTED: usize = 2;

/// Whether all records of the one sort come before all of the other.
fn parted(with: &[&Event], without: &[&Event]) -> bool {
    let ends = |rows: &[&Event]| {
        let times = || rows.iter().filter_map(|row| row.time_unix_nano);
        times().min().zip(times().max())
    };
    let enough = with.len() >= PARTED && without.len() >= PARTED;
    enough
        && ends(with)
            .zip(ends(without))
            .is_some_and(|((with_from, with_to), (from, to))| with_to < from || to < with_from)
}

/// Whether something happened that such records tell of.
fn could_have_come(trail: &Trail<'_>, id: &str) -> bool {
    match id {
        RESPONSES => trail.session.requests.answered > 0,
        _ => match trail.coverage {
            // Whether there was anything to judge is told by what its judgement did.
            Some(coverage) => coverage
                .events
                .iter()
                .filter(|event| event.setting == Some(id))
                .any(|event| happened(trail, event.kind)),
            None => false,
        },
    }
}

/// Whether other records tell that something of this kind took place.
fn happened(trail: &Trail<'_>, kind: EventKind) -> bool {
    match kind {
        EventKind::Review => trail.calls().any(|(_, receipt)| {
            receipt.decided_by.value == Some(crate::receipt::tokens::DecidedBy::Reviewer)
        }),
        EventKind::Result => trail.calls().any(|(call, _)| call.result.is_some()),
        EventKind::Response | EventKind::ApiRequest => trail.session.requests.answered > 0,
        EventKind::Prompt => !trail.session.turns.is_empty(),
        _ => false,
    }
}

/// The kind of events whose words a setting reveals in place of others.
fn words_of(id: &str) -> Option<EventKind> {
    match id {
        PROMPTS => Some(EventKind::Prompt),
        RESPONSES => Some(EventKind::Response),
        _ => None,
    }
}

/// Whether words stand in place of those that were kept back.
fn is_withheld(words: &str) -> bool {
    WITHHELD_WORDS.contains(&words)
}

/// The columns of such events that the setting of this id reveals.
fn columns(event: &EventCoverage, id: &str) -> Vec<&'static str> {
    let of_setting =
        |(_, why): &&(&'static str, Why)| matches!(why, Why::Setting(own) if *own == id);
    event.sometimes.iter().filter(of_setting).map(|(column, _)| *column).collect()
}

/// Whether a row has a column that a setting reveals; `None` for any other column.
fn filled(row: &Event, column: &str) -> Option<bool> {
    Some(match column {
        "text" => row.text.is_some(),
        "arguments" => row.arguments.is_some(),
        "output" => row.output.is_some(),
        "mcp_server" => row.mcp_server.is_some(),
        "tool_name" => row.tool_name.is_some(),
        "turn_id" => row.turn_id.is_some(),
        "detail" => row.detail.is_some(),
        "success" => row.success.is_some(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_that_a_setting_reveals_can_be_looked_at() {
        let row = Event::default();
        for coverage in coverage::all() {
            for event in coverage.events {
                for (column, why) in event.sometimes {
                    if matches!(why, Why::Setting(id) if *id != OUTPUT) {
                        assert!(filled(&row, column).is_some(), "{}: {column}", coverage.dialect);
                    }
                }
            }
        }
    }
}
