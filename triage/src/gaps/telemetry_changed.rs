//! What the agent sends changed in the course of a session.

use super::Rule;
use crate::ledger::{Ledger, SettingState};
use crate::reconstruct::findings::{Finding, Severity};
use crate::trail::Trail;

pub(super) const RULE: Rule = Rule {
    name: "telemetry_changed",
    severity: Severity::Medium,
    finds: "What a setting of the agent's telemetry reveals is there in one part of the session and not in \
            another.",
    false_positive: "A session that was resumed with other settings; tools that have no such thing to tell.",
    find,
};

fn find(trail: &Trail<'_>, ledger: &Ledger) -> Vec<Finding> {
    let changed = ledger.settings.iter().filter(|one| one.state == SettingState::Changed);
    changed
        .map(|setting| {
            let summary =
                format!("the setting {} ({}) changed: {}", setting.id, setting.how, setting.why);
            RULE.finding(trail, summary, setting.events.clone())
        })
        .collect()
}
