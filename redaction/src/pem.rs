//! Private keys in PEM, also where their line breaks are escaped.

use memchr::memmem;

/// How a block begins.
pub(crate) const BEGIN: &[u8] = b"-----BEGIN ";
/// What ends the first line of a block of a private key, with and without the suffix of PGP.
const KEY: [&[u8]; 2] = [b"PRIVATE KEY-----", b"PRIVATE KEY BLOCK-----"];
const DASHES: &[u8] = b"-----";
/// Shortest content, in Base64 digits: an Ed25519 key has 64.
const SHORTEST: usize = 40;

/// The end of the block of a private key that begins at `start`: after its last line, or, where it was
/// cut off, after its last character. None where it has no content.
pub(crate) fn end(text: &[u8], start: usize) -> Option<usize> {
    let content = content_start(text, start)?;
    let rest = text.get(content..)?;
    let inside = |index: usize, byte: u8| {
        let plain = byte.is_ascii_alphanumeric()
            || byte.is_ascii_whitespace()
            || matches!(
                byte,
                b'+' | b'/' | b'=' | b'\\' | b':' | b',' | b'.' | b'(' | b')' | b'%' | b'"'
            );
        plain || (byte == b'-' && rest.get(index..index + 5) != Some(DASHES))
    };
    let length = rest
        .iter()
        .enumerate()
        .position(|(index, &byte)| !inside(index, byte))
        .unwrap_or(rest.len());
    let digits = rest.iter().take(length).filter(|byte| byte.is_ascii_alphanumeric()).count();
    if digits < SHORTEST {
        return None;
    }
    let after = rest.get(length..)?;
    let closing = after.strip_prefix(b"-----END ").and_then(|line| {
        let line = line.get(..line.len().min(48))?;
        memmem::find(line, DASHES).map(|dashes| 9 + dashes + DASHES.len())
    });
    Some(content + length + closing.unwrap_or(0))
}

/// Where the content of a private key's block begins.
fn content_start(text: &[u8], start: usize) -> Option<usize> {
    let label = text.get(start..)?.strip_prefix(BEGIN)?;
    let label = label.get(..label.len().min(64))?;
    let line = KEY.iter().filter_map(|key| Some(memmem::find(label, key)? + key.len())).min()?;
    Some(start + BEGIN.len() + line)
}

/// The Base64 digits of a private key, whatever its line breaks; none where there is no such block.
pub(crate) fn body(text: &[u8]) -> Option<Vec<u8>> {
    let start = memmem::find(text, BEGIN)?;
    let content = content_start(text, start)?;
    let rest = text.get(content..)?;
    let rest = rest.get(..memmem::find(rest, DASHES).unwrap_or(rest.len()))?;
    let mut digits = Vec::with_capacity(rest.len());
    let mut bytes = rest.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            // An escaped line break, not the letter.
            b'\\' => {
                bytes.next_if(|next| matches!(next, b'n' | b'r' | b't'));
            }
            _ if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') => digits.push(byte),
            _ => {}
        }
    }
    Some(digits)
}
