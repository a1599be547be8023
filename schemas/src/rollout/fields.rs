//! What of a line is read, tolerantly: a field of another type than expected is absent.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::tables::Event;

fn tolerant<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = Value::deserialize(deserializer)?;
    Ok(if value.is_null() { None } else { T::deserialize(value).ok() })
}

/// A struct of optional fields, each read tolerantly.
macro_rules! fields {
    ($(#[$meta:meta])* $name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        pub(super) struct $name {
            $(
                $(#[$attribute])*
                #[serde(deserialize_with = "tolerant")]
                pub(super) $field: Option<$type>,
            )*
        }
    };
}

/// A line.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) timestamp: Option<String>,
    pub(super) ordinal: Option<u64>,
    pub(super) kind: Option<String>,
    pub(super) payload: Payload,
}

impl Entry {
    pub(super) fn read(line: &Value) -> Self {
        let text = |key: &str| line.get(key).and_then(Value::as_str).map(str::to_owned);
        let payload = line.get("payload").map(Payload::deserialize);
        Self {
            timestamp: text("timestamp"),
            ordinal: line.get("ordinal").and_then(Value::as_u64),
            kind: text("type"),
            payload: payload.and_then(Result::ok).unwrap_or_default(),
        }
    }

    /// The line's type, and that of its payload.
    pub(super) fn name(&self) -> Option<String> {
        let kind = self.kind.as_ref()?;
        let inner = self.payload.kind.as_ref();
        Some(inner.map_or_else(|| kind.clone(), |inner| format!("{kind}.{inner}")))
    }

    /// When it was written, nanoseconds since the epoch.
    pub(super) fn nanos(&self) -> Option<u64> {
        let time = chrono::DateTime::parse_from_rfc3339(self.timestamp.as_deref()?).ok()?;
        u64::try_from(time.timestamp_nanos_opt()?).ok()
    }
}

fields! {
    /// The payload of any line; which fields there are depends on its type.
    Payload {
        #[serde(rename = "type")]
        kind: String,
        id: String,
        turn_id: String,
        // session_meta
        parent_thread_id: String,
        forked_from_id: String,
        subagent_history_start_ordinal: u64,
        cwd: String,
        originator: String,
        cli_version: String,
        source: Value,
        thread_source: String,
        model_provider: String,
        agent_path: String,
        // turn_context
        approval_policy: Value,
        sandbox_policy: Value,
        permission_profile: Value,
        active_permission_profile: ActiveProfile,
        model: String,
        // response_item
        role: String,
        content: Value,
        phase: String,
        summary: Value,
        call_id: String,
        name: String,
        namespace: String,
        arguments: Value,
        input: Value,
        action: Value,
        output: Value,
        status: String,
        author: String,
        recipient: String,
        internal_chat_message_metadata_passthrough: Passed,
        // event_msg
        trace_id: String,
        turn_attribution: Attribution,
        duration_ms: i64,
        reason: String,
        message: Value,
        info: TokenInfo,
        item: Item,
        thread_settings: Box<Payload>,
        exit_code: i64,
        success: bool,
        invocation: Invocation,
        // token_usage_record
        usage: Tokens,
    }
}

fields! {
    /// The permission profile that somebody chose by its name.
    ActiveProfile {
        id: String,
    }
}

fields! {
    /// What Codex passes on with a message.
    Passed {
        turn_id: String,
        content_item_kinds: Vec<String>,
    }
}

fields! {
    /// What began a turn.
    Attribution {
        turn_trigger: String,
    }
}

fields! {
    /// Sums of tokens.
    TokenInfo {
        total_token_usage: Tokens,
    }
}

fields! {
    /// An MCP call, as older files say it.
    Invocation {
        server: String,
    }
}

fields! {
    /// Something that was done in a turn.
    Item {
        #[serde(rename = "type")]
        kind: String,
        id: String,
        status: String,
        exit_code: i64,
        cwd: String,
        aggregated_output: String,
        stdout: String,
        server: String,
        tool: String,
        arguments: Value,
        result: Value,
        error: Value,
        agent_thread_id: String,
        #[serde(rename = "kind")]
        activity: String,
    }
}

/// Tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Tokens {
    #[serde(deserialize_with = "tolerant")]
    pub(super) input_tokens: Option<i64>,
    #[serde(deserialize_with = "tolerant")]
    pub(super) cached_input_tokens: Option<i64>,
    #[serde(deserialize_with = "tolerant")]
    pub(super) output_tokens: Option<i64>,
    #[serde(deserialize_with = "tolerant")]
    pub(super) reasoning_output_tokens: Option<i64>,
}

impl Tokens {
    pub(super) fn fill(self, event: &mut Event) {
        event.tokens_input = self.input_tokens;
        event.tokens_output = self.output_tokens;
        event.tokens_cached = self.cached_input_tokens;
        event.tokens_reasoning = self.reasoning_output_tokens;
    }

    /// What came since an earlier sum.
    pub(super) fn since(self, earlier: Self) -> Self {
        let more = |now: Option<i64>, before: Option<i64>| {
            let before = before.unwrap_or(0);
            // A sum that went back was begun anew.
            now.map(|now| if now < before { now } else { now.saturating_sub(before) })
        };
        Self {
            input_tokens: more(self.input_tokens, earlier.input_tokens),
            cached_input_tokens: more(self.cached_input_tokens, earlier.cached_input_tokens),
            output_tokens: more(self.output_tokens, earlier.output_tokens),
            reasoning_output_tokens: more(
                self.reasoning_output_tokens,
                earlier.reasoning_output_tokens,
            ),
        }
    }
}

impl Payload {
    /// The turn that the line itself names.
    pub(super) fn turn(&self) -> Option<&str> {
        let passed = self.internal_chat_message_metadata_passthrough.as_ref();
        self.turn_id.as_deref().or_else(|| passed?.turn_id.as_deref())
    }

    /// What began the thread: `user`, `guardian_review`, `exec`, `vscode`, ...; of a sub-agent whose file
    /// does not say it in a word, the innermost word of its source.
    pub(super) fn began_by(&self) -> Option<String> {
        let mut source = self.source.as_ref();
        let nested = source.is_some_and(Value::is_object);
        if let Some(word) = self.thread_source.as_ref().filter(|_| nested) {
            return Some(word.clone());
        }
        let mut word = None;
        for _ in 0..3 {
            match source? {
                Value::String(text) => return Some(text.clone()),
                Value::Object(members) if members.len() == 1 => {
                    let (key, value) = members.iter().next()?;
                    word = Some(key.clone());
                    source = Some(value);
                }
                _ => return word,
            }
        }
        word
    }
}

/// A policy: a word, or an object that says it in `type` or as its only key.
pub(super) fn tag(policy: &Value) -> Option<String> {
    match policy {
        Value::String(word) => Some(word.clone()),
        Value::Object(members) => match members.get("type").or_else(|| members.get("mode")) {
            Some(Value::String(word)) => Some(word.clone()),
            _ if members.len() == 1 => members.keys().next().cloned(),
            _ => None,
        },
        _ => None,
    }
}

/// The text of a value: a string, or the parts of a message one after the other; none where there is no
/// text in it.
pub(super) fn words(value: &Value) -> Option<String> {
    joined(value, "")
}

/// The text of an output: its parts stand on lines of their own, as telemetry has them.
pub(super) fn output(value: &Value) -> Option<String> {
    match value {
        Value::Object(members) => members.get("content").and_then(|content| joined(content, "\n")),
        other => joined(other, "\n"),
    }
}

fn joined(value: &Value, between: &str) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let parts: Vec<&str> = parts.iter().filter_map(part).collect();
            (!parts.is_empty()).then(|| parts.join(between))
        }
        _ => None,
    }
}

/// The text of one part of a message.
pub(super) fn part(part: &Value) -> Option<&str> {
    part.as_str().or_else(|| part.get("text").and_then(Value::as_str))
}

/// A string as it stands, anything else as JSON.
pub(super) fn verbatim(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
