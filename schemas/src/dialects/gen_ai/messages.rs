//! Words inside the messages of the GenAI conventions.

use serde::Deserialize;
use serde_json::Value;

use crate::dialects::json;

#[derive(Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: Option<String>,
    content: Option<Value>,
}

/// The part that is words; others are calls of tools, their answers, pictures.
const TEXT: &str = "text";

/// Who a message can be from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dialects) enum Speaker {
    /// A person, or the agent that asks another one.
    User,
    /// The model, under whatever name: `assistant`, `model`, and by mistake `system`.
    Model,
}

/// The words of the last message in `messages`, where that is the speaker's and has words.
pub(in crate::dialects) fn last_words(messages: &str, speaker: Speaker) -> Option<String> {
    let messages: Vec<Message> = json::read(messages)?;
    let last = messages.last()?;
    if (last.role == "user") != (speaker == Speaker::User) || last.role == "tool" {
        return None;
    }
    let words: Vec<&str> = last
        .parts
        .iter()
        .filter(|part| part.kind.as_deref() == Some(TEXT))
        .filter_map(|part| part.content.as_ref()?.as_str())
        .collect();
    Some(words.join("\n")).filter(|words| !words.is_empty())
}
