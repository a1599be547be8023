//! A deny that Codex lets go and that is documented to stay.

use super::{Finding, Looked, Rule, Severity};
use crate::decide::globs::fixed;
use crate::decide::reach;
use crate::effective::{PathRule, Standing};
use crate::profile::Access;
use crate::profile::domain::Pattern;
use crate::profile::path::Target;
use crate::provenance::Provenance;

pub(super) const RULE: Rule = Rule {
    name: "divergence",
    severity: Severity::High,
    finds: "a deny that a child profile or a less trusted layer replaced, opened or bounded in depth: Codex lets \
            it go, the documentation says that it stays",
};

pub(super) fn look(looked: &Looked<'_>, findings: &mut Vec<Finding>) {
    let profile = looked.profile;
    let mut found = |what: &str, deny: &Provenance, by: Option<&Provenance>| {
        let summary = format!(
            "`{what}` no longer holds in Codex, though it is documented to: a child profile or a less trusted \
             layer replaced it; requirements (deny_read, experimental_network) cannot be replaced"
        );
        let at = std::iter::once(deny).chain(by).cloned().collect();
        findings.push(looked.finding(&RULE, summary, at));
    };
    let held =
        profile.paths.iter().filter(|rule| rule.standing == Standing::Documented && !rule.floor);
    for rule in held {
        // A deny that a deny replaced is still one.
        let same = |other: &&PathRule| {
            other.standing == Standing::Both
                && other.access == Access::Deny
                && other.target == rule.target
        };
        if profile.paths.iter().any(|other| same(&other)) {
            continue;
        }
        let by =
            profile.paths.iter().find(|other| other.replaced.iter().any(|old| old.at == rule.at));
        found(&rule.written, &rule.at, by.map(|rule| &rule.at));
    }
    let domains = &profile.network.domains;
    for rule in domains.iter().filter(|rule| rule.standing == Standing::Documented) {
        let by = domains.iter().find(|other| other.replaced.iter().any(|old| old.at == rule.at));
        found(&rule.written, &rule.at, by.map(|rule| &rule.at));
    }
    let sockets = &profile.network.sockets;
    for rule in sockets.iter().filter(|rule| rule.standing == Standing::Documented) {
        let by = sockets.iter().find(|other| other.replaced.iter().any(|old| old.at == rule.at));
        found(&rule.written, &rule.at, by.map(|rule| &rule.at));
    }
    for (name, switch) in &profile.network.switches {
        if let Some(held) = &switch.held {
            found(&format!("network.{name} = {}", held.value), &held.at, Some(&switch.at));
        }
    }
    opened(looked, findings);
    bounded(looked, findings);
    spelled(looked, findings);
}

/// A deny pattern that the depth of a less trusted layer keeps from what lies deeper.
fn bounded(looked: &Looked<'_>, findings: &mut Vec<Finding>) {
    let profile = looked.profile;
    let Some(depth) = &profile.glob_scan_max_depth else { return };
    for rule in &profile.paths {
        let Target::Glob { pattern, .. } = &rule.target else { continue };
        let documented = reach(profile, rule, crate::Semantics::Documented);
        let short = levels(pattern).is_none_or(|levels| levels > depth.value);
        if rule.standing == Standing::Both && documented.is_none() && short {
            let summary = format!(
                "`glob_scan_max_depth = {}` of a less trusted layer keeps `{}` from what lies deeper: Codex lets \
                 commands read it, the documentation says that the deny stays",
                depth.value, rule.written
            );
            findings.push(looked.finding(&RULE, summary, vec![rule.at.clone(), depth.at.clone()]));
        }
    }
}

/// How many levels below its fixed part a pattern reaches; none is without an end.
fn levels(pattern: &str) -> Option<u32> {
    let names = pattern.split('/').filter(|name| !name.is_empty()).count();
    let levels = u32::try_from(names.saturating_sub(fixed(pattern))).ok()?;
    (!pattern.contains("**")).then_some(levels)
}

/// A more specific allow of a less trusted layer below a deny.
fn opened(looked: &Looked<'_>, findings: &mut Vec<Finding>) {
    use crate::decide::{Request, path_spots, workspace_roots};
    let (profile, place) = (looked.profile, looked.decider.place());
    let roots = workspace_roots(profile, place);
    for rule in profile.paths.iter().filter(|rule| rule.standing == Standing::Both) {
        for path in path_spots(&rule.target, place, &roots).0 {
            let answer = looked.decider.both(&Request::Read(&path), crate::Semantics::Codex);
            let (Some(other), true) = (&answer.other, answer.decision.is_allowed()) else {
                continue;
            };
            let trusted = other.reason == crate::decide::Reason::MoreTrusted;
            if let (true, Some(deny)) = (trusted, other.rule) {
                let summary = format!(
                    "`{}` opens what `{}` denies: Codex lets the longer path win, the documentation says that \
                     a less trusted layer cannot weaken a deny",
                    rule.written,
                    deny.text()
                );
                let at = std::iter::once(&rule.at).chain(deny.at()).cloned().collect();
                findings.push(looked.finding(&RULE, summary, at));
            }
        }
    }
}

/// A host that only one spelling of denies.
fn spelled(looked: &Looked<'_>, findings: &mut Vec<Finding>) {
    for rule in &looked.profile.network.domains {
        let Pattern { codex, documented, written } = &rule.pattern;
        if codex != documented && rule.standing == Standing::Both {
            let summary = format!(
                "`{written}` is compared as a text: Codex knows neither international names nor other \
                 spellings of an address; write it as it goes over the wire"
            );
            findings.push(looked.finding(&RULE, summary, vec![rule.at.clone()]));
        }
    }
}
