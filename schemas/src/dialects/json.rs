//! JSON inside a value that an agent sent.

use serde::de::DeserializeOwned;

/// Longest text that is read, in bytes.
const LIMIT: usize = 1 << 20;

/// What a text says; none where it is too long, is not JSON, or says something else.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    if text.len() > LIMIT {
        return None;
    }
    serde_json::from_str(text).ok()
}
