//! One session from its rows.

use std::collections::{BTreeMap, BTreeSet};

use blotter_schemas::names::blotter::{EventKind, EventSource};
use blotter_schemas::tables::Event;

use super::calls::{call, note, proxy_decision};
use super::model::{Call, Entry, Requests, Rows, Session, Signals, TimeSpan, Turn};
use super::pairing::{Report, pair, told};
use super::policies::{self, Policies};
use super::rollout::{self, sent_first};
use super::speakers::Speakers;
use super::turns::Frames;
use super::words::told_words;
use super::{grouping, redaction, usage};
use crate::fact::{EventId, Fact, Join};

const NOT_REPORTED: &str = "not reported";

/// Builds the session from its own rows, without its parent and the sessions nested in it.
pub(crate) fn session(session_id: &str, rows: &[&Event], speakers: &Speakers) -> Session {
    let reports = rollout::merge(pair(rows, speakers));
    let all: Vec<&Report<'_>> = reports.iter().collect();
    let policy = policies::first(&all);
    let frames = Frames::new(&reports);
    let policies = Policies::new(&policy, &reports);
    let mut turns = contents(&reports, &frames, &policies);
    let outside = turns.remove(&None).unwrap_or_default();
    let text =
        |field: fn(&Event) -> &Option<String>| told(&all, |row| field(row).clone(), NOT_REPORTED);
    let sent = |field: fn(&Event) -> &Option<String>| sent_first(&all, field, NOT_REPORTED);
    let user = text(|row| &row.user_email);
    Session {
        session_id: session_id.to_owned(),
        tenant: rows.first().and_then(|row| row.tenant.clone()),
        parent: None,
        agent: agent(&all),
        program: sent(|row| &row.agent_name),
        agent_version: text(|row| &row.agent_version),
        models: distinct(&all, |row| row.model.as_ref()),
        provider: sent(|row| &row.provider),
        host: text(|row| &row.host_name),
        user: if user.is_known() { user } else { text(|row| &row.user_id) },
        auth: text(|row| &row.auth_mode),
        token_type: text(|row| &row.token_type),
        terminal: text(|row| &row.terminal),
        cwd: text(|row| &row.cwd),
        transports: transports(&all),
        span: span(&all),
        usage: usage::sum(&all),
        requests: requests(&all),
        rows: Rows {
            total: rows.len(),
            repeated: rows.len() - reports.len(),
            other: reports.iter().filter(|report| report.kind() == EventKind::Other).count(),
        },
        signals: signals(rows),
        redaction: redaction::sum(rows),
        outside: outside.entries,
        turns: frames
            .all
            .iter()
            .enumerate()
            .map(|(index, frame)| {
                let Contents { reports, entries } = turns.remove(&Some(index)).unwrap_or_default();
                Turn {
                    number: index + 1,
                    turn_id: frame.turn_id.as_ref().map_or_else(
                        || Fact::missing(NOT_REPORTED),
                        |turn_id| {
                            let same =
                                |row: &Event| row.turn_id.clone().filter(|known| known == turn_id);
                            told(&reports, same, NOT_REPORTED)
                        },
                    ),
                    prompted_unix_nano: frame.prompt.map_or_else(
                        || Fact::missing("no prompt was reported"),
                        |prompt| Fact::observed(prompt.time(), prompt.ids()),
                    ),
                    prompt: frame.prompt.map_or_else(
                        || Fact::missing("no prompt was reported"),
                        |prompt| {
                            let words = |row: &Event| row.text.clone();
                            told_words(
                                &[prompt],
                                words,
                                "the words of the prompt were not reported",
                            )
                        },
                    ),
                    context: policies.context(frame.turn_id.as_ref()).cloned(),
                    span: span(&reports),
                    usage: usage::sum(&reports),
                    requests: requests(&reports),
                    entries,
                }
            })
            .collect(),
        sessions: Vec::new(),
        policy,
        speakers: speakers.described(rows),
        ledger: None,
        findings: Vec::new(),
    }
}

/// What a turn holds, or what is in none.
#[derive(Default)]
struct Contents<'r, 'a> {
    reports: Vec<&'r Report<'a>>,
    entries: Vec<Entry>,
}

type ByTurn<'r, 'a> = BTreeMap<Option<usize>, Contents<'r, 'a>>;

