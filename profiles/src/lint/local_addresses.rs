//! The guard of local addresses turned off.

use super::{Finding, Looked, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    name: "local_addresses",
    severity: Severity::Medium,
    finds: "`allow_local_binding`: names that resolve to local addresses, metadata services among them, are no \
            longer guarded",
};

pub(super) fn look(looked: &Looked<'_>, findings: &mut Vec<Finding>) {
    if let Some(switch) = looked.profile.network.switches.get("allow_local_binding")
        && switch.value
    {
        let summary =
            "`network.allow_local_binding` turns the guard of local addresses off: an allowed \
                           name may resolve to any of them; name the addresses instead"
                .to_owned();
        findings.push(looked.finding(&RULE, summary, vec![switch.at.clone()]));
    }
}
