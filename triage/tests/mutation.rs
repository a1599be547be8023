//! A trail that lost records, got some twice, or has a clock that moved: triage must not turn that into a
//! false statement. Taking a record away may make a fact unknown, never another.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helper functions of tests"
)]

mod captures;

use std::collections::{BTreeMap, BTreeSet};

use blotter_schemas::names::blotter::Grade;
use blotter_schemas::tables::Event;
use blotter_triage::receipt::{Beside, family};
use blotter_triage::reconstruct::{Session, lineage, reconstruct};
use serde_json::Value;

/// Facts that tell what was decided and what happened: what must not change into another. The arguments
/// are told by several records, each in a form and a part of its own.
const FACTS: [&str; 13] = [
    "tool",
    "approval_policy",
    "profile",
    "decision",
    "decided_by",
    "executed",
    "sandbox",
    "executor",
    "mcp_server",
    "outcome",
    "exit_code",
    "output",
    "planned",
];

/// What is stated about one call: the values of its facts that are stated, by name.
type Stated = BTreeMap<&'static str, Vec<Value>>;

/// What is stated of every call that has an id, by session and call.
fn stated(events: &[Event], beside: &Beside) -> ByCall {
    let mut all = BTreeMap::new();
    for session in sessions(events) {
        for receipt in family(&session, beside) {
            if receipt.call_id.is_none() {
                continue;
            }
            let json = serde_json::to_value(&receipt).unwrap();
            let facts = FACTS.iter().map(|name| (*name, values(&json[name])));
            all.insert(receipt.address.clone(), facts.collect());
        }
    }
    all
}

/// What is stated of every call, by its address.
type ByCall = BTreeMap<String, Stated>;

/// The values that a fact states, all sides of a contradiction.
fn values(fact: &Value) -> Vec<Value> {
    let grades = [Grade::Observed, Grade::Inferred, Grade::Contradicted];
    let grade = fact["grade"].as_str().unwrap();
    if !grades.iter().any(|known| known.as_str() == grade) {
        return Vec::new();
    }
    let claims = fact["claims"].as_array().into_iter().flatten();
    let claimed = claims.map(|claim| claim["value"].clone());
    let mut values: Vec<Value> = std::iter::once(fact["value"].clone()).chain(claimed).collect();
    values.dedup();
    values
}

/// The sessions that belong to no other.
fn sessions(events: &[Event]) -> Vec<Session> {
    let parents = lineage::parents(events);
    let ids: BTreeSet<&String> =
        events.iter().filter_map(|event| event.session_id.as_ref()).collect();
    ids.into_iter()
        .filter(|id| !parents.contains_key(*id))
        .map(|id| reconstruct(id, events))
        .collect()
}

/// Where a fact of the whole trail is stated otherwise by a lesser one.
#[derive(Default)]
struct Changed(Vec<String>);

impl Changed {
    fn none(&self) {
        let first: Vec<&String> = self.0.iter().take(20).collect();
        assert!(self.0.is_empty(), "{} statements: {first:#?}", self.0.len());
    }

    fn compare(&mut self, what: &str, whole: &ByCall, lesser: &ByCall) {
        for (address, facts) in lesser {
            let Some(before) = whole.get(address) else { continue };
            for (name, values) in facts {
                let known = &before[name];
                // What was not known before may not become known by a loss either.
                for value in values {
                    // Codex's spans run the names of server and tool together.
                    let longer = |short: &Value| {
                        let ends =
                            |short: &str| value.as_str().is_some_and(|it| it.ends_with(short));
                        *name == "tool" && short.as_str().is_some_and(ends)
                    };
                    if !known.contains(value) && !known.iter().any(longer) {
                        self.0.push(format!(
                            "{what}: {address}: {name} was {known:?} and is now stated as {value}"
                        ));
                    }
                }
            }
        }
    }
}

/// The rows that can change what is stated of a call: plumbing that names no turn cannot.
fn telling(mut events: Vec<Event>) -> Vec<Event> {
    let plumbing = |event: &Event| {
        // OpenCode tells what was decided in lines of its log, which have no kind of their own.
        let told = event.turn_id.is_some() || event.dialect.as_deref() == Some("opencode");
        event.kind.as_deref() == Some("other") && !told
    };
    events.retain(|event| !plumbing(event));
    events
}

/// Each capture's telling rows, what stands beside them, and what they state.
fn whole_trails() -> Vec<(String, Vec<Event>, Beside, ByCall)> {
    let trail = |name: String| {
        let (events, beside) = (captures::events(&name), captures::beside(&name));
        let all = stated(&events, &beside);
        let events = telling(events);
        let whole = stated(&events, &beside);
        assert_eq!(all, whole, "{name}: plumbing changes what is stated");
        (name, events, beside, whole)
    };
    captures::all().into_iter().map(trail).collect()
}

