//! A profile that cannot be resolved.

use super::{Finding, Rule, Severity};
use crate::error::Error;
use crate::provenance::Provenance;

pub(super) const RULE: Rule = Rule {
    name: "unresolvable",
    severity: Severity::High,
    finds: "a profile that extends itself, an unknown profile or `:danger-full-access`: Codex does not start with it",
};

pub(super) fn found(
    name: &str,
    error: &Error,
    defined: &[Provenance],
    findings: &mut Vec<Finding>,
) {
    findings.push(Finding {
        severity: RULE.severity,
        rule: RULE.name,
        profile: Some(name.to_owned()),
        summary: error.to_string(),
        at: defined.to_vec(),
    });
}
