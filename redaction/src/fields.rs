//! What happens to whole fields: kept, hashed, dropped, or searched for secrets.

use std::collections::BTreeMap;

use blotter_schemas::otlp::Signal;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::classes::Class;

/// What happens to the values of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Secrets in it are replaced by marks.
    #[default]
    Redact,
    /// The whole value is replaced by its fingerprint and length.
    Hash,
    /// The field is removed.
    Drop,
    /// Nothing: the value is stored as it came, secrets and all.
    Keep,
}

impl Mode {
    /// Whether it leaves less of a value than `other` does.
    const fn is_stricter_than(self, other: Self) -> bool {
        self.strictness() > other.strictness()
    }

    const fn strictness(self) -> u8 {
        match self {
            Self::Keep => 0,
            Self::Redact => 1,
            Self::Hash => 2,
            Self::Drop => 3,
        }
    }

    /// Whether it changes a value whatever stands in it.
    const fn changes(self) -> bool {
        matches!(self, Self::Hash | Self::Drop)
    }
}

/// A key pattern: text in which each `*` stands for anything.
#[derive(Debug, Clone)]
struct Pattern(Vec<String>);

impl Pattern {
    fn new(text: &str) -> Self {
        Self(text.split('*').map(str::to_owned).collect())
    }

    fn matches(&self, key: &str) -> bool {
        let Some((first, rest)) = self.0.split_first() else {
            return false;
        };
        let Some((last, middle)) = rest.split_last() else {
            return key == first;
        };
        let Some(mut key) = key.strip_prefix(first.as_str()) else {
            return false;
        };
        for part in middle {
            match key.split_once(part.as_str()) {
                Some((_, after)) => key = after,
                None => return false,
            }
        }
        key.ends_with(last.as_str())
    }

    /// The longest text that every matching key contains.
    fn literal(&self) -> &str {
        self.0.iter().max_by_key(|part| part.len()).map(String::as_str).unwrap_or_default()
    }
}

/// The modes of all fields.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    /// Later ones win.
    patterns: Vec<(Pattern, Mode)>,
    /// Mode of log bodies.
    pub(crate) bodies: Mode,
    /// Mode of the messages of spans' statuses.
    pub(crate) statuses: Mode,
}

impl Fields {
    /// Sets the modes of whole classes. What belongs to several has the strictest of their modes.
    pub(crate) fn set_classes(&mut self, classes: &BTreeMap<Class, Mode>) {
        let mut modes: BTreeMap<&str, Mode> = BTreeMap::new();
        for (class, mode) in classes {
            for key in class.keys() {
                let known = modes.entry(key).or_insert(*mode);
                if mode.is_stricter_than(*known) {
                    *known = *mode;
                }
            }
        }
        self.patterns.extend(modes.into_iter().map(|(key, mode)| (Pattern::new(key), mode)));
        let of = |class| classes.get(&class).copied().unwrap_or_default();
        self.bodies = of(Class::Bodies);
        self.statuses = of(Class::Outputs);
    }

    pub(crate) fn set_key(&mut self, field: &str, key: &str, mode: Mode) -> Result<(), Error> {
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'/');
        if key.is_empty() || !key.bytes().all(plain) {
            return Err(Error::configuration(
                field,
                "must be an attribute key of printable ASCII without quotes and slashes; * stands for anything",
            ));
        }
        self.patterns.push((Pattern::new(key), mode));
        Ok(())
    }

    /// Mode of the attribute `key`.
    pub(crate) fn mode(&self, key: &str) -> Mode {
        self.patterns
            .iter()
            .rev()
            .find(|(pattern, _)| pattern.matches(key))
            .map_or(Mode::Redact, |(_, mode)| *mode)
    }

    /// Whether any field is hashed or dropped.
    pub(crate) fn has_modes(&self) -> bool {
        let changes = |mode: &Mode| matches!(mode, Mode::Hash | Mode::Drop);
        self.patterns.iter().any(|(_, mode)| changes(mode))
    }

    /// Whether a request with these bytes can have a field that is hashed or dropped.
    pub(crate) fn may_change(&self, signal: Signal, body: &[u8]) -> bool {
        let whole = match signal {
            Signal::Logs => self.bodies,
            Signal::Traces => self.statuses,
            Signal::Metrics => Mode::Redact,
        };
        whole.changes()
            || self.patterns.iter().filter(|(_, mode)| mode.changes()).any(|(pattern, _)| {
                memchr::memmem::find(body, pattern.literal().as_bytes()).is_some()
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_the_rest_for_itself() {
        for (pattern, key, expected) in [
            ("prompt", "prompt", true),
            ("prompt", "prompt_length", false),
            ("gen_ai.*.messages", "gen_ai.input.messages", true),
            ("gen_ai.*.messages", "gen_ai.messages", false),
            ("*", "anything", true),
            ("*token*", "access_token_2", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(key), expected, "{pattern} {key}");
        }
    }
}
