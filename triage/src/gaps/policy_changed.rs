//! The policy in effect changed in the course of a session.

use blotter_schemas::names::blotter::EventSource;
use blotter_schemas::tables::Event;

use super::Rule;
use crate::fact::EventId;
use crate::ledger::Ledger;
use crate::reconstruct::findings::{Finding, Severity};
use crate::render::time;
use crate::trail::{Trail, from};

pub(super) const RULE: Rule = Rule {
    name: "policy_changed",
    severity: Severity::Medium,
    finds: "Approval policy, sandbox policy or permission profile is another than before in the session.",
    false_positive: "A person changed the mode, or resumed the session with other settings.",
    find,
};

/// A column that names a policy, and what it is called.
type Named = (&'static str, fn(&Event) -> &Option<String>);

const POLICIES: [Named; 3] = [
    ("the approval policy", |row| &row.approval_policy),
    ("the sandbox policy", |row| &row.sandbox_policy),
    ("the permission profile", |row| &row.profile_name),
];

fn find(trail: &Trail<'_>, _: &Ledger) -> Vec<Finding> {
    let mut findings: Vec<(Option<i64>, Finding)> = Vec::new();
    let speaker = trail.session.speakers.first().map(|speaker| speaker.number);
    // The agent's own session file may have other words for the same.
    for rollout in [false, true] {
        let rows = trail.rows.iter().copied().filter(|row| {
            let own = rollout || Some(trail.speaker(row)) == speaker;
            from(row, EventSource::Rollout) == rollout && own
        });
        let rows: Vec<&Event> = rows.collect();
        for (name, value) in POLICIES {
            findings.extend(changes(trail, &rows, name, value));
        }
    }
    findings.sort_by_key(|(time, _)| *time);
    findings.into_iter().map(|(_, finding)| finding).collect()
}

fn changes(
    trail: &Trail<'_>,
    rows: &[&Event],
    name: &str,
    value: fn(&Event) -> &Option<String>,
) -> Vec<(Option<i64>, Finding)> {
    let mut found = Vec::new();
    let mut before: Option<(&str, &Event)> = None;
    for row in rows {
        let Some(now) = value(row).as_deref() else { continue };
        if let Some((earlier, first)) = before.filter(|(earlier, _)| *earlier != now) {
            let at = row.time_unix_nano.map(|at| format!(" at {}", time::clock(at)));
            let summary =
                format!("{name} changed from {earlier} to {now}{}", at.unwrap_or_default());
            let events = [first, row].map(|row| EventId(row.event_id)).to_vec();
            found.push((row.time_unix_nano, RULE.finding(trail, summary, events)));
        }
        before = Some((now, row));
        if found.len() == CHANGES_LIMIT {
            break;
        }
    }
    found
}

/// Most changes of one policy that are told.
const CHANGES_LIMIT: usize = 32;
