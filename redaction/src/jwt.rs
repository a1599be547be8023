//! JSON Web Tokens: found by their structure, whatever their length.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The end of the run of token characters that begins at `start`.
pub(crate) fn run_end(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    start + rest.iter().position(|byte| !token(byte)).unwrap_or(rest.len())
}

/// Whether a run of token characters is a token: a header with an algorithm or type, and a payload;
/// the signature may be missing or cut.
pub(crate) fn is_token(run: &[u8]) -> bool {
    let mut parts = run.split(|&byte| byte == b'.');
    let (Some(header), Some(payload)) = (parts.next(), parts.next()) else {
        return false;
    };
    if payload.len() < 8 || header.len() > 4096 {
        return false;
    }
    let Ok(header) = URL_SAFE_NO_PAD.decode(header) else {
        return false;
    };
    let object: Option<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_slice(&header).ok();
    object.is_some_and(|object| {
        ["alg", "typ", "enc", "kid", "cty"].iter().any(|name| object.contains_key(*name))
    })
}
