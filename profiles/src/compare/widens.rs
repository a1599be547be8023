//! Whether one profile allows anything that another does not.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use serde::Serialize;

use super::points;
use crate::decide::{Connect, Decider, Reason, Request, Resolution, Verdict};
use crate::effective::{Availability, EffectiveProfile, Kind};
use crate::error::Error;
use crate::place::Place;
use crate::profile::Permission;
use crate::profile::domain::Match;
use crate::profile::path::Target;
use crate::semantics::Semantics;

/// Requests that are named as examples at most.
const EXAMPLES: usize = 5;

/// Whether something is allowed that was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Widening {
    /// Nothing is.
    No,
    /// Something is.
    Yes {
        /// Requests that show it, a few of them.
        examples: Vec<String>,
    },
    /// It cannot be told.
    Unknown {
        /// Why not.
        reason: String,
    },
}

impl Widening {
    fn unknown(reason: impl Into<String>) -> Self {
        Self::Unknown { reason: reason.into() }
    }
}

/// Whether `to` allows anything that `from` does not, in a place and under a semantics.
///
/// For rules without patterns the answer is exact: between the paths, hosts and sockets that rules name, a
/// profile answers the same, so it is enough to ask there. Patterns are compared as texts: a deny pattern
/// that both have is the same one, and one that only `from` has is tried with a path that it matches. What
/// other settings of the proxy than its rules do (`mitm`) is not known: where they differ, so is the answer.
///
/// # Errors
/// When the patterns of one cannot be compiled.
pub fn widens(
    from: &EffectiveProfile,
    to: &EffectiveProfile,
    place: &Place,
    semantics: Semantics,
) -> Result<Widening, Error> {
    let usable = |profile: &EffectiveProfile| profile.availability == Availability::Available;
    let same = || from.canonical() == to.canonical() && !trust_decides(from, to, semantics);
    if !usable(to) || (usable(from) && same()) {
        return Ok(Widening::No);
    }
    if to.kind == Kind::External || (usable(from) && from.kind == Kind::External) {
        return Ok(Widening::unknown(
            "something else restricts, which the profile does not tell of",
        ));
    }
    if usable(from) && from.kind == Kind::Unrestricted {
        return Ok(Widening::No);
    }
    if to.kind == Kind::Unrestricted {
        return Ok(Widening::Yes { examples: vec!["everything".to_owned()] });
    }
    let compiled = |profile: &EffectiveProfile| Decider::new(profile.clone(), place.clone());
    let whole = [compiled(from)?, compiled(to)?];
    let asked = Asked::new(from, to, place);
    let found = asked.differences(&whole, semantics);
    if !found.examples.is_empty() {
        return Ok(Widening::Yes { examples: found.examples });
    }
    if let Some(reason) = found.not_stated {
        return Ok(Widening::unknown(reason.sentence()));
    }
    if let Some(name) = other_setting(from, to, semantics) {
        let reason = format!("`network.{name}` is another one, and what it changes is not known");
        return Ok(Widening::unknown(reason));
    }
    // What is left are requests that only patterns keep apart.
    let plain = [compiled(&without_patterns(from))?, compiled(&without_patterns(to))?];
    let hidden = asked.differences(&plain, semantics);
    if let Some(example) = hidden.examples.first() {
        let reason = format!("only patterns keep `{example}` from being a difference");
        return Ok(Widening::unknown(reason));
    }
    Ok(patterns(from, to, place, semantics).map_or(Widening::No, Widening::unknown))
}

/// Whether an answer may rest on whose rule it is, which the canonical form leaves out.
fn trust_decides(from: &EffectiveProfile, to: &EffectiveProfile, semantics: Semantics) -> bool {
    let trusts = [from, to].into_iter().flat_map(|profile| {
        let depth = profile.glob_scan_max_depth.iter().map(|depth| depth.at.layer.trust());
        profile.paths.iter().map(|rule| rule.at.layer.trust()).chain(depth)
    });
    semantics == Semantics::Documented && trusts.collect::<BTreeSet<_>>().len() > 1
}

/// A setting of the proxy that is not the same, where there is a network that it is about.
fn other_setting<'a>(
    from: &'a EffectiveProfile,
    to: &'a EffectiveProfile,
    semantics: Semantics,
) -> Option<&'a str> {
    let (on, _) = to.network.switch("enabled", semantics);
    points::other_settings(from, to).into_iter().next().filter(|_| on)
}

