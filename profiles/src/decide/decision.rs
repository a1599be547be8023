//! What a profile answers.

use std::fmt;

use serde::Serialize;

use crate::effective::{DomainRule, PathRule, SocketRule};
use crate::provenance::Provenance;
use crate::semantics::Semantics;

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It may.
    Allow,
    /// It may not.
    Deny,
    /// What is known of the profile does not tell: a session file need not state every rule.
    NotStated,
}

impl Verdict {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::NotStated => "not_stated",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Why it is decided so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The rule with the longest path decides.
    MostSpecific,
    /// A deny pattern matches.
    DenyPattern,
    /// Requirements deny it, whatever is more specific.
    Requirement,
    /// A more trusted layer denies it, and a less trusted one cannot allow it.
    MoreTrusted,
    /// The name is kept read-only below a writable folder, and no rule makes it writable.
    Protected,
    /// No rule is about it, and what no rule allows is denied.
    NoRule,
    /// The path cannot be told: it is relative, and no folder was given to start from.
    NoPath,
    /// The path cannot be told: it begins with `~`, and no home folder was given.
    NoHome,
    /// It is no path: empty, with a NUL in it, or a relative one of a socket.
    NotAPath,
    /// The profile has a rule for `:tmpdir`, the path may lie there, and what TMPDIR names was not given.
    TmpdirNotKnown,
    /// The profile restricts nothing.
    Unrestricted,
    /// Something else restricts, which the profile does not tell of.
    External,
    /// Requirements forbid the profile.
    Unavailable,
    /// The network is off.
    NetworkOff,
    /// A rule for hosts denies it.
    Denied,
    /// The address is local, or the name resolves to a local one, and no rule opens it.
    NotAllowedLocal,
    /// No rule for hosts allows it.
    NotAllowed,
    /// A rule allows it.
    Allowed,
    /// The network is limited to requests that change nothing.
    MethodNotAllowed,
    /// The network is on, and the session file does not say for which hosts.
    HostsNotStated,
    /// The session file does not say whether local addresses may be reached.
    LocalNotStated,
    /// The session file says nothing about Unix sockets.
    SocketsNotStated,
}

impl Reason {
    /// The sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::MostSpecific => "the rule with the longest path decides",
            Self::DenyPattern => "a deny pattern matches",
            Self::Requirement => "requirements deny it, whatever is more specific",
            Self::MoreTrusted => "a more trusted layer denies it",
            Self::Protected => "the name is kept read-only below a writable folder",
            Self::NoRule => "no rule is about it, and what no rule allows is denied",
            Self::NoPath => "the path is relative, and no folder was given to start from",
            Self::NoHome => "the path begins with `~`, and no home folder was given",
            Self::NotAPath => {
                "it is no path: empty, with a NUL in it, or a relative one of a socket"
            }
            Self::TmpdirNotKnown => {
                "it may lie in the folder that TMPDIR names, of which there is a rule, and which was not given"
            }
            Self::Unrestricted => "the profile restricts nothing",
            Self::External => "something else restricts, which the profile does not tell of",
            Self::Unavailable => "requirements forbid the profile",
            Self::NetworkOff => "the network is off",
            Self::Denied => "a rule for hosts denies it",
            Self::NotAllowedLocal => {
                "the address is local, or the name resolves to a local one, and no rule opens it"
            }
            Self::NotAllowed => "no rule for hosts allows it",
            Self::Allowed => "a rule allows it",
            Self::MethodNotAllowed => "the network is limited to GET, HEAD and OPTIONS",
            Self::HostsNotStated => {
                "the network is on, and the session file does not say for which hosts"
            }
            Self::LocalNotStated => {
                "a rule for hosts allows it, and the session file does not say whether local addresses are kept off"
            }
            Self::SocketsNotStated => "the session file says nothing about Unix sockets",
        }
    }
}

/// What else has to be known about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// The name was not resolved; if it resolves to a local address, it is denied.
    NameNotResolved,
    /// Codex keeps rules for hosts only where its own proxy runs.
    ProxyOnly,
    /// Only GET, HEAD and OPTIONS may be made.
    LimitedMode,
    /// The session file does not say whether the network is limited, nor whether local addresses are kept off.
    SettingsNotStated,
    /// A broader rule denies; Codex's file tools and its Linux sandbox keep a narrower `read` denied.
    Reopened,
    /// A deny pattern matches, but deeper than its scan goes; Codex's file tools deny it all the same.
    BeyondScan,
    /// On Linux a sandbox covers the files that match when it starts, not those that are made later.
    NewFiles,
    /// Codex knows rules for Unix sockets on macOS only.
    SocketsOnMacOs,
    /// The folders behind `:minimal` are those of Linux.
    LinuxMinimal,
}

