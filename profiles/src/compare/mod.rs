//! Two profiles beside one another: what became allowed, what became denied, and whether anything did.

mod points;
mod widens;

use serde::Serialize;

use crate::decide::{Connect, Decider, Request, Resolution, Verdict};
use crate::effective::{EffectiveProfile, Kind};
use crate::error::Error;
use crate::place::Place;
use crate::profile::domain::Match;
use crate::profile::path::Target;
use crate::provenance::Provenance;
use crate::semantics::Semantics;

pub use widens::{Widening, widens};

/// What differs between two profiles.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// What changed, in the order of paths, patterns, hosts, sockets and settings.
    pub changes: Vec<Change>,
    /// Whether the second allows anything that the first does not.
    pub widens: Widening,
    /// Whether the second denies anything that the first does not.
    pub narrows: Widening,
}

/// One thing that the profiles say differently.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// What it is about: `profile`, `path`, `pattern`, `host`, `socket` or `setting`.
    pub about: &'static str,
    /// Which one.
    pub subject: String,
    /// What the first says.
    pub before: String,
    /// What the second says.
    pub after: String,
    /// Which way it goes.
    pub effect: Effect,
    /// Where the first says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_at: Option<Provenance>,
    /// Where the second says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_at: Option<Provenance>,
}

/// Which way a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// More is allowed.
    Allowed,
    /// More is denied.
    Denied,
    /// Neither, or it cannot be told.
    Changed,
}

/// Compares two profiles in a place.
///
/// # Errors
/// When the patterns of one cannot be compiled.
pub fn compare(
    before: &EffectiveProfile,
    after: &EffectiveProfile,
    place: &Place,
    semantics: Semantics,
) -> Result<Difference, Error> {
    let sides = Sides {
        before: Decider::new(before.clone(), place.clone())?,
        after: Decider::new(after.clone(), place.clone())?,
        semantics,
    };
    let mut changes = Vec::new();
    sides.kinds(&mut changes);
    if before.kind == Kind::Restricted && after.kind == Kind::Restricted {
        sides.paths(&mut changes);
        sides.patterns(&mut changes);
        sides.hosts(&mut changes);
        sides.sockets(&mut changes);
        sides.settings(&mut changes);
    }
    Ok(Difference {
        changes,
        widens: widens(before, after, place, semantics)?,
        narrows: widens(after, before, place, semantics)?,
    })
}

struct Sides {
    before: Decider,
    after: Decider,
    semantics: Semantics,
}

impl Sides {
    fn both(&self) -> [&EffectiveProfile; 2] {
        [self.before.profile(), self.after.profile()]
    }

    fn kinds(&self, changes: &mut Vec<Change>) {
        let word = |profile: &EffectiveProfile| match (&profile.availability, profile.kind) {
            (crate::effective::Availability::Unavailable { .. }, _) => "unavailable",
            (_, Kind::Restricted) => "restricted",
            (_, Kind::Unrestricted) => "unrestricted",
            (_, Kind::External) => "restricted from outside",
        };
        let [before, after] = self.both().map(word);
        if before != after {
            let effect = match (before, after) {
                ("unavailable", _) | (_, "unrestricted") => Effect::Allowed,
                (_, "unavailable") | ("unrestricted", _) => Effect::Denied,
                _ => Effect::Changed,
            };
            changes.push(change("profile", "as a whole".to_owned(), before, after, effect));
        }
    }

    fn paths(&self, changes: &mut Vec<Change>) {
        for path in points::paths(&self.both(), self.before.place()) {
            let [before, after] = [&self.before, &self.after].map(|decider| {
                let ask = |request| decider.decide(&request, self.semantics);
                let (read, write) = (ask(Request::Read(&path)), ask(Request::Write(&path)));
                let level = match (read.is_allowed(), write.is_allowed()) {
                    (_, true) => 2,
                    (true, false) => 1,
                    (false, false) => 0,
                };
                // What keeps a path from being written decides as much as what lets it be read.
                let rule = if level == 1 { write.rule.or(read.rule) } else { read.rule };
                (level, rule.and_then(|rule| rule.at().cloned()))
            });
            if before.0 != after.0 {
                let word = |level| ["deny", "read", "write"].get(level).copied().unwrap_or("deny");
                let effect = if after.0 > before.0 { Effect::Allowed } else { Effect::Denied };
                let (first, second) = (word(before.0), word(after.0));
                let mut change = change("path", path, first, second, effect);
                (change.before_at, change.after_at) = (before.1, after.1);
                changes.push(change);
            }
        }
    }

    fn patterns(&self, changes: &mut Vec<Change>) {
        let patterns = self.both().map(|profile| {
            let globs = profile.paths.iter().filter(|rule| rule.standing.counts(self.semantics));
            let globs = globs.filter_map(|rule| match &rule.target {
                Target::Glob { pattern, below_roots } => {
                    let front = if *below_roots { ":workspace_roots/" } else { "" };
                    Some((format!("{front}{pattern}"), rule.at.clone()))
                }
                _ => None,
            });
            globs.collect::<std::collections::BTreeMap<_, _>>()
        });
        let [before, after] = &patterns;
        for (pattern, at) in before {
            if !after.contains_key(pattern) {
                let mut change =
                    change("pattern", pattern.clone(), "deny", "no rule", Effect::Allowed);
                change.before_at = Some(at.clone());
                changes.push(change);
            }
        }
        for (pattern, at) in after {
            if !before.contains_key(pattern) {
                let mut change =
                    change("pattern", pattern.clone(), "no rule", "deny", Effect::Denied);
                change.after_at = Some(at.clone());
                changes.push(change);
            }
        }
    }

