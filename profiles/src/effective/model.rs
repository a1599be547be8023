//! What an effective profile is made of.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::layer::Setting;
use crate::lint::Notice;
use crate::profile::domain::Pattern;
use crate::profile::path::Target;
use crate::profile::{Access, Permission};
use crate::provenance::Provenance;
use crate::semantics::Semantics;
use crate::source::{Replaced, Scalar};

/// A profile after everything that could change it: layers, what it extends, requirements, grants.
#[derive(Debug, Clone)]
pub struct EffectiveProfile {
    /// Its name; a session file need not state one.
    pub name: Option<String>,
    /// What it extends, the nearest first.
    pub extends: Vec<String>,
    /// What its author says of it.
    pub description: Option<String>,
    /// Whether its rules apply.
    pub kind: Kind,
    /// Whether it may be used at all.
    pub availability: Availability,
    /// Folders that it adds to the workspace roots, with whether each counts.
    pub workspace_roots: BTreeMap<String, Setting<bool>>,
    /// Rules for paths.
    pub paths: Vec<PathRule>,
    /// How deep a deny pattern looks below its fixed part; without a bound by default.
    pub glob_scan_max_depth: Option<Setting<u32>>,
    /// Rules for the network.
    pub network: Network,
    /// What has no effect, and what else there is to say.
    pub notices: Vec<Notice>,
}

/// Whether a profile's rules apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// They do; what no rule allows is denied.
    Restricted,
    /// Nothing is restricted.
    Unrestricted,
    /// Something else restricts, which no profile tells of.
    External,
}

/// Whether a profile may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Availability {
    /// It may.
    Available,
    /// Requirements forbid it.
    Unavailable {
        /// Why.
        reason: String,
        /// Which requirement says so.
        at: Provenance,
    },
}

/// Under which semantics a rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Under both.
    Both,
    /// Under [`Semantics::Codex`] only.
    Codex,
    /// Under [`Semantics::Documented`] only: a deny that a child or a less trusted layer replaced.
    Documented,
}

impl Standing {
    /// Whether the rule counts under a semantics.
    #[must_use]
    pub fn counts(self, semantics: Semantics) -> bool {
        matches!(
            (self, semantics),
            (Self::Both, _)
                | (Self::Codex, Semantics::Codex)
                | (Self::Documented, Semantics::Documented)
        )
    }
}

/// A rule for paths.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PathRule {
    /// What it points at.
    pub target: Target,
    /// What it says.
    pub access: Access,
    /// As it is written, key and value.
    pub written: String,
    /// Where it comes from.
    pub at: Provenance,
    /// Under which semantics it counts.
    pub standing: Standing,
    /// Whether requirements say it, so that nothing more specific weakens it.
    pub floor: bool,
    /// What it replaced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Replaced>,
}

/// A rule for hosts.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainRule {
    /// What it matches.
    pub pattern: Pattern,
    /// What it says.
    pub permission: Permission,
    /// As it is written, key and value.
    pub written: String,
    /// Where it comes from.
    pub at: Provenance,
    /// Under which semantics it counts.
    pub standing: Standing,
    /// What it replaced.
    pub replaced: Vec<Replaced>,
}

/// A rule for a Unix socket.
#[derive(Debug, Clone, PartialEq)]
pub struct SocketRule {
    /// The socket.
    pub path: String,
    /// What it says.
    pub permission: Permission,
    /// As it is written, key and value.
    pub written: String,
    /// Where it comes from.
    pub at: Provenance,
    /// Under which semantics it counts.
    pub standing: Standing,
    /// What it replaced.
    pub replaced: Vec<Replaced>,
}

/// A truth value of the network, under both semantics.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Switch {
    /// The value.
    pub value: bool,
    /// Where it comes from.
    pub at: Provenance,
    /// The stricter value that a more trusted layer has, which counts under [`Semantics::Documented`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Setting<bool>>,
}

impl Switch {
    /// The value under a semantics, and where it comes from.
    #[must_use]
    pub fn under(&self, semantics: Semantics) -> (bool, &Provenance) {
        match (&self.held, semantics) {
            (Some(held), Semantics::Documented) => (held.value, &held.at),
            _ => (self.value, &self.at),
        }
    }
}

/// Rules for the network.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Settings that are true or false, by name; what is not there is false.
    pub switches: BTreeMap<String, Switch>,
    /// Whether only requests that change nothing may be made (`mode = "limited"`).
    pub limited: Option<Switch>,
    /// Rules for hosts.
    pub domains: Vec<DomainRule>,
    /// Rules for Unix sockets.
    pub sockets: Vec<SocketRule>,
    /// Settings of the proxy that no decision rests on.
    pub others: BTreeMap<String, Setting<Scalar>>,
    /// Whether the source leaves out which hosts are allowed, as a session file may.
    pub hosts_silent: bool,
    /// Whether the source leaves out everything but whether the network is on and which hosts are allowed, as
    /// a session file does: a switch that is not there is not false.
    pub settings_silent: bool,
}

impl Network {
    /// A switch under a semantics, and where it comes from.
    #[must_use]
    pub fn switch(&self, name: &str, semantics: Semantics) -> (bool, Option<&Provenance>) {
        match self.switches.get(name) {
            Some(switch) => {
                let (value, at) = switch.under(semantics);
                (value, Some(at))
            }
            None => (false, None),
        }
    }
}
