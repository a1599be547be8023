//! Whether the agents report what their coverage tables declare: what is called *always* is in every such
//! event of every capture, *never* in none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use arrow_array::Array as _;
use blotter_schemas::coverage::{self, Reports};
use blotter_schemas::dialects;
use blotter_schemas::names::blotter::{EventKind, EventSource};
use blotter_schemas::tables::{Event, Row as _};

use super::{all_captures, rows};

/// Columns that say when, where from and under whose custody: no agent chooses them.
const NOT_REPORTED: [&str; 32] = [
    "event_id",
    "origin_id",
    "source",
    "dialect",
    "dialect_version",
    "time",
    "time_unix_nano",
    "time_source",
    "time_clamped",
    "observed_time",
    "observed_time_unix_nano",
    "received_time",
    "trace_id",
    "span_id",
    "parent_span_id",
    "agent_name",
    "host_name",
    "process_pid",
    "kind",
    "name",
    "collector_id",
    "journal_position",
    "log_index",
    "sender",
    "peer",
    "tenant",
    "redactions",
    "redaction_version",
    "key_id",
    "severity",
    "normalise_error",
    "record",
];

/// How often each column is filled in the events of one kind from one kind of record.
#[derive(Default)]
struct Filled {
    events: usize,
    columns: BTreeMap<String, usize>,
}

/// By dialect, kind and source.
type Observed = BTreeMap<(String, String, String), Filled>;

fn observed() -> Observed {
    let mut observed = Observed::new();
    for capture in all_captures() {
        let events = rows(&capture).events;
        let batch = Event::to_batch(&events).unwrap();
        for (index, event) in events.iter().enumerate() {
            let word = |word: &Option<String>| word.clone().unwrap();
            if event.kind.as_deref() == Some(EventKind::Other.as_str()) {
                continue;
            }
            let key = (word(&event.dialect), word(&event.kind), word(&event.source));
            let filled = observed.entry(key).or_default();
            filled.events += 1;
            for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                if !NOT_REPORTED.contains(&field.name().as_str()) && column.is_valid(index) {
                    *filled.columns.entry(field.name().clone()).or_default() += 1;
                }
            }
        }
    }
    observed
}

#[test]
fn what_the_agents_sent_is_what_their_coverage_tables_declare() {
    let mut wrong = String::new();
    for ((dialect, kind, source), filled) in observed() {
        let at = format!("{dialect} {kind} {source} ({} events)", filled.events);
        let declared = coverage::coverage(&dialect).and_then(|coverage| {
            coverage.event(EventKind::from_value(&kind)?, EventSource::from_value(&source)?)
        });
        let Some(declared) = declared else {
            writeln!(wrong, "{at}: not declared; sent {:?}", filled.columns).unwrap();
            continue;
        };
        let named: BTreeSet<&str> = filled
            .columns
            .keys()
            .map(String::as_str)
            .chain(declared.always.iter().copied())
            .collect();
        for column in named {
            let count = filled.columns.get(column).copied().unwrap_or(0);
            let holds = match declared.column(column) {
                Reports::Always => count == filled.events,
                Reports::Sometimes(_) => true,
                Reports::Never => count == 0,
            };
            if !holds {
                let declared = declared.column(column);
                writeln!(wrong, "{at}: {column} in {count}, declared {declared:?}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_dialect_declares_its_coverage_but_the_one_for_what_nobody_knows() {
    let declared: Vec<&str> = coverage::all().iter().map(|coverage| coverage.dialect).collect();
    let mut dialects = dialects::names();
    dialects.retain(|name| *name != "other");
    dialects.sort_unstable();
    assert_eq!(declared, dialects);
}

#[test]
fn a_column_is_as_well_reported_as_by_the_best_of_its_records() {
    let gemini = coverage::coverage("gemini_cli").unwrap();
    assert_eq!(gemini.column(EventKind::Result, "tool_name"), Reports::Always);
    assert!(matches!(gemini.column(EventKind::Result, "call_id"), Reports::Sometimes(_)));
    assert_eq!(gemini.column(EventKind::Result, "decision_source"), Reports::Never);
    assert_eq!(gemini.column(EventKind::Sandbox, "sandbox_outcome"), Reports::Never);
}