#[test]
fn a_record_that_is_lost_changes_no_fact_into_another() {
    let mut changed = Changed::default();
    let mut removed = 0;
    for (name, events, beside, whole) in whole_trails() {
        for index in 0..events.len() {
            let mut lesser = events.clone();
            let row = lesser.remove(index);
            removed += 1;
            let what = format!("{name} without {:?} {:?}", row.kind, row.name);
            changed.compare(&what, &whole, &stated(&lesser, &beside));
        }
        let what = format!("{name} without its counters");
        changed.compare(&what, &whole, &stated(&events, &Beside::default()));
    }
    assert!(removed > 1_000, "{removed}");
    changed.none();
}

#[test]
fn a_batch_that_is_lost_or_cut_changes_no_fact_into_another() {
    let mut changed = Changed::default();
    for (name, events, beside, whole) in whole_trails() {
        for share in [2, 3, 5] {
            let size = events.len().div_ceil(share).max(1);
            for (number, batch) in events.chunks(size).enumerate() {
                let lost: BTreeSet<[u8; 16]> = batch.iter().map(|event| event.event_id).collect();
                let rest: Vec<Event> = events
                    .iter()
                    .filter(|event| !lost.contains(&event.event_id))
                    .cloned()
                    .collect();
                let what = format!("{name} without batch {number} of {share}");
                changed.compare(&what, &whole, &stated(&rest, &beside));
                let cut: Vec<Event> = batch.iter().take(batch.len() / 2).cloned().collect();
                let what = format!("{name}, half of batch {number} of {share} alone");
                changed.compare(&what, &whole, &stated(&cut, &beside));
            }
        }
    }
    changed.none();
}

#[test]
fn a_record_that_comes_twice_and_any_order_of_arrival_change_nothing() {
    for (name, mut events, beside, whole) in whole_trails() {
        let copies: Vec<Event> = events.iter().step_by(3).cloned().collect();
        events.extend(copies);
        events.reverse();
        assert_eq!(stated(&events, &beside), whole, "{name} doubled and reversed");
        let length = events.len();
        for step in [3, 7] {
            if length % step == 0 {
                continue;
            }
            let shuffled: Vec<Event> =
                (0..length).map(|index| events[index * step % length].clone()).collect();
            assert_eq!(stated(&shuffled, &beside), whole, "{name} in steps of {step}");
        }
    }
}

#[test]
fn a_clock_that_moved_makes_no_false_statement() {
    let mut changed = Changed::default();
    const HOUR_NS: i64 = 3_600_000_000_000;
    for (name, events, beside, whole) in whole_trails() {
        // All of it at another time: the same facts.
        let moved = |event: &Event, by: i64| {
            let mut event = event.clone();
            event.time_unix_nano = event.time_unix_nano.map(|time| time + by);
            event
        };
        for by in [-HOUR_NS, HOUR_NS] {
            let later: Vec<Event> = events.iter().map(|event| moved(event, by)).collect();
            let what = format!("{name} moved by {by} ns");
            changed.compare(&what, &whole, &stated(&later, &beside));
            // The logs' clock alone: what is joined by time is not found, or found at another call.
            let skewed: Vec<Event> = events
                .iter()
                .map(|event| {
                    let log = event.source.as_deref() == Some("otlp_log");
                    moved(event, if log { by } else { 0 })
                })
                .collect();
            let what = format!("{name}, its logs moved by {by} ns");
            changed.compare(&what, &whole, &stated(&skewed, &beside));
        }
    }
    changed.none();
}

#[test]
fn two_records_that_swap_their_times_make_no_false_statement() {
    let mut changed = Changed::default();
    let mut swapped = 0;
    for (name, mut events, beside, whole) in whole_trails() {
        events.sort_by_key(|event| (event.time_unix_nano, event.event_id));
        for index in 1..events.len() {
            let (before, after) = (&events[index - 1], &events[index]);
            if before.time_unix_nano == after.time_unix_nano {
                continue;
            }
            let mut other = events.clone();
            other[index - 1].time_unix_nano = after.time_unix_nano;
            other[index - 1].time = after.time;
            other[index].time_unix_nano = before.time_unix_nano;
            other[index].time = before.time;
            swapped += 1;
            let what = format!(
                "{name} with {:?} {:?} and {:?} {:?} swapped",
                before.kind, before.name, after.kind, after.name
            );
            changed.compare(&what, &whole, &stated(&other, &beside));
        }
    }
    assert!(swapped > 1_000, "{swapped}");
    changed.none();
}