impl Note {
    /// The sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NameNotResolved => {
                "name not resolved: if it resolves to a local address, it is denied"
            }
            Self::ProxyOnly => "rules for hosts are kept only where the agent's own proxy runs",
            Self::LimitedMode => "only GET, HEAD and OPTIONS may be made",
            Self::SettingsNotStated => {
                "the session file does not say whether other methods than GET, HEAD and OPTIONS may be made, nor \
                 whether local addresses are kept off"
            }
            Self::Reopened => {
                "a broader rule denies; Codex's file tools and its Linux sandbox keep this denied"
            }
            Self::BeyondScan => {
                "a deny pattern matches, but deeper than glob_scan_max_depth; Codex's file tools deny it"
            }
            Self::NewFiles => {
                "a Linux sandbox covers the files that match when it starts, not those made later"
            }
            Self::SocketsOnMacOs => "Codex knows rules for Unix sockets on macOS only",
            Self::LinuxMinimal => "the folders behind :minimal are those of Linux",
        }
    }
}

/// The rule that decides.
#[derive(Debug, Clone, Copy)]
pub enum Rule<'a> {
    /// A rule for paths.
    Path(&'a PathRule),
    /// A rule for hosts.
    Domain(&'a DomainRule),
    /// A rule for a socket.
    Socket(&'a SocketRule),
    /// A setting of the network.
    Switch {
        /// Its name and value.
        text: &'static str,
        /// Where it comes from; none when nobody set it.
        at: Option<&'a Provenance>,
    },
    /// The protection of a name below a writable folder.
    Protected {
        /// The name.
        name: &'static str,
        /// The rule that makes the folder writable.
        folder: &'a PathRule,
    },
    /// A requirement about the profile as a whole.
    Requirement {
        /// What it says.
        reason: &'a str,
        /// Where it stands.
        at: &'a Provenance,
    },
}

impl<'a> Rule<'a> {
    /// The rule as it is written.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Path(rule) => rule.written.clone(),
            Self::Domain(rule) => rule.written.clone(),
            Self::Socket(rule) => rule.written.clone(),
            Self::Switch { text, .. } => (*text).to_owned(),
            Self::Protected { name, folder } => {
                format!("{name} is protected below {}", folder.written)
            }
            Self::Requirement { reason, .. } => (*reason).to_owned(),
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn at(&self) -> Option<&'a Provenance> {
        match self {
            Self::Path(rule) => Some(&rule.at),
            Self::Domain(rule) => Some(&rule.at),
            Self::Socket(rule) => Some(&rule.at),
            Self::Switch { at, .. } => *at,
            Self::Protected { folder, .. } => Some(&folder.at),
            Self::Requirement { at, .. } => Some(at),
        }
    }
}

/// What a profile answers to a request.
#[derive(Debug, Clone)]
pub struct Decision<'a> {
    /// Yes or no.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The rule that decides; none where there is none.
    pub rule: Option<Rule<'a>>,
    /// Under which semantics.
    pub semantics: Semantics,
    /// For a connection: whether it is known which address it goes to.
    pub name_resolved: Option<bool>,
    /// What else has to be known.
    pub notes: Vec<Note>,
}

impl<'a> Decision<'a> {
    pub(crate) fn plain(verdict: Verdict, reason: Reason) -> Self {
        Self {
            verdict,
            reason,
            rule: None,
            semantics: Semantics::Codex,
            name_resolved: None,
            notes: Vec::new(),
        }
    }

    pub(crate) fn by(verdict: Verdict, reason: Reason, rule: Rule<'a>) -> Self {
        Self { rule: Some(rule), ..Self::plain(verdict, reason) }
    }

    /// Whether it is allowed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.verdict == Verdict::Allow
    }
}

/// What a profile answers under one semantics, and under the other where that is something else.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// The answer.
    pub decision: Decision<'a>,
    /// The other one, when it differs.
    pub other: Option<Decision<'a>>,
}
