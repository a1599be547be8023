//! A policy of asking that requirements forbid.

use super::{Finding, Rule, Severity};
use crate::stack::Stack;

pub(super) const RULE: Rule = Rule {
    name: "approval_policy_forbidden",
    severity: Severity::High,
    finds: "an `approval_policy` that `allowed_approval_policies` does not have: Codex warns and uses another",
};

pub(super) fn look(stack: &Stack, findings: &mut Vec<Finding>) {
    let Some(policy) = stack.approval_policy() else { return };
    let requirements = stack.requirements();
    if requirements.allows_approval_policy(&policy.value) {
        return;
    }
    let list = requirements.approval_policies.as_ref().map(|list| list.at.clone());
    findings.push(Finding {
        severity: RULE.severity,
        rule: RULE.name,
        profile: None,
        summary: format!("`approval_policy = {}` is forbidden by requirements", policy.value),
        at: std::iter::once(policy.at.clone()).chain(list).collect(),
    });
}
