//! What happens to whole fields: kept, hashed, dropped, or searched for secrets.

use blotter_schemas::names::{claude_code, codex, opentelemetry};
use serde::{Deserialize, Serialize};

use crate::Error;

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

/// Fields that are known by what they hold, whatever an agent calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// What a user or another agent asked for, with instructions and message histories.
    Prompts,
    /// What the model answered, and what tools returned.
    Outputs,
    /// What tools were called with.
    Arguments,
    /// Bodies of log records.
    Bodies,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::Prompts, Self::Outputs, Self::Arguments, Self::Bodies];

    /// The attribute keys that belong to the class.
    #[must_use]
    pub const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Prompts => &[
                codex::PROMPT,
                claude_code::PROMPT_TEXT,
                claude_code::USER_PROMPT,
                "gen_ai.prompt",
                "gen_ai.input.messages",
                "gen_ai.system_instructions",
                "request_text",
            ],
            Self::Outputs => &[
                codex::OUTPUT,
                codex::RESPONSE,
                claude_code::RESULT,
                codex::CONTENT,
                opentelemetry::GEN_AI_TOOL_CALL_RESULT,
                "gen_ai.completion",
                "gen_ai.output.messages",
                "response_text",
                "function_response",
                "tool_output",
            ],
            Self::Arguments => &[
                codex::ARGUMENTS,
                claude_code::TOOL_INPUT,
                claude_code::TOOL_PARAMETERS,
                opentelemetry::GEN_AI_TOOL_CALL_ARGUMENTS,
                "function_args",
            ],
            Self::Bodies => &[],
        }
    }

    /// Name as it stands in a configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prompts => "prompts",
            Self::Outputs => "outputs",
            Self::Arguments => "arguments",
            Self::Bodies => "bodies",
        }
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
}

impl Fields {
    pub(crate) fn set_class(&mut self, class: Class, mode: Mode) {
        if class == Class::Bodies {
            self.bodies = mode;
        }
        self.patterns.extend(class.keys().iter().map(|key| (Pattern::new(key), mode)));
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

    /// Whether a request with these bytes can have a field that is hashed or dropped.
    pub(crate) fn may_change(&self, body: &[u8]) -> bool {
        let changes = |mode: Mode| matches!(mode, Mode::Hash | Mode::Drop);
        changes(self.bodies)
            || self.patterns.iter().filter(|(_, mode)| changes(*mode)).any(|(pattern, _)| {
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
