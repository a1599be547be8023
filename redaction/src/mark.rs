//! Marks: what stands where a secret stood.
//!
//! `[redacted:<rule>:<key id>.<16 hex>]`. A mark of ours names a rule that exists and a key that we
//! hold. It is left as it is when it comes in again, so that a request that has passed one collector
//! of a fleet passes the next one unchanged. Other text that reads like a mark is a claim of its
//! sender: its opening becomes [`FOREIGN`], which nothing downstream takes for a mark. A sender that has
//! seen a mark can repeat it; that tells nobody anything, and the counts of a record
//! ([`crate::Redactions`]) say how many marks were placed here.

use std::ops::Range;

use memchr::memmem;

/// How a mark begins.
pub(crate) const OPEN: &str = "[redacted:";
/// What the opening of something that only looks like a mark becomes.
pub(crate) const FOREIGN: &str = "[sender-redacted:";
/// Under which name rewritten openings are counted.
pub(crate) const FOREIGN_RULE: &str = "foreign-mark";
/// How the rule part of a hashed field begins; the length in bytes follows.
pub(crate) const HASHED: &str = "hashed";
/// Under which name dropped fields are counted.
pub(crate) const DROPPED: &str = "dropped";
/// Under which name names are counted that only the collector may use, and that it renamed.
pub const CLAIMED: &str = "claimed";
/// Under which name strings are counted that the collector cut.
pub const CUT: &str = "cut";
/// Under which name ids of traces and spans are counted that were none, and were taken out.
pub(crate) const INVALID_ID: &str = "invalid-id";
/// Longest rule id.
pub(crate) const RULE_LIMIT: usize = 64;
/// Hexadecimal digits of a fingerprint.
const DIGITS: usize = 16;
/// Longest mark that is looked at.
const LIMIT: usize = 160;

/// Writes a mark.
pub(crate) fn write(rule: &str, fingerprint: &str) -> String {
    format!("{OPEN}{rule}:{fingerprint}]")
}

/// A well-formed mark at the start of `text`: its length, rule and key id.
pub(crate) fn parse(text: &[u8]) -> Option<(usize, &str, &str)> {
    let rest = text.strip_prefix(OPEN.as_bytes())?;
    let end = rest.iter().take(LIMIT).position(|&byte| byte == b']')?;
    let inner = std::str::from_utf8(rest.get(..end)?).ok()?;
    let (rule, fingerprint) = inner.split_once(':')?;
    let (key, digits) = fingerprint.split_once('.')?;
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    (is_id(rule) && is_id(key) && digits.len() == DIGITS && digits.bytes().all(hexadecimal))
        .then_some((OPEN.len() + end + 1, rule, key))
}

/// Whether a text can be a rule id or a key id.
pub(crate) fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !text.is_empty() && text.len() <= RULE_LIMIT && text.bytes().all(plain)
}

/// Whether `text` begins with what a reader of marks takes for one, well-formed or not: a rule, a colon
/// and more, in plain characters.
pub(crate) fn claims(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(OPEN.as_bytes()) else {
        return false;
    };
    let plain =
        |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    let length = rest.iter().take(LIMIT).take_while(plain).count();
    let inner = rest.get(..length).unwrap_or_default();
    rest.get(length) == Some(&b']') && memchr::memchr(b':', inner).is_some()
}

/// Every mark in `text`, and the opening of everything that claims to be one: where, and whether `ours`
/// accepts it (rule, key id).
pub(crate) fn find(text: &[u8], ours: impl Fn(&str, &str) -> bool) -> Vec<(Range<usize>, bool)> {
    let mut found = Vec::new();
    for start in memmem::find_iter(text, OPEN) {
        let rest = text.get(start..).unwrap_or_default();
        match parse(rest).filter(|(_, rule, key)| ours(rule, key)) {
            Some((length, ..)) => found.push((start..start + length, true)),
            None if claims(rest) => found.push((start..start + OPEN.len(), false)),
            None => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_mark_parses_and_variations_do_not() {
        let mark = write("jwt", "k1f3.0123456789abcdef");
        assert_eq!(parse(format!("{mark} x").as_bytes()), Some((mark.len(), "jwt", "k1f3")));
        for other in [
            "[redacted:jwt:k1f3.0123456789abcde]",
            "[redacted:jwt:0123456789abcdef]",
            "[redacted:jwt:k1f3.0123456789ABCDEF]",
            "[redacted:j wt:k1f3.0123456789abcdef]",
            "[redacted:jwt:k1f3.0123456789abcdef",
        ] {
            assert_eq!(parse(other.as_bytes()), None, "{other}");
        }
    }
}
