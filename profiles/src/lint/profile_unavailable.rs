//! A selection or a list that names what may not, or cannot, be used.

use super::{Finding, Rule, Severity};
use crate::effective::Availability;
use crate::stack::Stack;

pub(super) const RULE: Rule = Rule {
    name: "profile_unavailable",
    severity: Severity::High,
    finds: "`default_permissions` selects a profile that requirements forbid (Codex warns and uses another), or \
            the list of allowed profiles names one that nobody defines",
};

pub(super) fn look(stack: &Stack, findings: &mut Vec<Finding>) {
    let found = |summary: String, at| Finding {
        severity: RULE.severity,
        rule: RULE.name,
        profile: None,
        summary,
        at,
    };
    let selection = stack.selected();
    if let Some(refused) = &selection.refused {
        let reason = match stack.availability(&refused.value) {
            Availability::Unavailable { reason, at } => Some((reason, at)),
            Availability::Available => None,
        };
        let (reason, at) = reason.map_or((String::new(), None), |(reason, at)| (reason, Some(at)));
        let instead = selection.profile.as_deref().unwrap_or("no profile");
        let summary = format!(
            "`{}` is selected and may not be used: {reason}; Codex warns and uses `{instead}`",
            refused.value
        );
        let at = std::iter::once(refused.at.clone()).chain(at).collect();
        findings.push(found(summary, at));
    }
    let known: Vec<String> = stack.list().into_iter().map(|listed| listed.name).collect();
    if let Some(allowed) = stack.requirements().allowed_profiles() {
        for (name, entry) in &allowed.value {
            if !known.contains(name) {
                let summary =
                    format!("the list of allowed profiles names `{name}`, which nobody defines");
                findings.push(found(summary, vec![entry.at.clone()]));
            }
        }
        if let Some(default) = stack.requirements().default_permissions()
            && !matches!(stack.availability(&default.value), Availability::Available)
        {
            let summary =
                format!("the required default `{}` may not be used itself", default.value);
            findings.push(found(summary, vec![default.at.clone(), allowed.at.clone()]));
        }
    }
}