/// The pattern that only one has and that may make a difference.
fn patterns(
    from: &EffectiveProfile,
    to: &EffectiveProfile,
    place: &Place,
    semantics: Semantics,
) -> Option<String> {
    let (before, after) =
        (points::reaches(from, place, semantics), points::reaches(to, place, semantics));
    for (pattern, reach) in &before {
        match after.get(pattern) {
            None => {
                let reason =
                    format!("the first denies `{pattern}`, and the second has no such pattern");
                return Some(reason);
            }
            Some(after) if after < reach => {
                return Some(format!("the second looks less deep for `{pattern}`"));
            }
            Some(_) => {}
        }
    }
    let hosts = |profile: &EffectiveProfile, permission: Permission| {
        let rules = profile
            .network
            .domains
            .iter()
            .filter(|rule| rule.standing.counts(semantics) && rule.permission == permission);
        let globs = rules.flat_map(|rule| match semantics {
            Semantics::Codex => rule.pattern.codex.globs().to_vec(),
            Semantics::Documented => rule.pattern.documented.globs().to_vec(),
        });
        globs.collect::<BTreeSet<String>>()
    };
    let known = hosts(from, Permission::Allow);
    let new = hosts(to, Permission::Allow).into_iter().find(|glob| !known.contains(glob));
    let kept = hosts(to, Permission::Deny);
    let gone = hosts(from, Permission::Deny).into_iter().find(|glob| !kept.contains(glob));
    new.or(gone).map(|glob| format!("only one of them has the pattern `{glob}`"))
}

fn without_patterns(profile: &EffectiveProfile) -> EffectiveProfile {
    let mut profile = profile.clone();
    profile.paths.retain(|rule| !matches!(rule.target, Target::Glob { .. }));
    profile.network.domains.retain(|rule| !matches!(rule.pattern.codex, Match::Globs(_)));
    profile
}

/// What is asked of both.
struct Asked {
    /// Paths that rules name or patterns match: they make the better examples.
    paths: Vec<String>,
    /// What lies below those paths.
    deeper: Vec<String>,
    hosts: Vec<String>,
    sockets: Vec<String>,
}

#[derive(Default)]
struct Found {
    examples: Vec<String>,
    /// Why one of them does not tell.
    not_stated: Option<Reason>,
}

impl Asked {
    fn new(from: &EffectiveProfile, to: &EffectiveProfile, place: &Place) -> Self {
        let both = [from, to];
        let mut paths = points::paths(&both, place);
        for profile in both {
            let samples = points::patterns(profile, place);
            paths.extend(samples.iter().map(|pattern| points::sample(pattern)));
        }
        let mut deeper = points::all_paths(&both, place);
        deeper.retain(|path| !paths.contains(path));
        let mut sockets = points::sockets(&both);
        sockets.insert("/anything-else.sock".to_owned());
        Self {
            paths: paths.into_iter().collect(),
            deeper: deeper.into_iter().collect(),
            hosts: points::hosts(&both).into_iter().collect(),
            sockets: sockets.into_iter().collect(),
        }
    }

    fn differences(&self, [from, to]: &[Decider; 2], semantics: Semantics) -> Found {
        let mut found = Found::default();
        // Says whether the request makes a difference.
        let mut ask = |request: Request<'_>, said: &dyn Fn() -> String| {
            let (first, second) =
                (from.decide(&request, semantics), to.decide(&request, semantics));
            let (before, after) = (first.verdict, second.verdict);
            let more = (before, after) == (Verdict::Deny, Verdict::Allow);
            if more && found.examples.len() < EXAMPLES {
                found.examples.push(said());
            }
            let untold = match (before, after) {
                (Verdict::NotStated, Verdict::Allow) => Some(first.reason),
                (Verdict::NotStated | Verdict::Deny, Verdict::NotStated) => Some(second.reason),
                _ => None,
            };
            found.not_stated = found.not_stated.or(untold);
            more
        };
        let mut differs = false;
        for path in &self.paths {
            differs |= ask(Request::Read(path), &|| format!("read {path}"));
            differs |= ask(Request::Write(path), &|| format!("write {path}"));
        }
        let public = [IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8))];
        let local = [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))];
        let known = [
            (Resolution::Unknown, ""),
            (Resolution::Addresses(&public), " (at 8.8.8.8)"),
            (Resolution::Addresses(&local), " (at 10.0.0.1)"),
        ];
        for host in &self.hosts {
            // One example of a host is enough, and a plain one is asked first.
            let methods = [None, Some("GET"), Some("POST"), Some("CONNECT")];
            let asked =
                known.iter().flat_map(|known| methods.iter().map(move |method| (known, *method)));
            for ((resolution, at), method) in asked {
                let connect = Connect { host, port: None, method, resolution: *resolution };
                let said = || match method {
                    Some(method) => format!("connect {host}{at} with {method}"),
                    None => format!("connect {host}{at}"),
                };
                if ask(Request::Connect(connect), &said) {
                    differs = true;
                    break;
                }
            }
        }
        for socket in &self.sockets {
            differs |= ask(Request::Socket(socket), &|| format!("socket {socket}"));
        }
        if !differs {
            for path in &self.deeper {
                ask(Request::Read(path), &|| format!("read {path}"));
                ask(Request::Write(path), &|| format!("write {path}"));
            }
        }
        found
    }
}
