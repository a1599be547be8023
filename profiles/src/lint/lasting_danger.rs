//! Settings that Codex itself calls dangerous.

use super::{Finding, Looked, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    name: "lasting_danger",
    severity: Severity::High,
    finds: "a `dangerously_…` setting that is on",
};

pub(super) fn look(looked: &Looked<'_>, findings: &mut Vec<Finding>) {
    for (name, switch) in &looked.profile.network.switches {
        if name.starts_with("dangerously_") && switch.value {
            let effect = match name.as_str() {
                "dangerously_allow_all_unix_sockets" => {
                    "every Unix socket can be reached, Docker's among them"
                }
                _ => "other machines can use the proxy",
            };
            let summary = format!("`network.{name}` is on: {effect}");
            findings.push(looked.finding(&RULE, summary, vec![switch.at.clone()]));
        }
    }
}
