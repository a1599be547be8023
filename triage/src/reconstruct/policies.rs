//! The approval policy over a session: what was stated first, and every change that was reported.

use blotter_schemas::names::blotter::EventKind;

use super::model::Policy;
use super::pairing::Report;
use crate::fact::{EventId, Fact};

/// Policies of a session by time.
#[derive(Debug)]
pub(crate) struct Policies<'p> {
    first: &'p Policy,
    changes: Vec<Change>,
}

/// A change that a record tells of.
#[derive(Debug)]
struct Change {
    time: i64,
    from: Option<String>,
    to: String,
    events: Vec<EventId>,
}

impl<'p> Policies<'p> {
    /// Finds the changes. `first` is what the session stated first, `reports` are in order of time.
    pub(crate) fn new(first: &'p Policy, reports: &[Report<'_>]) -> Self {
        let changes = reports.iter().filter(|report| report.kind() == EventKind::ModeChange);
        let change = |report: &Report<'_>| {
            Some(Change {
                time: report.time(),
                from: report.text(|row| &row.detail),
                to: report.text(|row| &row.approval_policy)?,
                events: report.ids(),
            })
        };
        Self { first, changes: changes.filter_map(change).collect() }
    }

    /// What was stated for this moment.
    pub(crate) fn at(&self, time: i64) -> Policy {
        let mut policy = self.first.clone();
        if let Some(last) = self.changes.iter().rfind(|change| change.time <= time) {
            policy.approval = Fact::observed(last.to.clone(), last.events.clone());
            return policy;
        }
        // What was stated first may be a change that came later.
        let later = |change: &&Change| {
            policy.approval.events.iter().any(|event| change.events.contains(event))
        };
        if let Some(change) = self.changes.iter().find(later) {
            policy.approval = match &change.from {
                Some(from) => Fact::observed(from.clone(), change.events.clone()),
                None => Fact::missing("not reported before it changed"),
            };
        }
        policy
    }
}
