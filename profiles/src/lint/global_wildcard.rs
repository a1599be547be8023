//! Every host allowed.

use super::{Finding, Looked, Rule, Severity};
use crate::profile::Permission;

pub(super) const RULE: Rule = Rule {
    name: "global_wildcard",
    severity: Severity::High,
    finds: "an allow for every host (`*`)",
};

pub(super) fn look(looked: &Looked<'_>, findings: &mut Vec<Finding>) {
    for rule in &looked.profile.network.domains {
        let stars = rule.pattern.written.trim();
        let wide = rule.pattern.is_global() || stars == "**" || matches!(stars, "*.*" | "**.*");
        if wide && rule.permission == Permission::Allow {
            let summary =
                format!("`{}` allows every host; name the hosts that are needed", rule.written);
            findings.push(looked.finding(&RULE, summary, vec![rule.at.clone()]));
        }
    }
}
