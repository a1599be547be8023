//! Statements and what supports them.

use std::borrow::Cow;

use blotter_schemas::names::blotter::Grade;
use serde::{Serialize, Serializer};

/// Identity of a row of the archive; 32 hexadecimal digits in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub [u8; 16]);

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

/// One statement about a session or a call: what is stated, how well the trail supports it, why, and
/// the rows it rests on.
///
/// `missing` says here that no row states it; whether one should exist is a question for a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fact<T> {
    /// What is stated; absent where nothing is known.
    pub value: Option<T>,
    /// How well the trail supports it.
    #[serde(serialize_with = "grade")]
    pub grade: Grade,
    /// The rule that concluded it, or what is missing; empty where a record simply says so.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub why: Cow<'static, str>,
    /// Rows it rests on.
    pub events: Vec<EventId>,
    /// Whose word it is, by their numbers in the session's `speakers`; empty where it rests on the
    /// first speaker's rows alone, or on none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub speakers: Vec<usize>,
}

impl<T> Fact<T> {
    /// A record says so.
    #[must_use]
    pub fn observed(value: T, events: Vec<EventId>) -> Self {
        Self {
            value: Some(value),
            grade: Grade::Observed,
            why: Cow::Borrowed(""),
            events,
            speakers: Vec::new(),
        }
    }

    /// Concluded by the rule `why`.
    #[must_use]
    pub fn inferred(value: T, why: impl Into<Cow<'static, str>>, events: Vec<EventId>) -> Self {
        Self {
            value: Some(value),
            grade: Grade::Inferred,
            why: why.into(),
            events,
            speakers: Vec::new(),
        }
    }

    /// No record states it.
    #[must_use]
    pub fn missing(why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            value: None,
            grade: Grade::Missing,
            why: why.into(),
            events: Vec::new(),
            speakers: Vec::new(),
        }
    }

    /// Whether something is stated.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.value.is_some()
    }

    /// The same statement about something else.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Fact<U> {
        Fact {
            value: self.value.map(f),
            grade: self.grade,
            why: self.why,
            events: self.events,
            speakers: self.speakers,
        }
    }
}

fn grade<S: Serializer>(grade: &Grade, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(grade.as_str())
}

/// Why two things are said to belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Join {
    /// Whether records say so.
    pub kind: JoinKind,
    /// What the records share, or the rule that was applied.
    pub by: Cow<'static, str>,
}

/// Whether a join is stated by records or concluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinKind {
    /// Records name the same id.
    Explicit,
    /// Concluded from time and order.
    Inferred,
}

impl Join {
    /// Records name the same id.
    #[must_use]
    pub fn explicit(by: &'static str) -> Self {
        Self { kind: JoinKind::Explicit, by: Cow::Borrowed(by) }
    }

    /// Concluded from time and order.
    #[must_use]
    pub fn inferred(by: &'static str) -> Self {
        Self { kind: JoinKind::Inferred, by: Cow::Borrowed(by) }
    }
}