fn contents<'r, 'a>(
    reports: &'r [Report<'a>],
    frames: &Frames<'_, 'a>,
    policies: &Policies<'_>,
) -> ByTurn<'r, 'a> {
    let (groups, rest) = grouping::group(reports);
    let mut turns = ByTurn::new();
    let mut calls: BTreeMap<Option<usize>, Vec<Call>> = BTreeMap::new();
    for group in groups {
        let reports = &group.reports;
        let time = reports.first().map_or(0, |report| report.time());
        let turn_id = reports.iter().find_map(|report| report.text(|row| &row.turn_id));
        let stated = policies.at(time, turn_id.as_ref());
        let mut call = call(group.call_id.as_deref(), reports, &stated);
        let found = frames.turn_of(reports);
        let number = found.as_ref().map(|(number, _)| *number);
        call.turn = found.map(|(_, join)| join);
        turns.entry(number).or_default().reports.extend(reports);
        group.mark(&mut call);
        calls.entry(number).or_default().push(call);
    }
    number(&mut calls);
    let mut notes: BTreeMap<Option<usize>, Vec<&Report<'_>>> = BTreeMap::new();
    for report in rest {
        let number = frames.turn_of(&[report]).map(|(number, _)| number);
        turns.entry(number).or_default().reports.push(report);
        if is_told(report) {
            notes.entry(number).or_default().push(report);
        }
    }
    for (number, contents) in &mut turns {
        let mut calls = calls.remove(number).unwrap_or_default();
        calls.sort_by_key(|call| call.number);
        let notes = notes.remove(number).unwrap_or_default();
        for report in join_by_time(notes, &mut calls) {
            contents.entries.push(Entry::Note(Box::new(note(report, None))));
        }
        let calls = nest(calls).into_iter().map(|call| Entry::Call(Box::new(call)));
        contents.entries.extend(calls);
        contents.entries.sort_by_key(Entry::time);
        contents.reports.sort_by_key(|report| report.time());
    }
    turns
}

/// Numbers the calls of a session in order of time.
fn number(calls: &mut BTreeMap<Option<usize>, Vec<Call>>) {
    let mut all: Vec<&mut Call> = calls.values_mut().flatten().collect();
    all.sort_by_cached_key(|call| {
        (call.time_unix_nano, call.call_id.clone(), call.events.iter().min().copied())
    });
    for (call, number) in all.into_iter().zip(1..) {
        call.number = number;
    }
}

/// Counts rows by the kind of record they were made from.
fn signals(rows: &[&Event]) -> Signals {
    let mut signals = Signals::default();
    for row in rows {
        match row.source.as_deref().and_then(EventSource::from_value) {
            Some(EventSource::OtlpLog) => signals.logs += 1,
            Some(EventSource::OtlpSpan) => signals.spans += 1,
            Some(EventSource::OtlpSpanEvent) => signals.span_events += 1,
            Some(EventSource::Rollout) => signals.rollout += 1,
            None => {}
        }
    }
    signals
}

/// Whether a report outside calls is shown by itself.
fn is_told(report: &Report<'_>) -> bool {
    let frame = rollout::is_frame(report);
    !frame
        && !matches!(
            report.kind(),
            EventKind::Other
                | EventKind::Usage
                | EventKind::Prompt
                | EventKind::SessionStart
                | EventKind::Call
                | EventKind::McpCall
                | EventKind::ApiRequest
        )
}

/// How the ids begin that Codex gives to calls made by the code of another call.
const NESTED_CALL: &str = "exec-";
/// The tool that runs such code.
const CODE_TOOL: &str = "exec";

/// The network proxy's decisions, hooks and the answers to approval requests name no call: they belong to
/// the call that was open then, if there was exactly one. Of several, a proxy's decision is taken as the
/// one's that began last, and the others are named. Calls that only run other calls' code are not asked.
/// Returns what is left over.
fn join_by_time<'r, 'a>(reports: Vec<&'r Report<'a>>, calls: &mut [Call]) -> Vec<&'r Report<'a>> {
    let times: Vec<i64> = reports.iter().map(|report| report.time()).collect();
    let open = open_at(calls, &times, |call| call.tool.value.as_deref() != Some(CODE_TOOL));
    let mut rest = Vec::new();
    for (report, open) in reports.into_iter().zip(open) {
        let candidates: Vec<usize> =
            open.iter().filter_map(|index| calls.get(*index)).map(|call| call.number).collect();
        let only = open.len() == 1;
        let last = open.last().and_then(|index| calls.get_mut(*index));
        match (report.kind(), last) {
            (EventKind::ProxyDecision, Some(call)) => {
                let by = if only { ONLY_OPEN } else { LAST_OPEN };
                let mut decision = proxy_decision(report, Some(Join::inferred(by)));
                decision.candidates = if only { Vec::new() } else { candidates };
                call.proxy.push(decision);
            }
            (EventKind::ApprovalRequest | EventKind::Hook, Some(call)) if only => {
                call.reviews.push(note(report, Some(Join::inferred(ONLY_OPEN))));
            }
            _ => rest.push(report),
        }
    }
    rest
}

const ONLY_OPEN: &str = "the only call open then";
const LAST_OPEN: &str = "of the calls open then, the one that began last";
/// Most calls that are named as open at one time.
const OPEN_LIMIT: usize = 16;

