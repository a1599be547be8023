//! Reading below a deny.

use super::{Finding, Looked, Rule, Severity};
use crate::decide::{Note, Request, path_spots, workspace_roots};
use crate::profile::Access;

pub(super) const RULE: Rule = Rule {
    name: "reopened_deny",
    severity: Severity::Low,
    finds: "a `read` below a `deny`: the longer path wins, but Codex's Linux sandbox and its file tools keep the \
            whole folder denied",
};

pub(super) fn look(looked: &Looked<'_>, findings: &mut Vec<Finding>) {
    let (profile, place) = (looked.profile, looked.decider.place());
    let roots = workspace_roots(profile, place);
    for rule in profile.paths.iter().filter(|rule| rule.access == Access::Read) {
        for path in path_spots(&rule.target, place, &roots).0 {
            let decision = looked.decider.decide(&Request::Read(&path), crate::Semantics::Codex);
            if decision.notes.contains(&Note::Reopened) {
                let summary = format!(
                    "`{}` stands below a deny: in practice it stays denied; only a `write` opens it",
                    rule.written
                );
                findings.push(looked.finding(&RULE, summary, vec![rule.at.clone()]));
            }
        }
    }
}