    fn hosts(&self, changes: &mut Vec<Change>) {
        let mut seen = std::collections::BTreeMap::new();
        for rule in self.both().iter().flat_map(|profile| &profile.network.domains) {
            let matches = match self.semantics {
                Semantics::Codex => &rule.pattern.codex,
                Semantics::Documented => &rule.pattern.documented,
            };
            let example = match matches {
                Match::Any => points::host_below("example"),
                Match::Exact(host) => host.clone(),
                Match::Below(domain) | Match::ApexAndBelow(domain) => points::host_below(domain),
                Match::Globs(globs) => {
                    globs.first().map(|glob| points::sample(glob)).unwrap_or_default()
                }
            };
            seen.entry(rule.pattern.written.trim().to_ascii_lowercase()).or_insert(example);
        }
        for (pattern, host) in seen {
            let connect = Connect { resolution: Resolution::Unknown, ..Connect::to(&host) };
            self.verdicts("host", pattern, &Request::Connect(connect), changes);
        }
    }

    fn sockets(&self, changes: &mut Vec<Change>) {
        for path in points::sockets(&self.both()) {
            self.verdicts("socket", path.clone(), &Request::Socket(&path), changes);
        }
    }

    fn verdicts(
        &self,
        about: &'static str,
        subject: String,
        request: &Request<'_>,
        changes: &mut Vec<Change>,
    ) {
        let before = self.before.decide(request, self.semantics);
        let after = self.after.decide(request, self.semantics);
        if before.verdict == after.verdict {
            return;
        }
        let effect = match (before.verdict, after.verdict) {
            (Verdict::Deny, Verdict::Allow) => Effect::Allowed,
            (Verdict::Allow, Verdict::Deny) => Effect::Denied,
            _ => Effect::Changed,
        };
        let (first, second) = (before.verdict.as_str(), after.verdict.as_str());
        let mut change = change(about, subject, first, second, effect);
        change.before_at = before.rule.and_then(|rule| rule.at().cloned());
        change.after_at = after.rule.and_then(|rule| rule.at().cloned());
        changes.push(change);
    }

    fn settings(&self, changes: &mut Vec<Change>) {
        let [before, after] = self.both();
        let names = before.network.switches.keys().chain(after.network.switches.keys());
        let names: std::collections::BTreeSet<&String> = names.collect();
        for name in names {
            let (first, first_at) = before.network.switch(name, self.semantics);
            let (second, second_at) = after.network.switch(name, self.semantics);
            if first != second {
                let strict = name == "managed_allowed_domains_only";
                let effect = if second == strict { Effect::Denied } else { Effect::Allowed };
                let subject = format!("network.{name}");
                let mut change =
                    change("setting", subject, bool_word(first), bool_word(second), effect);
                change.before_at = first_at.cloned();
                change.after_at = second_at.cloned();
                changes.push(change);
            }
        }
        let limited = |profile: &EffectiveProfile| {
            let limited = profile.network.limited.as_ref();
            limited.is_some_and(|limited| limited.under(self.semantics).0)
        };
        let mode = |limited| if limited { "limited" } else { "full" };
        if limited(before) != limited(after) {
            let effect = if limited(after) { Effect::Denied } else { Effect::Allowed };
            let (first, second) = (mode(limited(before)), mode(limited(after)));
            changes.push(change("setting", "network.mode".to_owned(), first, second, effect));
        }
        for name in points::other_settings(before, after) {
            let [first, second] = [before, after].map(|profile| profile.network.others.get(name));
            let word = |setting: Option<_>| if setting.is_some() { "set" } else { "not set" };
            let [mut word_before, mut word_after] = [word(first), word(second)];
            if word_before == word_after {
                (word_before, word_after) = ("one value", "another");
            }
            let subject = format!("network.{name}");
            let mut change = change("setting", subject, word_before, word_after, Effect::Changed);
            change.before_at = first.map(|setting| setting.at.clone());
            change.after_at = second.map(|setting| setting.at.clone());
            changes.push(change);
        }
        let depth = |profile: &EffectiveProfile| {
            profile.glob_scan_max_depth.as_ref().map(|depth| depth.value)
        };
        if depth(before) != depth(after) {
            let word =
                |depth: Option<u32>| depth.map_or("no bound".to_owned(), |depth| depth.to_string());
            let deep = |depth: Option<u32>| depth.unwrap_or(u32::MAX);
            let deeper = deep(depth(after)) > deep(depth(before));
            let effect = if deeper { Effect::Denied } else { Effect::Allowed };
            let subject = "glob_scan_max_depth".to_owned();
            let (first, second) = (word(depth(before)), word(depth(after)));
            changes.push(change("setting", subject, &first, &second, effect));
        }
    }
}

fn bool_word(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

fn change(
    about: &'static str,
    subject: String,
    before: &str,
    after: &str,
    effect: Effect,
) -> Change {
    Change {
        about,
        subject,
        before: before.to_owned(),
        after: after.to_owned(),
        effect,
        before_at: None,
        after_at: None,
    }
}

/// Hosts that stand for all that a pattern matches.
pub(crate) fn host_for(matches: &Match) -> Vec<String> {
    match matches {
        Match::Any => vec![points::host_below("example")],
        Match::Exact(host) => vec![host.clone()],
        Match::Below(domain) => vec![points::host_below(domain)],
        Match::ApexAndBelow(domain) => vec![domain.clone(), points::host_below(domain)],
        Match::Globs(globs) => globs.iter().map(|glob| points::sample(glob)).collect(),
    }
}
