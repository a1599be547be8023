//! A Unix socket that is allowed.

use super::{Finding, Looked, Rule, Severity};
use crate::profile::Permission;

pub(super) const RULE: Rule = Rule {
    name: "socket_grant",
    severity: Severity::High,
    finds: "an allow for a Unix socket: what listens there acts outside the sandbox (Docker's is as good as root)",
};

pub(super) fn look(looked: &Looked<'_>, findings: &mut Vec<Finding>) {
    for rule in &looked.profile.network.sockets {
        if rule.permission == Permission::Allow {
            let docker = rule.path.contains("docker") || rule.path.contains("podman");
            let effect = if docker {
                "whoever reaches it can start a container as root, outside every rule"
            } else {
                "what listens there acts outside the sandbox"
            };
            let summary = format!("`{}`: {effect}", rule.written);
            findings.push(looked.finding(&RULE, summary, vec![rule.at.clone()]));
        }
    }
}
