//! Older sandbox settings beside profiles.

use super::{Finding, Rule, Severity};
use crate::stack::Stack;

pub(super) const RULE: Rule = Rule {
    name: "legacy_settings",
    severity: Severity::High,
    finds: "`sandbox_mode` or `sandbox_workspace_write` beside profiles: one such key in any layer switches \
            profiles off, unless requirements have a list of allowed ones",
};

pub(super) fn look(stack: &Stack, findings: &mut Vec<Finding>) {
    let profiles = stack
        .layers()
        .iter()
        .filter(|layer| layer.in_force)
        .any(|layer| layer.names().next().is_some() || layer.default_permissions.is_some());
    let listed = stack.requirements().allowed_profiles().is_some();
    for key in stack.legacy() {
        if !profiles && !listed {
            continue;
        }
        let effect = if listed {
            "has no effect, because requirements list the profiles that may be used"
        } else {
            "switches every profile off; the two do not compose"
        };
        findings.push(Finding {
            severity: RULE.severity,
            rule: RULE.name,
            profile: None,
            summary: format!("`{}` {effect}; remove it", key.value),
            at: vec![key.at],
        });
    }
}
