//! What people get wrong: one file a rule.

mod approval_policy_forbidden;
mod deny_pattern_depth;
mod divergence;
mod exact_only_address;
mod full_access_without_asking;
mod global_wildcard;
mod lasting_danger;
mod legacy_settings;
mod local_addresses;
mod network_off;
mod notices;
mod profile_unavailable;
mod reopened_deny;
mod shadowed_allow;
mod socket_grant;
mod unbounded_pattern;
mod unresolvable;
mod untrusted_project;

use serde::Serialize;

use crate::decide::Decider;
use crate::effective::EffectiveProfile;
use crate::error::Error;
use crate::place::Place;
use crate::profile::name;
use crate::provenance::Provenance;
use crate::stack::Stack;

/// Something that a source says and that has no effect, or not the one that it looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The lint rule that reports it.
    pub rule: &'static str,
    /// What it is.
    pub summary: String,
    /// Where it stands.
    pub at: Provenance,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Low,
    /// Something does not do what it looks like.
    Medium,
    /// Something protects less than it looks like, or nothing.
    High,
}

impl Severity {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The rule.
    pub rule: &'static str,
    /// The profile, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// What it is, and what to do.
    pub summary: String,
    /// The places that it is about.
    pub at: Vec<Provenance>,
}

/// A rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// How much its findings matter.
    pub severity: Severity,
    /// What it finds.
    pub finds: &'static str,
}

/// A profile that is looked at.
pub(crate) struct Looked<'a> {
    pub(crate) stack: &'a Stack,
    pub(crate) profile: &'a EffectiveProfile,
    pub(crate) decider: &'a Decider,
    pub(crate) name: &'a str,
}

impl Looked<'_> {
    fn finding(&self, rule: &Rule, summary: String, at: Vec<Provenance>) -> Finding {
        let profile = Some(self.name.to_owned());
        Finding { severity: rule.severity, rule: rule.name, profile, summary, at }
    }
}

/// Every rule, by name.
pub const RULES: [Rule; 22] = [
    approval_policy_forbidden::RULE,
    deny_pattern_depth::RULE,
    divergence::RULE,
    exact_only_address::RULE,
    full_access_without_asking::RULE,
    global_wildcard::RULE,
    lasting_danger::RULE,
    legacy_settings::RULE,
    local_addresses::RULE,
    network_off::RULE,
    notices::GLOBAL_DENY,
    notices::NO_PATH_RULES,
    notices::RELATIVE_DENY_READ,
    notices::UNKNOWN_REQUIREMENT,
    notices::UNKNOWN_SPECIAL_PATH,
    profile_unavailable::RULE,
    reopened_deny::RULE,
    shadowed_allow::RULE,
    socket_grant::RULE,
    unbounded_pattern::RULE,
    unresolvable::RULE,
    untrusted_project::RULE,
];

/// Looks at every profile of a stack, the built-in ones as far as they are selected, what matters most
/// first.
///
/// # Errors
/// When the patterns of a profile cannot be compiled.
pub fn lint(stack: &Stack, place: &Place) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    approval_policy_forbidden::look(stack, &mut findings);
    legacy_settings::look(stack, &mut findings);
    untrusted_project::look(stack, &mut findings);
    profile_unavailable::look(stack, &mut findings);
    notices::look(stack.notices(), None, &mut findings);
    let selected = stack.selected().profile;
    for listed in stack.list() {
        let name = listed.name.as_str();
        if name::is_built_in(name) && selected.as_deref() != Some(name) {
            continue;
        }
        let profile = match stack.effective(name) {
            Ok(profile) => profile,
            Err(error) => {
                unresolvable::found(name, &error, &listed.defined, &mut findings);
                continue;
            }
        };
        // The rules look at what the profile would allow, whether or not it may be used.
        let mut usable = profile.clone();
        usable.availability = crate::effective::Availability::Available;
        let decider = Decider::new(usable, place.clone())?;
        let looked = Looked { stack, profile: &profile, decider: &decider, name };
        notices::look(&profile.notices, Some(name), &mut findings);
        for rule in [
            deny_pattern_depth::look,
            divergence::look,
            exact_only_address::look,
            full_access_without_asking::look,
            global_wildcard::look,
            lasting_danger::look,
            local_addresses::look,
            network_off::look,
            reopened_deny::look,
            shadowed_allow::look,
            socket_grant::look,
            unbounded_pattern::look,
        ] {
            rule(&looked, &mut findings);
        }
    }
    findings.sort_by(|one, other| other.severity.cmp(&one.severity).then_with(|| one.cmp(other)));
    findings.dedup();
    Ok(findings)
}
