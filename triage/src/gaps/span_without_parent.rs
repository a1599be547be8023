//! A span names a parent that never came.

use std::collections::{BTreeMap, BTreeSet};

use blotter_schemas::tables::Span;

use super::Rule;
use crate::fact::EventId;
use crate::ledger::Ledger;
use crate::reconstruct::findings::{Finding, Severity};
use crate::trail::Trail;

pub(super) const RULE: Rule = Rule {
    name: "span_without_parent",
    severity: Severity::Low,
    finds: "Spans of the session's traces name a parent that did not come.",
    false_positive: "The parent is another program's, which started the agent and sends elsewhere; spans that \
                     were not over when the agent ended.",
    find,
};

fn find(trail: &Trail<'_>, _: &Ledger) -> Vec<Finding> {
    let Some(spans) = trail.family.beside.spans.as_ref().filter(|_| trail.depth == 0) else {
        return Vec::new();
    };
    // A parent is sent when it is over, after its children.
    if trail.open {
        return Vec::new();
    }
    let rows = trail.family.rows.iter();
    let traces: BTreeSet<&str> = rows.filter_map(|row| row.trace_id.as_deref()).collect();
    let of_traces =
        |span: &&Span| span.trace_id.as_deref().is_some_and(|trace| traces.contains(trace));
    let known: BTreeSet<&str> = spans.iter().filter_map(|span| span.span_id.as_deref()).collect();
    let mut orphans: BTreeMap<&str, Vec<&Span>> = BTreeMap::new();
    for span in spans.iter().filter(of_traces) {
        if let Some(parent) =
            span.parent_span_id.as_deref().filter(|parent| !known.contains(parent))
        {
            orphans.entry(parent).or_default().push(span);
        }
    }
    if orphans.is_empty() {
        return Vec::new();
    }
    let count = orphans.values().map(Vec::len).sum::<usize>();
    let parents = orphans.len();
    let mut children: Vec<&Span> = orphans.into_values().flatten().collect();
    children.sort_by_key(|span| (span.time_unix_nano, span.event_id));
    let mut names: Vec<&str> = Vec::new();
    for name in children.iter().filter_map(|span| span.name.as_deref()) {
        if names.len() < NAMED && !names.contains(&name) {
            names.push(name);
        }
    }
    let spans = if count == 1 { "1 span names".to_owned() } else { format!("{count} spans name") };
    let parents = match parents {
        1 => "a parent".to_owned(),
        parents => format!("{parents} parents"),
    };
    let names = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
    let summary = format!("{spans} {parents} that did not come{names}");
    let events = children.iter().map(|span| EventId(span.event_id)).collect();
    vec![RULE.finding(trail, summary, events)]
}

/// Most spans that are named.
const NAMED: usize = 3;
