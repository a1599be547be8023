//! What a person or a plugin gave while the agent ran: layers on top of a profile.

use std::fmt;

use serde::Serialize;

use crate::effective::{DomainRule, EffectiveProfile, Kind, PathRule, Standing, Switch};
use crate::error::Error;
use crate::layer::LayerKind;
use crate::profile::domain::Pattern;
use crate::profile::path::Target;
use crate::profile::{Access, Permission};
use crate::provenance::Provenance;

/// How a grant came about, and how long it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    /// Asked for with `request_permissions`, for the rest of the turn.
    RequestedForTurn,
    /// Asked for with `request_permissions`, for the rest of the session.
    RequestedForSession,
    /// A command that was approved to run outside the sandbox.
    ApprovedEscalation,
    /// What a plugin raises for one call.
    Plugin,
    /// What a skill raises for one call.
    Skill,
}

impl GrantKind {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequestedForTurn => "request_permissions (turn)",
            Self::RequestedForSession => "request_permissions (session)",
            Self::ApprovedEscalation => "approved escalation",
            Self::Plugin => "plugin elevation",
            Self::Skill => "skill elevation",
        }
    }
}

impl fmt::Display for GrantKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// How it came about.
    pub kind: GrantKind,
    /// What tells it apart: a call, a plugin's name.
    pub id: Option<String>,
    /// What may be done to paths, each as a profile would write it.
    pub paths: Vec<(String, Access)>,
    /// Hosts that may be reached.
    pub hosts: Vec<String>,
    /// Whether the network is on.
    pub network: bool,
    /// Whether the command runs outside the sandbox: everything may be done but what is denied outright.
    pub unsandboxed: bool,
}

impl Grant {
    /// A grant of nothing yet.
    #[must_use]
    pub fn new(kind: GrantKind) -> Self {
        Self {
            kind,
            id: None,
            paths: Vec::new(),
            hosts: Vec::new(),
            network: false,
            unsandboxed: kind == GrantKind::ApprovedEscalation,
        }
    }

    fn at(&self) -> Provenance {
        let detail = match &self.id {
            Some(id) => format!("{} {id}", self.kind),
            None => self.kind.to_string(),
        };
        Provenance::of(LayerKind::Grant).with_detail(detail)
    }
}

impl EffectiveProfile {
    /// The profile with a grant on top. What requirements deny stays denied; so does, for a command outside
    /// the sandbox, everything that a rule denies by name.
    ///
    /// # Errors
    /// When the grant names a path or a host that is none.
    pub fn with_grant(mut self, grant: &Grant) -> Result<Self, Error> {
        if self.kind != Kind::Restricted {
            return Ok(self);
        }
        let at = grant.at();
        if grant.unsandboxed {
            self.paths.retain(|rule| rule.access == Access::Deny);
            self.paths.push(rule(Target::Root, Access::Write, ":root", &at));
        }
        for (path, access) in &grant.paths {
            let target = Target::parse(path, None, *access)
                .map_err(|reason| Error::at(&at, format!("the grant: {reason}")))?;
            self.paths.push(rule(target, *access, path, &at));
        }
        if grant.network || grant.unsandboxed {
            let switch = Switch { value: true, at: at.clone(), held: None };
            self.network.switches.insert("enabled".to_owned(), switch);
        }
        let everywhere = grant.unsandboxed.then_some("*");
        for host in grant.hosts.iter().map(String::as_str).chain(everywhere) {
            let pattern = Pattern::parse(host)
                .map_err(|reason| Error::at(&at, format!("the grant: {reason}")))?;
            self.network.domains.push(DomainRule {
                pattern,
                permission: Permission::Allow,
                written: format!("{host} = allow"),
                at: at.clone(),
                standing: Standing::Both,
                replaced: Vec::new(),
            });
        }
        if grant.unsandboxed {
            // Outside the sandbox nothing guards local addresses, and no proxy has to be gone through.
            let open = Switch { value: true, at: at.clone(), held: None };
            for name in ["allow_local_binding", "dangerously_allow_all_unix_sockets"] {
                self.network.switches.insert(name.to_owned(), open.clone());
            }
            self.network.limited = None;
            self.network.hosts_silent = false;
            self.network.settings_silent = false;
        }
        Ok(self)
    }
}

fn rule(target: Target, access: Access, key: &str, at: &Provenance) -> PathRule {
    PathRule {
        target,
        access,
        written: format!("{key} = {access}"),
        at: at.clone(),
        standing: Standing::Both,
        floor: false,
        replaced: Vec::new(),
    }
}
