//! A wildcard that looks as if it opened a local address.

use super::{Finding, Looked, Rule, Severity};
use crate::profile::Permission;

pub(super) const RULE: Rule = Rule {
    name: "exact_only_address",
    severity: Severity::Medium,
    finds: "an allow with a wildcard for local addresses or names: only an exact rule opens those",
};

pub(super) fn look(looked: &Looked<'_>, findings: &mut Vec<Finding>) {
    let network = &looked.profile.network;
    if network.switch("allow_local_binding", crate::Semantics::Codex).0 {
        return;
    }
    for rule in network.domains.iter().filter(|rule| rule.permission == Permission::Allow) {
        let written = rule.pattern.written.trim().to_ascii_lowercase();
        let front = written.split('*').next().unwrap_or_default().trim_start_matches('[');
        let local_front = front.starts_with("10.")
            || front.starts_with("192.168")
            || front.starts_with("127")
            || front.starts_with("172.");
        let local_name = written.ends_with(".localhost")
            || written.ends_with(".local")
            || written.ends_with(".internal");
        let wide = !rule.pattern.is_exact();
        if wide && (local_front || local_name) {
            let summary = format!(
                "`{}` opens no local address: that takes an exact rule for it, or allow_local_binding",
                rule.written
            );
            findings.push(looked.finding(&RULE, summary, vec![rule.at.clone()]));
        }
    }
}
