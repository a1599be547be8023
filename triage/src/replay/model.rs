//! What a replay says: the structure that `triage check --profiles --format json` writes.

use blotter_profiles::{Decision, Verdict};
use serde::Serialize;

use crate::fact::EventId;
use crate::profiles::One;
use crate::reconstruct::findings::Finding;

/// Name and version of the document.
pub const FORMAT: &str = "blotter.replay/1";

/// What the profiles of a session say of what its trail shows.
#[derive(Debug, Clone, Serialize)]
pub struct Replay {
    /// `blotter.replay/1`.
    pub format: &'static str,
    /// The session.
    pub session_id: String,
    /// The tenant of its records, where they have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The profiles in effect, in order of time.
    pub profiles: Vec<InEffect>,
    /// What was asked of them, call by call in order of time.
    pub checks: Vec<Check>,
    /// Calls that no profile governs, with the reason.
    pub not_governed: Vec<NotGoverned>,
    /// What was not looked at because there is too much of it.
    pub left_out: LeftOut,
    /// What a person should look at.
    pub findings: Vec<Finding>,
}

/// What was not looked at because there is too much of it; nothing in most sessions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Calls of which nothing was checked, or not everything.
    pub calls: usize,
    /// Files of calls that name very many.
    pub files: usize,
    /// Decisions of the network proxy.
    pub connections: usize,
    /// Profiles that were not compared with the one before them.
    pub comparisons: usize,
}

/// A profile that was in effect from a moment on.
#[derive(Debug, Clone, Serialize)]
pub struct InEffect {
    /// Since when, nanoseconds since the epoch; absent for a configuration, which names no time.
    pub since_unix_nano: Option<i64>,
    /// Where it is known from.
    pub source: Source,
    /// `observed` where a record of the session states it, else `inferred`.
    pub grade: &'static str,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// Its digest.
    pub digest: Option<String>,
    /// When a person is asked.
    pub approval_policy: Option<String>,
    /// The folder that it starts from, where the session file states one.
    pub cwd: Option<String>,
    /// Whether it restricts nothing.
    pub unrestricted: bool,
    /// Why nothing can be asked of it.
    pub problem: Option<String>,
    /// Why it is not known whether it allows more than the one before.
    pub not_compared: Option<String>,
    /// Rows that state it.
    pub events: Vec<EventId>,
}

/// Where a profile is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The agent's session file states it.
    Rollout,
    /// A record names it, and a configuration that was given says what it means.
    Named,
    /// A configuration that was given; no record says that it was in effect.
    Configuration,
}

/// One thing that a call did or wanted, and what the profile in effect says of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Address of the call.
    pub address: String,
    /// When, nanoseconds since the epoch.
    pub time_unix_nano: i64,
    /// `read`, `write` or `connect`.
    pub access: &'static str,
    /// Path, or host and port.
    pub target: String,
    /// Where the trail says so.
    pub from: &'static str,
    /// What happened, as the trail tells it.
    pub happened: Happened,
    /// Why that is said.
    pub why: String,
    /// What the profile says; absent where it could not be asked.
    pub profile: Option<Answer>,
    /// What comes of comparing the two.
    pub result: Agreement,
    /// Rows behind it.
    pub events: Vec<EventId>,
}

/// What happened to something that was wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// It was let through.
    Allowed,
    /// It was stopped.
    Denied,
    /// The trail does not tell.
    Unknown,
}

/// Whether a trail and a profile agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// They do.
    Agrees,
    /// They do not.
    Differs,
    /// One of the two does not tell.
    NotJudged,
}

/// What a profile says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// As Codex does it.
    #[serde(flatten)]
    pub answer: One,
    /// What the documented meaning of profiles answers, where it is another answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documented: Option<Verdict>,
}

impl Answer {
    /// From what a profile decided.
    pub(crate) fn new(decision: &Decision<'_>, documented: Option<&Decision<'_>>) -> Self {
        Self { answer: One::of(decision), documented: documented.map(|other| other.verdict) }
    }

    /// `deny by "**/*.env" = "deny", requirements.toml:7 (requirements_system)`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut text = self.answer.decision.to_string();
        if let Some(rule) = &self.answer.rule {
            text = format!("{text} by {rule}");
        }
        match self.answer.place() {
            Some(place) => format!("{text}, {place}"),
            None => format!("{text}: {}", self.answer.reason.sentence()),
        }
    }
}

/// A call that no profile governs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotGoverned {
    /// Address of the call.
    pub address: String,
    /// Its tool.
    pub tool: Option<String>,
    /// Why no profile governs it.
    pub why: &'static str,
}
