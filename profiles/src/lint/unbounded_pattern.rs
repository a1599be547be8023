//! A deny pattern without a bound.

use super::{Finding, Looked, Rule, Severity};
use crate::profile::path::Target;

pub(super) const RULE: Rule = Rule {
    name: "unbounded_pattern",
    severity: Severity::Low,
    finds: "a deny pattern with `**` and no `glob_scan_max_depth`: Codex warns, and scans everything below at the \
            start of every command outside macOS",
};

pub(super) fn look(looked: &Looked<'_>, findings: &mut Vec<Finding>) {
    if looked.profile.glob_scan_max_depth.is_some() {
        return;
    }
    for rule in &looked.profile.paths {
        let Target::Glob { pattern, .. } = &rule.target else { continue };
        if pattern.contains("**") {
            let summary = format!(
                "`{}` has no bound: set glob_scan_max_depth, deep enough for every file it is meant for",
                rule.written
            );
            findings.push(looked.finding(&RULE, summary, vec![rule.at.clone()]));
        }
    }
}
