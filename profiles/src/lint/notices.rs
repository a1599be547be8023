//! What Codex warns of and ignores.

use super::{Finding, Notice, Rule, Severity};

pub(super) const UNKNOWN_SPECIAL_PATH: Rule = Rule {
    name: "unknown_special_path",
    severity: Severity::High,
    finds: "a `:word` that is no special path: Codex warns and ignores the rule, also a deny",
};

pub(super) const NO_PATH_RULES: Rule = Rule {
    name: "no_path_rules",
    severity: Severity::Medium,
    finds: "a profile without rules for paths: commands cannot even start",
};

pub(super) const UNKNOWN_REQUIREMENT: Rule = Rule {
    name: "unknown_requirement",
    severity: Severity::High,
    finds: "a key in requirements that Codex does not know and ignores",
};

pub(super) const RELATIVE_DENY_READ: Rule = Rule {
    name: "relative_deny_read",
    severity: Severity::High,
    finds: "a relative pattern in `deny_read`: it applies below the folder of the file, not in workspaces",
};

pub(super) const GLOBAL_DENY: Rule = Rule {
    name: "global_deny",
    severity: Severity::Medium,
    finds: "`\"*\" = \"deny\"` in requirements as articles write them: Codex refuses it, and it is not needed",
};

const ALL: [Rule; 5] =
    [UNKNOWN_SPECIAL_PATH, NO_PATH_RULES, UNKNOWN_REQUIREMENT, RELATIVE_DENY_READ, GLOBAL_DENY];

pub(super) fn look(notices: &[Notice], profile: Option<&str>, findings: &mut Vec<Finding>) {
    for notice in notices {
        let Some(rule) = ALL.iter().find(|rule| rule.name == notice.rule) else { continue };
        findings.push(Finding {
            severity: rule.severity,
            rule: rule.name,
            profile: profile.map(str::to_owned),
            summary: notice.summary.clone(),
            at: vec![notice.at.clone()],
        });
    }
}
