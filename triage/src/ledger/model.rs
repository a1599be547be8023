//! The ledger: the structure that stands as `session.ledger` in the JSON of `triage show`.

use std::fmt;

use serde::Serialize;

use crate::fact::EventId;
use crate::reconstruct::model::Redaction;

/// What the trail of a session holds and lacks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ledger {
    /// Whether every signal that is always sent arrived, no setting keeps anything back, no number is
    /// missing, and clocks agree.
    pub clean: bool,
    /// Why it is not clean, a phrase each.
    pub unclean: Vec<String>,
    /// What arrived: logs, traces, metrics, the agent's own session file.
    pub signals: Vec<Signal>,
    /// Settings of the agent that decide what it sends, as far as the data tells.
    pub settings: Vec<Setting>,
    /// Numbers that the sender counts its records with.
    pub sequences: Vec<Sequence>,
    /// What does not fit in the times of the records.
    pub clocks: Vec<Clock>,
    /// What was taken out before the rows were stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redaction: Option<Redaction>,
    /// What is not known because rows were imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
    /// What the agent is known to have recorded and then not sent: a limit, not something that happened.
    pub drops: Vec<&'static str>,
    /// What this trail cannot tell: what follows from all of the above.
    pub cannot_tell: Vec<Untold>,
    /// What no trail of this agent can tell, whatever its settings.
    pub never: Vec<&'static str>,
}

/// What is not known because rows were imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// The same in words.
    pub note: &'static str,
    /// How many files and lines imports into the archive left out; absent where it was not looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// The first of them, `file: reason` or `file:line: reason`.
    pub left_out: Vec<String>,
}

/// Something that a trail cannot tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Untold {
    /// What.
    pub what: String,
    /// Why not.
    pub why: String,
}

/// Whether one signal arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signal {
    /// `logs`, `traces`, `metrics` or `rollout`.
    pub signal: &'static str,
    /// Whether it did.
    pub state: SignalState,
    /// How many rows: of logs, of what was derived from spans, points of metrics.
    pub rows: usize,
    /// What that is concluded from.
    pub why: String,
}

/// Whether a signal arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalState {
    /// It did.
    Arrived,
    /// Nothing yet; the session is open.
    Pending,
    /// Nothing, although the agent always sends it.
    Missing,
    /// Nothing; the agent sends it with a setting only, or it is not known when.
    NotSeen,
    /// Nothing, and the agent never sends it.
    NeverSent,
    /// It was not looked for.
    NotLookedFor,
}

impl SignalState {
    /// The words for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Arrived => "arrived",
            Self::Pending => "pending",
            Self::Missing => "missing",
            Self::NotSeen => "not seen",
            Self::NeverSent => "never sent",
            Self::NotLookedFor => "not looked for",
        }
    }
}

/// What the data tells of a setting of the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Its id in the agent's coverage table (`triage coverage AGENT`).
    pub id: &'static str,
    /// How it is made.
    pub how: &'static str,
    /// What it reveals.
    pub reveals: &'static str,
    /// How it stands.
    pub state: SettingState,
    /// Whether something is kept back, or was for a part of the session, as far as the data tells.
    pub withholds: bool,
    /// What that is concluded from.
    pub why: String,
    /// Rows it rests on; the first of them.
    pub events: Vec<EventId>,
}

/// How a setting stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingState {
    /// What it reveals is there.
    On,
    /// Records came without it, or say that it was kept back.
    Off,
    /// It is there, but cut to a length.
    Capped,
    /// It is there in one part of the session and not in another.
    Changed,
    /// No record of the kind that it reveals came: it is off, or such records were lost.
    NotSeen,
    /// Nothing came that would show it.
    Unknown,
}

impl SettingState {
    /// The words for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Capped => "cut",
            Self::Changed => "changed",
            Self::NotSeen => "not seen",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for SettingState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Numbers that one sender counts its records with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sequence {
    /// The attribute that holds the number.
    pub attribute: &'static str,
    /// What is counted.
    pub counts: &'static str,
    /// Whether the sender counts within the session or for its whole process: `session` or `process`.
    pub scope: &'static str,
    /// Whose numbers these are, by the speaker's number in the session's `speakers`.
    pub speaker: usize,
    /// How many different numbers came.
    pub seen: usize,
    /// The number that the sender begins with.
    pub first: i64,
    /// The highest number that came; what would have followed it cannot be told.
    pub last: i64,
    /// Numbers that no record carries.
    pub missing: Vec<Range>,
    /// Numbers whose log record did not come, although its copy on a span did.
    pub without_log: Vec<i64>,
    /// Whether not everything was looked at that may carry what is missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// What has to be known to judge it, where there is something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
    /// Rows right before and after what is missing; the first of them.
    pub events: Vec<EventId>,
}

impl Sequence {
    /// Whether a number is missing.
    #[must_use]
    pub fn has_holes(&self) -> bool {
        !self.missing.is_empty() || !self.without_log.is_empty()
    }

    /// `4, 7 to 9 and the log record of 12`; nothing where no number is missing.
    #[must_use]
    pub fn holes(&self) -> String {
        let mut parts: Vec<String> = self.missing.iter().map(ToString::to_string).collect();
        let extra = parts.len().saturating_sub(RANGES_SHOWN);
        parts.truncate(RANGES_SHOWN);
        if extra > 0 {
            parts.push(format!("{extra} more stretches"));
        }
        let logs: Vec<String> =
            self.without_log.iter().take(RANGES_SHOWN).map(ToString::to_string).collect();
        if let Some(more) =
            self.without_log.len().checked_sub(RANGES_SHOWN).filter(|more| *more > 0)
        {
            parts.push(format!("the log records of {} and {more} more", logs.join(", ")));
        } else if let [only] = logs.as_slice() {
            parts.push(format!("the log record of {only}"));
        } else if !logs.is_empty() {
            parts.push(format!("the log records of {}", logs.join(", ")));
        }
        parts.join(", ")
    }
}

/// Most stretches of missing numbers that are named in words.
const RANGES_SHOWN: usize = 4;

/// Numbers from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Range {
    /// First.
    pub from: i64,
    /// Last.
    pub to: i64,
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        if from == to { write!(formatter, "{from}") } else { write!(formatter, "{from} to {to}") }
    }
}

/// Something that does not fit in the times of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clock {
    /// What.
    pub problem: ClockProblem,
    /// How many records or pairs of them.
    pub count: usize,
    /// The same in words.
    pub summary: String,
    /// Rows that show it; the first of them.
    pub events: Vec<EventId>,
}

/// What does not fit in times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockProblem {
    /// Records that say no time: the time of receipt stands for it.
    NoTime,
    /// A time outside what a row can hold.
    Clamped,
    /// What a record says of its time and of when it was observed lie far apart.
    Disagree,
    /// A record tells of a time after the one at which it was received.
    Ahead,
    /// A record with a higher number of its sender's has an earlier time.
    Backwards,
    /// A result lies before the record that the call was taken in.
    ResultFirst,
}
