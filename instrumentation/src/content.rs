//! What is recorded of prompts, arguments and outputs.

use std::sync::Arc;

use blotter_redaction::{Keys, Redactor};
use blotter_schemas::names::blotter::{self, ContentPolicy as Word};
use blotter_schemas::names::opentelemetry as otel;

use crate::value::Attributes;

/// What is recorded of the words of prompts and answers, and of the arguments and outputs of calls. The
/// choice itself is recorded too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContentPolicy {
    /// All of it, up to [`crate::AgentBuilder::content_limit`].
    #[default]
    Full,
    /// A keyed hash and the length: the same words can be recognised, not read.
    Hash,
    /// The length.
    Length,
}

impl ContentPolicy {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Full => Word::Full,
            Self::Hash => Word::Hash,
            Self::Length => Word::Length,
        }
        .as_str()
    }
}

/// The attributes of one kind of content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Content {
    text: &'static str,
    hash: &'static str,
    length: &'static str,
}

/// The words of a prompt.
pub(crate) const PROMPT: Content = Content {
    text: blotter::BLOTTER_PROMPT_TEXT,
    hash: blotter::BLOTTER_PROMPT_HASH,
    length: blotter::BLOTTER_PROMPT_LENGTH,
};
/// The words of an answer.
pub(crate) const RESPONSE: Content = Content {
    text: blotter::BLOTTER_RESPONSE_TEXT,
    hash: blotter::BLOTTER_RESPONSE_HASH,
    length: blotter::BLOTTER_RESPONSE_LENGTH,
};
/// The arguments of a call.
pub(crate) const ARGUMENTS: Content = Content {
    text: otel::GEN_AI_TOOL_CALL_ARGUMENTS,
    hash: blotter::BLOTTER_ARGUMENTS_HASH,
    length: blotter::BLOTTER_ARGUMENTS_LENGTH,
};
/// The output of a call.
pub(crate) const OUTPUT: Content = Content {
    text: otel::GEN_AI_TOOL_CALL_RESULT,
    hash: blotter::BLOTTER_OUTPUT_HASH,
    length: blotter::BLOTTER_OUTPUT_LENGTH,
};

/// How content is recorded.
pub(crate) struct Recorder {
    pub(crate) policy: ContentPolicy,
    /// Most bytes of one text.
    pub(crate) limit: usize,
    pub(crate) redactor: Arc<Redactor>,
}

impl Recorder {
    /// Adds what the policy lets be said of `words`; whether they were cut.
    pub(crate) fn add(&self, content: Content, words: &str, attributes: &mut Attributes) -> bool {
        let cut = words.len() > self.limit;
        match self.policy {
            ContentPolicy::Full => {
                let end = words.floor_char_boundary(self.limit);
                attributes.add(content.text, words.get(..end).unwrap_or_default().to_owned());
                if cut {
                    attributes.add(content.length, length(words));
                }
                return cut;
            }
            ContentPolicy::Hash => {
                attributes.add(content.hash, self.fingerprint(words));
                attributes.add(content.length, length(words));
            }
            ContentPolicy::Length => attributes.add(content.length, length(words)),
        }
        false
    }

    /// Whether words may be recorded as they are.
    pub(crate) fn says_all(&self) -> bool {
        self.policy == ContentPolicy::Full
    }

    /// The keys of fingerprints.
    pub(crate) fn keys(&self) -> &Keys {
        self.redactor.keys()
    }

    /// `<key id>.<16 hexadecimal digits>` under the current key.
    pub(crate) fn fingerprint(&self, words: &str) -> String {
        let newest = self.keys().fingerprint(words).into_iter().next();
        newest.map(|(id, digits)| format!("{id}.{digits}")).unwrap_or_default()
    }
}

fn length(words: &str) -> i64 {
    i64::try_from(words.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn said(policy: ContentPolicy, limit: usize, words: &str) -> (Attributes, bool) {
        let keys = Keys::ephemeral().unwrap();
        let redactor = Redactor::new(&blotter_redaction::Configuration::default(), keys).unwrap();
        let recorder = Recorder { policy, limit, redactor: Arc::new(redactor) };
        let mut attributes = Attributes::default();
        let cut = recorder.add(PROMPT, words, &mut attributes);
        (attributes, cut)
    }

    #[test]
    fn only_the_full_policy_says_the_words() {
        let words = "the secret plan";
        for policy in [ContentPolicy::Hash, ContentPolicy::Length] {
            let (attributes, _) = said(policy, 100, words);
            assert!(!format!("{attributes:?}").contains("secret"), "{attributes:?}");
            assert!(attributes.0.contains(&(PROMPT.length, 15.into())));
        }
        assert!(said(ContentPolicy::Full, 100, words).0.0.contains(&(PROMPT.text, words.into())));
    }

    #[test]
    fn long_words_are_cut_between_characters_and_their_length_is_told() {
        let (attributes, cut) = said(ContentPolicy::Full, 4, "aßßb");
        assert!(cut);
        assert_eq!(
            attributes.0,
            [(PROMPT.text, String::from("aß").into()), (PROMPT.length, 6.into())]
        );
    }
}
