//! Rules for hosts while the network is off.

use super::{Finding, Looked, Rule, Severity};
use crate::profile::Permission;

pub(super) const RULE: Rule = Rule {
    name: "network_off",
    severity: Severity::Low,
    finds: "an allow for a host or a socket while `network.enabled` is not true: it has no effect",
};

pub(super) fn look(looked: &Looked<'_>, findings: &mut Vec<Finding>) {
    let network = &looked.profile.network;
    let (enabled, at) = network.switch("enabled", crate::Semantics::Codex);
    if enabled {
        return;
    }
    let hosts = network.domains.iter().map(|rule| (rule.permission, &rule.written, &rule.at));
    let sockets = network.sockets.iter().map(|rule| (rule.permission, &rule.written, &rule.at));
    let first = hosts.chain(sockets).find(|(permission, ..)| *permission == Permission::Allow);
    if let Some((_, written, place)) = first {
        let summary = format!(
            "`{written}` has no effect: the network of `{}` is off; set network.enabled = true",
            looked.name
        );
        let at = std::iter::once(place).chain(at).cloned().collect();
        findings.push(looked.finding(&RULE, summary, at));
    }
}
