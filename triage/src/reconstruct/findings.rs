//! What is wrong with a trail: the shape of a finding. The rules that make them are in [`crate::gaps`].

use std::fmt;

use serde::Serialize;

use crate::fact::EventId;

/// What a rule concluded. It says that something is missing or does not fit, never what happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the rule.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The session that it is about.
    pub session_id: String,
    /// The tenant of its records, where they have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What was found.
    pub summary: String,
    /// When the same is found although nothing is wrong.
    pub false_positive: String,
    /// Addresses of the calls it is about, in order of time.
    pub calls: Vec<String>,
    /// Speakers it is about, by their numbers; empty where it is not about who spoke.
    pub speakers: Vec<usize>,
    /// Rows that prove it; the first of them where there are many.
    pub events: Vec<EventId>,
}

/// How much a finding matters to somebody who relies on the trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; the agent is known to report so.
    Info,
    /// A small part of the trail is missing or does not fit.
    Low,
    /// A statement about a call is missing, or changes what others mean.
    Medium,
    /// A statement is not to be believed, or is not its apparent author's.
    High,
}

impl Severity {
    /// Every severity, the lowest first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Low, Self::Medium, Self::High];

    /// The word for it, in JSON and on the screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
