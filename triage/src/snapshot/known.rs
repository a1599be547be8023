//! A fact as a snapshot holds it: the value and how well the trail supports it, without rows and reasons.

use blotter_schemas::names::blotter::Grade;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::List;
use crate::fact::Fact;

/// Most sides of a contradiction that are kept.
const CLAIMS: usize = 16;

/// What is known of one fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub struct Known<T> {
    /// What is stated; `null` where it is not known. Never a guess.
    pub value: Option<T>,
    /// How well the trail supports it.
    #[serde(serialize_with = "write_grade", deserialize_with = "read_grade")]
    pub grade: Grade,
    /// Where records disagree: what each side says, the one of `value` first.
    #[serde(default = "no_claims", skip_serializing_if = "is_empty")]
    pub claims: List<T, CLAIMS>,
}

/// How one fact of two runs compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// Known on both sides, and the same.
    Same,
    /// Known on both sides, and different whichever record is right.
    Differs,
    /// It cannot be said.
    NotComparable {
        /// Whether it is known in the first.
        in_a: bool,
        /// Whether it is known in the second.
        in_b: bool,
    },
}

impl<T> Known<T> {
    /// The value with this grade.
    #[must_use]
    pub fn new(value: T, grade: Grade) -> Self {
        Self { value: Some(value), grade, claims: List::default() }
    }

    /// Nothing is known, for the reason that the grade tells.
    #[must_use]
    pub fn unknown(grade: Grade) -> Self {
        Self { value: None, grade, claims: List::default() }
    }

    /// The same about something else.
    #[must_use]
    pub fn map<U>(self, f: impl Fn(T) -> U) -> Known<U> {
        let claims = List(self.claims.0.into_iter().map(&f).collect());
        Known { value: self.value.map(f), grade: self.grade, claims }
    }
}

impl<T: PartialEq> Known<T> {
    /// What a receipt says, with its value as `text` puts it. A token that stands for "cannot be told" is
    /// no value here.
    #[must_use]
    pub fn from_fact<F>(fact: &Fact<F>, text: impl Fn(&F) -> T) -> Self {
        if matches!(fact.grade, Grade::Missing | Grade::Pending | Grade::Withheld) {
            return Self::unknown(fact.grade);
        }
        let mut claims = Vec::new();
        for claim in fact.claims.iter().map(|claim| text(&claim.value)) {
            if claims.len() < CLAIMS && !claims.contains(&claim) {
                claims.push(claim);
            }
        }
        Self { value: fact.value.as_ref().map(text), grade: fact.grade, claims: List(claims) }
    }

    /// How this fact compares with that of another run.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Compared {
        let (in_a, in_b) = (self.value.is_some(), other.value.is_some());
        if !in_a || !in_b {
            return Compared::NotComparable { in_a, in_b };
        }
        let (a, b) = (self.said(), other.said());
        let common = a.iter().filter(|said| b.contains(said)).count();
        if common == 0 {
            Compared::Differs
        } else if common == a.len() && common == b.len() {
            Compared::Same
        } else {
            // One side's records disagree, and one of them says what the other side says.
            Compared::NotComparable { in_a, in_b }
        }
    }

    /// Everything that records say, each once.
    fn said(&self) -> Vec<&T> {
        let mut said: Vec<&T> = Vec::new();
        for value in self.value.iter().chain(&self.claims) {
            if !said.contains(&value) {
                said.push(value);
            }
        }
        said
    }
}

impl Known<String> {
    /// The value for a reader, both sides of a contradiction; `not known (missing)` where there is none.
    #[must_use]
    pub fn shown(&self) -> String {
        match self.said().as_slice() {
            [] => format!("not known ({})", self.grade),
            [one] => (*one).clone(),
            several => {
                let several: Vec<&str> = several.iter().map(|said| said.as_str()).collect();
                format!("{} (records disagree)", several.join(" or "))
            }
        }
    }
}

fn no_claims<T>() -> List<T, CLAIMS> {
    List::default()
}

fn is_empty<T>(claims: &List<T, CLAIMS>) -> bool {
    claims.is_empty()
}

fn write_grade<S: Serializer>(grade: &Grade, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(grade.as_str())
}

fn read_grade<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Grade, D::Error> {
    let word = String::deserialize(deserializer)?;
    Grade::from_value(&word).ok_or_else(|| D::Error::custom("no such grade"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(claims: &[&str]) -> Known<String> {
        let claims: Vec<String> = claims.iter().map(|claim| (*claim).to_owned()).collect();
        let value = claims.first().cloned();
        let claims = if claims.len() > 1 { List(claims) } else { List::default() };
        Known { value, grade: Grade::Observed, claims }
    }

    #[test]
    fn a_difference_holds_whichever_record_is_right_and_what_is_not_known_is_none() {
        assert_eq!(said(&["user"]).compare(&said(&["user"])), Compared::Same);
        assert_eq!(said(&["user"]).compare(&said(&["config"])), Compared::Differs);
        let unknown = Known::unknown(Grade::Missing);
        let in_b = Compared::NotComparable { in_a: false, in_b: true };
        assert_eq!(unknown.compare(&said(&["user"])), in_b);
        let both = Compared::NotComparable { in_a: true, in_b: true };
        assert_eq!(said(&["config", "user"]).compare(&said(&["user"])), both);
        assert_eq!(said(&["config", "user"]).compare(&said(&["hook"])), Compared::Differs);
        assert_eq!(said(&["config", "user"]).compare(&said(&["user", "config"])), Compared::Same);
    }
}
