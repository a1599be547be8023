//! A deny pattern that begins deeper than the scan goes.

use super::{Finding, Looked, Rule, Severity};
use crate::decide::globs::fixed;
use crate::profile::path::Target;

pub(super) const RULE: Rule = Rule {
    name: "deny_pattern_depth",
    severity: Severity::High,
    finds: "a deny pattern whose matches lie deeper than `glob_scan_max_depth`: it denies nothing to commands",
};

pub(super) fn look(looked: &Looked<'_>, findings: &mut Vec<Finding>) {
    let Some(depth) = &looked.profile.glob_scan_max_depth else { return };
    for rule in &looked.profile.paths {
        let Target::Glob { pattern, .. } = &rule.target else { continue };
        let names = pattern.split('/').filter(|name| !name.is_empty());
        // Two stars may stand for no folder at all.
        let least = names.filter(|name| *name != "**").count().saturating_sub(fixed(pattern));
        if u32::try_from(least).is_ok_and(|least| least > depth.value) {
            let summary = format!(
                "`{}` matches {least} levels below its fixed part, and the scan goes {} deep: it denies \
                 nothing to commands; raise glob_scan_max_depth",
                rule.written, depth.value
            );
            findings.push(looked.finding(&RULE, summary, vec![rule.at.clone(), depth.at.clone()]));
        }
    }
}
