//! Full access with nobody to ask.

use super::{Finding, Looked, Rule, Severity};
use crate::decide::Request;
use crate::effective::Kind;

pub(super) const RULE: Rule = Rule {
    name: "full_access_without_asking",
    severity: Severity::High,
    finds: "a profile without restriction, or with a writable root, selected with `approval_policy = \"never\"`",
};

pub(super) fn look(looked: &Looked<'_>, findings: &mut Vec<Finding>) {
    let Some(policy) = looked.stack.approval_policy().filter(|policy| policy.value == "never")
    else {
        return;
    };
    if looked.stack.selected().profile.as_deref() != Some(looked.name) {
        return;
    }
    let request = Request::Write("/anything-else");
    let decision = looked.decider.decide(&request, crate::Semantics::Codex);
    if looked.profile.kind == Kind::Unrestricted || decision.is_allowed() {
        let summary = format!(
            "`{}` lets commands write everywhere, and nobody is asked (approval_policy = never)",
            looked.name
        );
        let selected = looked.stack.selected().at;
        let rule = decision.rule.and_then(|rule| rule.at().cloned());
        let at = std::iter::once(policy.at.clone()).chain(selected).chain(rule).collect();
        findings.push(looked.finding(&RULE, summary, at));
    }
}
