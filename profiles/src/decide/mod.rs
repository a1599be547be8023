//! Decisions: whether a command may read, write, list or connect, and which rule says so.

mod bounds;
mod decision;
pub mod globs;
mod hosts;
mod paths;
mod request;
mod tmpdir;
mod trace;
mod tree;

use std::net::IpAddr;

use crate::effective::{Availability, EffectiveProfile, Kind};
use crate::error::Error;
use crate::place::Place;
use crate::semantics::Semantics;

pub use decision::{Answer, Decision, Note, Reason, Rule, Verdict};
pub use request::{Connect, Request, Resolution, parse_target};
pub use trace::Considered;

/// A profile that is compiled for a place: compile it once, ask it often.
#[derive(Debug)]
pub struct Decider {
    profile: EffectiveProfile,
    place: Place,
    paths: [paths::Paths; 2],
    hosts: [hosts::Hosts; 2],
}

impl Decider {
    /// Compiles a profile for a place.
    ///
    /// # Errors
    /// When its rules make too many places and patterns there, or its patterns cannot be compiled.
    pub fn new(profile: EffectiveProfile, place: Place) -> Result<Self, Error> {
        bounds::check(&profile, &place)?;
        let failed = |error: globset::Error| Error::Unusable {
            what: profile.name.clone().unwrap_or_else(|| "the profile".to_owned()),
            reason: format!("its patterns cannot be compiled: {error}"),
        };
        let [codex, documented] = Semantics::ALL;
        let located = paths::located(&profile, &place);
        let paths = [
            paths::Paths::new(&profile, &place, &located, codex).map_err(failed)?,
            paths::Paths::new(&profile, &place, &located, documented).map_err(failed)?,
        ];
        drop(located);
        let hosts = [
            hosts::Hosts::new(&profile, codex).map_err(failed)?,
            hosts::Hosts::new(&profile, documented).map_err(failed)?,
        ];
        Ok(Self { profile, place, paths, hosts })
    }

    /// The profile.
    #[must_use]
    pub fn profile(&self) -> &EffectiveProfile {
        &self.profile
    }

    /// The place.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What the profile says to a request under a semantics.
    #[must_use]
    pub fn decide(&self, request: &Request<'_>, semantics: Semantics) -> Decision<'_> {
        let mut decision = self.answer(request, semantics);
        decision.semantics = semantics;
        decision
    }

    /// What it says under a semantics, and what it says under the other one where that is something else.
    #[must_use]
    pub fn both(&self, request: &Request<'_>, semantics: Semantics) -> Answer<'_> {
        let decision = self.decide(request, semantics);
        let other = self.decide(request, semantics.other());
        let other = (other.verdict != decision.verdict).then_some(other);
        Answer { decision, other }
    }

    /// Every rule that was looked at for a request, the one that decides first.
    #[must_use]
    pub fn trace(&self, request: &Request<'_>, semantics: Semantics) -> Vec<Considered<'_>> {
        trace::trace(self, request, semantics)
    }

    fn answer(&self, request: &Request<'_>, semantics: Semantics) -> Decision<'_> {
        if let Availability::Unavailable { reason, at } = &self.profile.availability {
            return Decision::by(
                Verdict::Deny,
                Reason::Unavailable,
                Rule::Requirement { reason, at },
            );
        }
        match self.profile.kind {
            Kind::Unrestricted => return Decision::plain(Verdict::Allow, Reason::Unrestricted),
            Kind::External => return Decision::plain(Verdict::NotStated, Reason::External),
            Kind::Restricted => {}
        }
        let [codex, documented] = &self.paths;
        let [codex_hosts, documented_hosts] = &self.hosts;
        let (paths, hosts) = match semantics {
            Semantics::Codex => (codex, codex_hosts),
            Semantics::Documented => (documented, documented_hosts),
        };
        match request {
            Request::Read(path) | Request::List(path) => {
                paths.decide(&self.profile, &self.place, path, false)
            }
            Request::Write(path) => paths.decide(&self.profile, &self.place, path, true),
            Request::Connect(connect) => hosts.connect(&self.profile, connect),
            Request::Socket(path) => hosts.socket(&self.profile, &self.place, path),
        }
    }
}

/// Whether any of these addresses is not one of the public internet.
fn any_local(addresses: &[IpAddr]) -> bool {
    addresses.iter().any(|address| crate::profile::domain::is_local(*address))
}

/// How many levels below its fixed part a deny pattern looks under a semantics; none is without a bound.
pub(crate) fn reach(
    profile: &EffectiveProfile,
    rule: &crate::effective::PathRule,
    semantics: Semantics,
) -> Option<u32> {
    paths::reach(profile, rule, semantics)
}

/// The workspace roots: the place's and those that the profile adds.
pub(crate) fn workspace_roots(profile: &EffectiveProfile, place: &Place) -> Vec<String> {
    paths::roots(profile, place)
}

/// The paths and the patterns that a rule's target is, in a place.
pub(crate) fn path_spots(
    target: &crate::profile::path::Target,
    place: &Place,
    roots: &[String],
) -> (Vec<String>, Vec<String>) {
    let mut found = (Vec::new(), Vec::new());
    for spot in paths::spots(target, place, roots) {
        match spot {
            paths::Spot::Path(path) => found.0.push(path.into_owned()),
            paths::Spot::Pattern(pattern) => found.1.push(pattern),
        }
    }
    found
}
