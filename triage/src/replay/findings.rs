//! What a person should look at in a replay.

use blotter_profiles::Stack;
use blotter_profiles::effective::Availability;

use super::in_effect::Known;
use super::model::{Agreement, Check, Happened, InEffect, Source};
use crate::reconstruct::findings::{Finding, Severity};

/// The approval policy under which nobody is asked.
const NEVER: &str = "never";

/// A kind of finding.
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it finds.
    pub finds: &'static str,
    /// When the same is found although nothing is wrong.
    pub false_positive: &'static str,
}

/// Every rule.
pub static RULES: [Rule; 7] = [
    PROXY_ALLOWED_DENIED,
    WRITE_OUTSIDE,
    READ_DENIED,
    STOPPED_THOUGH_ALLOWED,
    PROFILE_UNLISTED,
    PROFILE_WIDENED,
    FULL_ACCESS_WITHOUT_ASKING,
];

const PROXY_ALLOWED_DENIED: Rule = Rule {
    name: "proxy_allowed_what_the_profile_denies",
    severity: Severity::High,
    finds: "The network proxy let a connection through that the profile in effect denies.",
    false_positive: "A person or a grant that left no record allowed the host for the session.",
};
const WRITE_OUTSIDE: Rule = Rule {
    name: "write_that_the_profile_denies",
    severity: Severity::High,
    finds: "A call that succeeded wrote a file that the profile in effect does not let it write.",
    false_positive: "A command is read by its words: it may not have written that file, or its failure was passed over.",
};
const READ_DENIED: Rule = Rule {
    name: "read_that_the_profile_denies",
    severity: Severity::Medium,
    finds: "A call that succeeded read a file that the profile in effect does not let it read.",
    false_positive: "A command is read by its words: it may not have read that file, or its failure was passed over.",
};
const STOPPED_THOUGH_ALLOWED: Rule = Rule {
    name: "stopped_what_the_profile_allows",
    severity: Severity::Info,
    finds: "Something was stopped that the profile in effect allows.",
    false_positive: "The name resolves to a local address, or another control than the profile stopped it.",
};
const PROFILE_UNLISTED: Rule = Rule {
    name: "profile_not_allowed_by_requirements",
    severity: Severity::High,
    finds: "A profile was in effect that the requirements given do not allow.",
    false_positive: "The requirements were others when the session ran.",
};
const PROFILE_WIDENED: Rule = Rule {
    name: "profile_widened",
    severity: Severity::Medium,
    finds: "In the course of the session a profile came into effect that allows more than the one before, in another folder perhaps.",
    false_positive: "The user chose another mode or folder, which is their right.",
};
const FULL_ACCESS_WITHOUT_ASKING: Rule = Rule {
    name: "full_access_without_asking",
    severity: Severity::High,
    finds: "Nothing was restricted and nobody was asked.",
    false_positive: "The agent ran in a container or machine that is made to be thrown away.",
};

/// What there is to find.
pub(super) fn find(
    session_id: &str,
    profiles: &[Known],
    checks: &[Check],
    stack: Option<&Stack>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |rule: &Rule, summary: String, calls: Vec<String>, events| {
        found.push(Finding {
            rule: rule.name,
            severity: rule.severity,
            session_id: session_id.to_owned(),
            tenant: None,
            summary,
            false_positive: rule.false_positive.to_owned(),
            calls,
            speakers: Vec::new(),
            events,
        });
    };
    for (index, known) in profiles.iter().enumerate() {
        let said = &known.said;
        let name = named(said);
        // Of what a configuration says no record tells that it was in effect.
        let was_in_effect = said.source != Source::Configuration;
        if was_in_effect && said.unrestricted && said.approval_policy.as_deref() == Some(NEVER) {
            let summary =
                format!("{name} restricts nothing, and approval policy never asks nobody");
            add(&FULL_ACCESS_WITHOUT_ASKING, summary, Vec::new(), said.events.clone());
        }
        let availability = said
            .name
            .as_deref()
            .filter(|_| was_in_effect)
            .zip(stack)
            .map(|(name, stack)| stack.availability(name));
        if let Some(Availability::Unavailable { reason, at }) = availability {
            let summary = format!("{name} was in effect: {reason} ({at})");
            add(&PROFILE_UNLISTED, summary, Vec::new(), said.events.clone());
        }
        let before = index.checked_sub(1).and_then(|before| profiles.get(before));
        if let Some((before, wider)) = before.zip(known.wider.as_ref()) {
            let summary =
                format!("{name} allows more than {} before it: {wider}", named(&before.said));
            let events = before.said.events.iter().chain(&said.events).copied().collect();
            add(&PROFILE_WIDENED, summary, Vec::new(), events);
        }
    }
    for check in checks.iter().filter(|check| check.result == Agreement::Differs) {
        let rule = match (check.happened, check.access) {
            (Happened::Allowed, "connect") => &PROXY_ALLOWED_DENIED,
            (Happened::Allowed, "write") => &WRITE_OUTSIDE,
            (Happened::Allowed, _) => &READ_DENIED,
            _ => &STOPPED_THOUGH_ALLOWED,
        };
        let answer = check.profile.as_ref().map(super::model::Answer::sentence).unwrap_or_default();
        let done = match check.happened {
            Happened::Allowed => "went through",
            _ => "was stopped",
        };
        let summary = format!(
            "{} {} {done} ({}); the profile says {answer}",
            check.access, check.target, check.from
        );
        add(rule, summary, vec![check.address.clone()], check.events.clone());
    }
    found
}

fn named(said: &InEffect) -> String {
    match &said.name {
        Some(name) => format!("the profile {name}"),
        None => "a profile without a name".to_owned(),
    }
}
