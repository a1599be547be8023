//! A project's configuration that is not used.

use super::{Finding, Rule, Severity};
use crate::provenance::Provenance;
use crate::stack::Stack;

pub(super) const RULE: Rule = Rule {
    name: "untrusted_project",
    severity: Severity::Low,
    finds: "profiles in the configuration of a project that is not trusted: they have no effect",
};

pub(super) fn look(stack: &Stack, findings: &mut Vec<Finding>) {
    for layer in stack.layers().iter().filter(|layer| !layer.in_force) {
        let says = layer.names().next().is_some() || layer.default_permissions.is_some();
        if says {
            let at = Provenance { file: layer.file.clone(), ..Provenance::of(layer.kind) };
            findings.push(Finding {
                severity: RULE.severity,
                rule: RULE.name,
                profile: None,
                summary: "the project is not trusted, and what its configuration says about profiles has no \
                          effect"
                    .to_owned(),
                at: vec![at],
            });
        }
    }
}
