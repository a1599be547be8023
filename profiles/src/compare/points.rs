//! Requests at which profiles can differ. Between two of them a profile without patterns answers the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::{path_spots, reach, workspace_roots};
use crate::effective::EffectiveProfile;
use crate::layer::Setting;
use crate::place::Place;
use crate::profile::built_in::PROTECTED;
use crate::profile::domain::Match;
use crate::profile::path::Target;
use crate::semantics::Semantics;
use crate::source::Scalar;

/// A name that no rule has.
const FRESH: &str = "anything-else";

/// A host below a domain that no rule names.
pub(crate) fn host_below(domain: &str) -> String {
    format!("{FRESH}.{domain}")
}

/// The paths that rules name, in any of the profiles.
pub(crate) fn paths(profiles: &[&EffectiveProfile], place: &Place) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for profile in profiles {
        let roots = workspace_roots(profile, place);
        for rule in &profile.paths {
            paths.extend(path_spots(&rule.target, place, &roots).0);
        }
    }
    paths
}

/// The paths that rules name, what is below each of them, and the protected names there.
pub(crate) fn all_paths(profiles: &[&EffectiveProfile], place: &Place) -> BTreeSet<String> {
    let mut all = BTreeSet::from(["/".to_owned(), format!("/{FRESH}")]);
    for path in paths(profiles, place) {
        let front = path.trim_end_matches('/');
        all.insert(format!("{front}/{FRESH}"));
        for name in PROTECTED {
            all.insert(format!("{front}/{name}"));
            all.insert(format!("{front}/{name}/{FRESH}"));
        }
        all.insert(path);
    }
    all
}

/// A path or host that a pattern matches.
pub(crate) fn sample(pattern: &str) -> String {
    let mut sample = String::with_capacity(pattern.len());
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '*' => {
                while characters.peek() == Some(&'*') {
                    characters.next();
                }
                sample.push('x');
            }
            '?' => sample.push('x'),
            '[' => {
                let inside: String = characters.by_ref().take_while(|next| *next != ']').collect();
                sample.extend(inside.trim_start_matches(['!', '^']).chars().next());
            }
            other => sample.push(other),
        }
    }
    sample
}

/// Patterns for paths, as they apply in a place.
pub(crate) fn patterns(profile: &EffectiveProfile, place: &Place) -> Vec<String> {
    let roots = workspace_roots(profile, place);
    let globs = profile.paths.iter().filter(|rule| matches!(rule.target, Target::Glob { .. }));
    globs.flat_map(|rule| path_spots(&rule.target, place, &roots).1).collect()
}

/// Patterns for paths that count under a semantics, as they apply in a place, each with how many levels below
/// its fixed part it looks.
pub(crate) fn reaches(
    profile: &EffectiveProfile,
    place: &Place,
    semantics: Semantics,
) -> BTreeMap<String, u32> {
    let roots = workspace_roots(profile, place);
    let mut reaches = BTreeMap::new();
    for rule in profile.paths.iter().filter(|rule| rule.standing.counts(semantics)) {
        let deep = reach(profile, rule, semantics).unwrap_or(u32::MAX);
        for pattern in path_spots(&rule.target, place, &roots).1 {
            let known = reaches.entry(pattern).or_insert(deep);
            *known = deep.max(*known);
        }
    }
    reaches
}

/// Settings of the proxy that no decision rests on and that are not the same, by name.
pub(crate) fn other_settings<'a>(
    first: &'a EffectiveProfile,
    second: &'a EffectiveProfile,
) -> BTreeSet<&'a str> {
    let (first, second) = (&first.network.others, &second.network.others);
    let value = |others: &'a BTreeMap<String, Setting<Scalar>>, name: &str| {
        others.get(name).map(|setting| &setting.value)
    };
    let names = first.keys().chain(second.keys()).map(String::as_str);
    names.filter(|name| value(first, name) != value(second, name)).collect()
}

/// Hosts at which profiles can differ.
pub(crate) fn hosts(profiles: &[&EffectiveProfile]) -> BTreeSet<String> {
    let fixed = ["localhost", "127.0.0.1", "10.0.0.1", "::1", "8.8.8.8", "anything-else.example"];
    let mut hosts: BTreeSet<String> = fixed.map(str::to_owned).into();
    for rule in profiles.iter().flat_map(|profile| &profile.network.domains) {
        for matches in [&rule.pattern.codex, &rule.pattern.documented] {
            match matches {
                Match::Any => {}
                Match::Exact(domain) | Match::Below(domain) | Match::ApexAndBelow(domain) => {
                    hosts.insert(domain.clone());
                    hosts.insert(host_below(domain));
                }
                Match::Globs(globs) => hosts.extend(globs.iter().map(|glob| sample(glob))),
            }
        }
    }
    hosts
}

/// Sockets that rules name.
pub(crate) fn sockets(profiles: &[&EffectiveProfile]) -> BTreeSet<String> {
    let rules = profiles.iter().flat_map(|profile| &profile.network.sockets);
    rules.map(|rule| rule.path.clone()).collect()
}