/// For each of `times` (in order) the calls that were open then, the one that began last at the end.
/// `calls` are in order of time.
fn open_at(calls: &[Call], times: &[i64], wanted: impl Fn(&Call) -> bool) -> Vec<Vec<usize>> {
    let mut coming = calls.iter().enumerate().filter(|(_, call)| wanted(call)).peekable();
    let mut ends: BTreeSet<(i64, usize)> = BTreeSet::new();
    let mut open: BTreeSet<usize> = BTreeSet::new();
    let mut found = Vec::with_capacity(times.len());
    for &time in times {
        while let Some((index, call)) = coming.next_if(|(_, call)| call.time_unix_nano <= time) {
            ends.insert((end(call), index));
            open.insert(index);
        }
        while let Some((_, index)) = ends.first().filter(|(end, _)| *end < time).copied() {
            ends.pop_first();
            open.remove(&index);
        }
        let last: Vec<usize> = open.iter().rev().take(OPEN_LIMIT).copied().collect();
        found.push(last.into_iter().rev().collect());
    }
    found
}

/// When a call was over: its result, else the end of its own spans, else never.
fn end(call: &Call) -> i64 {
    let stages = || call.stages.iter().filter_map(|stage| stage.ended_unix_nano).max();
    let result = call.result.as_ref().map(|result| result.time_unix_nano);
    result.max(stages()).unwrap_or(i64::MAX)
}

/// Puts calls that code made below the call that ran the code: the only one open at that time.
fn nest(calls: Vec<Call>) -> Vec<Call> {
    let (inner, mut outer): (Vec<Call>, Vec<Call>) = calls.into_iter().partition(|call| {
        call.call_id.as_ref().is_some_and(|call_id| call_id.starts_with(NESTED_CALL))
    });
    let times: Vec<i64> = inner.iter().map(|call| call.time_unix_nano).collect();
    let around = open_at(&outer, &times, |call| call.tool.value.as_deref() == Some(CODE_TOOL));
    for (mut call, around) in inner.into_iter().zip(around) {
        let only = around.first().filter(|_| around.len() == 1).copied();
        match only.and_then(|index| outer.get_mut(index)) {
            Some(outer) => {
                call.within = Some(Join::inferred(
                    "by the form of its id, made by the only code running then",
                ));
                outer.calls.push(call);
            }
            None => outer.push(call),
        }
    }
    outer.sort_by_key(|call| call.number);
    outer
}

/// The agent: the dialect that knew its records, else what they call it.
fn agent(reports: &[&Report<'_>]) -> Fact<String> {
    let known = |row: &Event| {
        let dialect = row.dialect.as_deref().filter(|dialect| *dialect != "other")?;
        Some(dialect.replace('_', "-"))
    };
    let dialect = told(reports, known, NOT_REPORTED);
    if dialect.is_known() {
        return dialect;
    }
    told(reports, |row| row.agent_name.clone(), NOT_REPORTED)
}

fn distinct<'a>(
    reports: &[&Report<'a>],
    field: impl Fn(&'a Event) -> Option<&'a String>,
) -> Vec<Fact<String>> {
    let mut seen = BTreeSet::new();
    let rows = reports.iter().flat_map(|report| &report.rows);
    rows.filter_map(|row| Some((field(row)?, EventId(row.event_id))))
        .filter(|(value, _)| seen.insert(*value))
        .map(|(value, id)| Fact::observed(value.clone(), vec![id]))
        .collect()
}

/// First and last moment; of several speakers the one with the lowest number is heard.
fn span(reports: &[&Report<'_>]) -> Option<TimeSpan> {
    let first = reports.iter().map(|report| report.speaker).min()?;
    let own = || reports.iter().filter(move |report| report.speaker == first);
    let times = || own().flat_map(|report| &report.rows).filter_map(|row| row.time_unix_nano);
    let ends = own().flat_map(|report| &report.rows).filter_map(|row| {
        let span = row.source.as_deref() == Some("otlp_span");
        span.then(|| row.time_unix_nano?.checked_add(row.duration_ns?)).flatten()
    });
    Some(TimeSpan { start_unix_nano: times().min()?, end_unix_nano: times().chain(ends).max()? })
}

/// Transports of the requests to the model that were answered; of all of them where none was.
fn transports(reports: &[&Report<'_>]) -> Vec<Fact<String>> {
    let requests = requests_of(reports);
    let answered: Vec<&Report<'_>> =
        requests.iter().copied().filter(|report| report.kind() == EventKind::ApiRequest).collect();
    let told = distinct(&answered, |row| row.transport.as_ref());
    if told.is_empty() { distinct(&requests, |row| row.transport.as_ref()) } else { told }
}

fn requests_of<'r, 'a>(reports: &[&'r Report<'a>]) -> Vec<&'r Report<'a>> {
    reports
        .iter()
        .copied()
        .filter(|report| matches!(report.kind(), EventKind::ApiRequest | EventKind::ApiError))
        .collect()
}

fn requests(reports: &[&Report<'_>]) -> Requests {
    let requests = requests_of(reports);
    let answered = |report: &&&Report<'_>| report.kind() == EventKind::ApiRequest;
    let count = requests.iter().filter(answered).count();
    Requests {
        answered: count,
        errors: requests.len() - count,
        events: requests.iter().flat_map(|report| report.ids()).collect(),
        speakers: Vec::new(),
    }
}
