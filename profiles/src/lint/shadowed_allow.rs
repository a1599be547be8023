//! An allow that a deny takes the effect from.

use super::{Finding, Looked, Rule, Severity};
use crate::compare::host_for;
use crate::decide::{Connect, Request, Verdict, path_spots, workspace_roots};
use crate::effective::Standing;
use crate::profile::{Access, Permission};

pub(super) const RULE: Rule = Rule {
    name: "shadowed_allow",
    severity: Severity::Medium,
    finds: "an allow for a path or a host that a deny always goes before: it has no effect",
};

pub(super) fn look(looked: &Looked<'_>, findings: &mut Vec<Finding>) {
    paths(looked, findings);
    hosts(looked, findings);
}

fn paths(looked: &Looked<'_>, findings: &mut Vec<Finding>) {
    let (profile, place) = (looked.profile, looked.decider.place());
    let roots = workspace_roots(profile, place);
    let allows = profile.paths.iter().filter(|rule| rule.access != Access::Deny);
    for rule in allows.filter(|rule| rule.standing == Standing::Both) {
        let spots = path_spots(&rule.target, place, &roots).0;
        let denied = spots.iter().map(|path| {
            let decision = looked.decider.decide(&Request::Read(path), crate::Semantics::Codex);
            let deny = decision.rule.filter(|_| decision.verdict == Verdict::Deny);
            deny.map(|deny| (deny.text(), deny.at().cloned()))
        });
        let denied: Option<Vec<_>> = denied.collect();
        if let Some((deny, at)) = denied.unwrap_or_default().into_iter().next() {
            let summary = format!("`{}` has no effect: `{deny}` goes before it", rule.written);
            let at = std::iter::once(rule.at.clone()).chain(at).collect();
            findings.push(looked.finding(&RULE, summary, at));
        }
    }
}

fn hosts(looked: &Looked<'_>, findings: &mut Vec<Finding>) {
    let allows = looked
        .profile
        .network
        .domains
        .iter()
        .filter(|rule| rule.permission == Permission::Allow && rule.standing == Standing::Both);
    for rule in allows {
        let examples = host_for(&rule.pattern.codex);
        let denied = examples.iter().map(|host| {
            let request = Request::Connect(Connect::to(host));
            let decision = looked.decider.decide(&request, crate::Semantics::Codex);
            let denied = decision.reason == crate::decide::Reason::Denied;
            decision.rule.filter(|_| denied).map(|deny| (deny.text(), deny.at().cloned()))
        });
        let denied: Option<Vec<_>> = denied.collect();
        if let Some((deny, at)) = denied.unwrap_or_default().into_iter().next() {
            let summary = format!("`{}` has no effect: `{deny}` goes before it", rule.written);
            let at = std::iter::once(rule.at.clone()).chain(at).collect();
            findings.push(looked.finding(&RULE, summary, at));
        }
    }
}
