//! Statements and what supports them.

use std::borrow::Cow;

use blotter_schemas::names::blotter::Grade;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// Identity of a row of the archive; 32 hexadecimal digits in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub [u8; 16]);

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl JsonSchema for EventId {
    fn schema_name() -> Cow<'static, str> {
        "EventId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{32}$" })
    }
}

/// One statement about a session or a call: what is stated, how well the trail supports it, why, and
/// the rows it rests on.
///
/// `missing` says here that no row states it; whether one should exist is a question for a rule.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Fact<T> {
    /// What is stated; `null` where nothing is known.
    pub value: Option<T>,
    /// How well the trail supports it.
    #[serde(serialize_with = "grade")]
    #[schemars(schema_with = "grades")]
    pub grade: Grade,
    /// The rule that concluded it, or what is missing; empty where a record simply says so.
    pub why: Cow<'static, str>,
    /// Rows it rests on.
    pub events: Vec<EventId>,
    /// Where records disagree: what each side says, the one of `value` first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub claims: Vec<Claim<T>>,
    /// Whose word it is, by their numbers in the session's `speakers`; empty where it rests on the
    /// first speaker's rows alone, or on none.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub speakers: Vec<usize>,
}

/// One side of a contradiction.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Claim<T> {
    /// What it says.
    pub value: T,
    /// Whose word it is, or the rule that concluded it; empty where a record simply says so.
    pub why: Cow<'static, str>,
    /// Rows it rests on.
    pub events: Vec<EventId>,
}

impl<T> Fact<T> {
    /// A statement of this grade.
    fn of(
        value: Option<T>,
        grade: Grade,
        why: impl Into<Cow<'static, str>>,
        events: Vec<EventId>,
    ) -> Self {
        Self { value, grade, why: why.into(), events, claims: Vec::new(), speakers: Vec::new() }
    }

    /// A record says so.
    #[must_use]
    pub fn observed(value: T, events: Vec<EventId>) -> Self {
        Self::of(Some(value), Grade::Observed, "", events)
    }

    /// Concluded by the rule `why`.
    #[must_use]
    pub fn inferred(value: T, why: impl Into<Cow<'static, str>>, events: Vec<EventId>) -> Self {
        Self::of(Some(value), Grade::Inferred, why, events)
    }

    /// No record states it.
    #[must_use]
    pub fn missing(why: impl Into<Cow<'static, str>>) -> Self {
        Self::of(None, Grade::Missing, why, Vec::new())
    }

    /// No record states it yet; one may still come.
    #[must_use]
    pub fn pending(why: impl Into<Cow<'static, str>>) -> Self {
        Self::of(None, Grade::Pending, why, Vec::new())
    }

    /// The sender does not export it; `why` names the setting that would reveal it.
    #[must_use]
    pub fn withheld(why: impl Into<Cow<'static, str>>, events: Vec<EventId>) -> Self {
        Self::of(None, Grade::Withheld, why, events)
    }

    /// The same without a value that was not there to begin with: `value` stands for "not known".
    #[must_use]
    pub fn or_unknown(mut self, value: T) -> Self {
        if self.value.is_none() {
            self.value = Some(value);
        }
        self
    }

    /// The same statement with another grade and reason.
    #[must_use]
    pub fn graded(mut self, grade: Grade, why: impl Into<Cow<'static, str>>) -> Self {
        self.grade = grade;
        self.why = why.into();
        self
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
            claims: Vec::new(),
            speakers: self.speakers,
        }
    }
}

impl<T: Clone> Fact<T> {
    /// Records disagree: both sides are kept, and the first one's value stands.
    #[must_use]
    pub fn contradicted(why: impl Into<Cow<'static, str>>, claims: Vec<Claim<T>>) -> Self {
        let value = claims.first().map(|claim| claim.value.clone());
        let mut events: Vec<EventId> = Vec::new();
        for event in claims.iter().flat_map(|claim| &claim.events) {
            if !events.contains(event) {
                events.push(*event);
            }
        }
        let mut fact = Self::of(value, Grade::Contradicted, why, events);
        fact.claims = claims;
        fact
    }

    /// This statement as one side of a contradiction; none where it states nothing.
    #[must_use]
    pub fn claim(&self) -> Option<Claim<T>> {
        let (why, events) = (self.why.clone(), self.events.clone());
        self.value.clone().map(|value| Claim { value, why, events })
    }
}

fn grades(_: &mut SchemaGenerator) -> Schema {
    let grades: Vec<&str> = [
        Grade::Observed,
        Grade::Inferred,
        Grade::Missing,
        Grade::Pending,
        Grade::Contradicted,
        Grade::Withheld,
    ]
    .map(|grade| grade.as_str())
    .to_vec();
    json_schema!({ "type": "string", "enum": grades })
}

fn grade<S: Serializer>(grade: &Grade, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(grade.as_str())
}

/// Why two things are said to belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Join {
    /// Whether records say so.
    pub kind: JoinKind,
    /// What the records share, or the rule that was applied.
    pub by: Cow<'static, str>,
}

/// Whether a join is stated by records or concluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
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
