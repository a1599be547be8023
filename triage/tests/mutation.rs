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

/// Facts that tell what was decided and what happened: what must not change into another.
const FACTS: [&str; 14] = [
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
    "arguments",
    "output",
    "planned",
];

/// What is stated about one call: the values of its facts that are stated, by name.
type Stated = BTreeMap<&'static str, Vec<Value>>;

/// What is stated of every call that has an id, by session and call.
fn stated(events: &[Event], beside: &Beside) -> BTreeMap<String, Stated> {
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

/// Fails where a fact of the whole trail is stated otherwise by a lesser one.
fn only_less_is_stated(
    what: &str,
    whole: &BTreeMap<String, Stated>,
    lesser: &BTreeMap<String, Stated>,
) {
    for (address, facts) in lesser {
        let Some(before) = whole.get(address) else { continue };
        for (name, values) in facts {
            let known = &before[name];
            // What was not known before may not become known by a loss either.
            for value in values {
                assert!(
                    known.contains(value),
                    "{what}: {address}: {name} was {known:?} and is now stated as {value}"
                );
            }
        }
    }
}

fn every_capture() -> Vec<String> {
    let mut names = Vec::new();
    let folder = captures::folder("");
    for agent in std::fs::read_dir(&folder).unwrap() {
        let agent = agent.unwrap().path();
        if !agent.is_dir() {
            continue;
        }
        for run in std::fs::read_dir(&agent).unwrap() {
            let run = run.unwrap().path();
            if run.is_dir() {
                let name = run.strip_prefix(&folder).unwrap();
                names.push(name.to_str().unwrap().to_owned());
            }
        }
    }
    names.sort();
    assert!(names.len() > 40, "{}", names.len());
    names
}

/// Rows that can change what is stated of a call: those of kind `other` stand in no receipt.
fn telling(events: &[Event]) -> Vec<usize> {
    let is = |event: &Event| event.kind.as_deref() != Some("other");
    (0..events.len()).filter(|index| is(&events[*index])).collect()
}

#[test]
fn a_record_that_is_lost_changes_no_fact_into_another() {
    let mut removed = 0;
    for name in every_capture() {
        let (events, beside) = (captures::events(&name), captures::beside(&name));
        let whole = stated(&events, &beside);
        for index in telling(&events) {
            let mut lesser = events.clone();
            let row = lesser.remove(index);
            removed += 1;
            let what = format!("{name} without {:?} {:?}", row.kind, row.name);
            only_less_is_stated(&what, &whole, &stated(&lesser, &beside));
        }
        let what = format!("{name} without its counters");
        only_less_is_stated(&what, &whole, &stated(&events, &Beside::default()));
    }
    assert!(removed > 1_000, "{removed}");
}
