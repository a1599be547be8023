//! How much of a profile is compiled: what its rules make in a place is a product, and has to have an end.

use crate::effective::EffectiveProfile;
use crate::error::Error;
use crate::place::Place;
use crate::profile::domain::Match;
use crate::profile::path::Target;

/// Workspace roots at most.
const ROOTS: usize = 1_000;

/// Places that the rules for paths are about at most: one below a workspace root counts once for every root.
const SPOTS: usize = 20_000;

/// Patterns at most, of paths and of hosts each. They are compiled into one automaton, which takes far more
/// time and room than as many names.
const PATTERNS: usize = 1_000;

/// Refuses a profile that is too large for a place.
///
/// # Errors
/// Which bound it goes over.
pub(crate) fn check(profile: &EffectiveProfile, place: &Place) -> Result<(), Error> {
    let roots = place.workspace_roots.len() + profile.workspace_roots.len();
    let (mut spots, mut patterns) = (0_usize, 0_usize);
    for rule in &profile.paths {
        match &rule.target {
            Target::WorkspaceRoots { .. } => spots = spots.saturating_add(roots),
            Target::Minimal => spots = spots.saturating_add(super::paths::MINIMAL.len()),
            Target::Glob { below_roots: true, .. } => patterns = patterns.saturating_add(roots),
            Target::Glob { below_roots: false, .. } => patterns = patterns.saturating_add(1),
            _ => spots = spots.saturating_add(1),
        }
    }
    let globs = |matches: &Match| match matches {
        Match::Globs(globs) => globs.len(),
        _ => 0,
    };
    let hosts = profile.network.domains.iter();
    let hosts: usize =
        hosts.map(|rule| globs(&rule.pattern.codex).max(globs(&rule.pattern.documented))).sum();
    let counts = [
        (roots, ROOTS, "workspace roots"),
        (spots, SPOTS, "paths, one in each workspace root counted for itself"),
        (patterns, PATTERNS, "patterns for paths, one in each workspace root counted for itself"),
        (hosts, PATTERNS, "patterns for hosts"),
    ];
    match counts.into_iter().find(|(count, most, _)| count > most) {
        None => Ok(()),
        Some((count, most, what)) => Err(Error::Unusable {
            what: profile.name.clone().unwrap_or_else(|| "the profile".to_owned()),
            reason: format!("it has {count} {what}; at most {most} are compiled"),
        }),
    }
}
