//! The identity of a row.
//!
//! The *digest* of a record is BLAKE3, in key-derivation mode with the context [`CONTEXT`], over: the
//! length of the sender's name as 8 little-endian bytes and the name; and the canonical OTLP/JSON of the
//! record with its resource and scope, in which the fingerprint of every redaction mark is blanked.
//! `event_id` is the first 16 bytes of the digest for the first such record of a request, and the first
//! 16 bytes of BLAKE3 with the context [`AGAIN_CONTEXT`] over the digest and `n`, as 8 little-endian
//! bytes, for the one after `n` identical ones. So the same record sent again, in Protobuf or JSON,
//! alone or batched, has the same id; two identical facts in one request have two; and no sender can
//! collide with another's record.

use std::collections::HashMap;

use memchr::memmem;

/// BLAKE3 key-derivation context of version 1 of the definition.
const CONTEXT: &str = "blotter 2026-11-21 event_id v1";
/// BLAKE3 key-derivation context of repeated records.
const AGAIN_CONTEXT: &str = "blotter 2026-11-21 repeated event_id v1";
/// BLAKE3 key-derivation context of rows derived from a span.
const DERIVED_CONTEXT: &str = "blotter 2026-11-21 derived event_id v1";
/// How a redaction mark begins: `[redacted:<rule>:<fingerprint>]`.
const MARK: &[u8] = b"[redacted:";
/// Longest part of a mark that is looked at.
const MARK_LIMIT: usize = 160;

/// Computes ids within one request, counting identical records.
#[derive(Debug)]
pub struct EventIds {
    sender: String,
    /// Kept between records: making one derives its key and initialises two kilobytes.
    hasher: blake3::Hasher,
    seen: HashMap<[u8; 32], u64>,
}

impl EventIds {
    /// Ids of records that `sender` (the name of a credential, empty for none) sent in one request.
    #[must_use]
    pub fn new(sender: &str) -> Self {
        let hasher = blake3::Hasher::new_derive_key(CONTEXT);
        Self { sender: sender.to_owned(), hasher, seen: HashMap::new() }
    }

    /// Id of the next record, given as canonical OTLP/JSON.
    pub fn next(&mut self, canonical: &str) -> [u8; 16] {
        self.hasher.reset();
        self.hasher.update(&length(self.sender.len()));
        self.hasher.update(self.sender.as_bytes());
        update_blanked(&mut self.hasher, canonical.as_bytes());
        let digest = *self.hasher.finalize().as_bytes();
        let before = self.seen.entry(digest).or_insert(0);
        let id = match *before {
            0 => truncate(&digest),
            again => derive(AGAIN_CONTEXT, &digest, again),
        };
        *before += 1;
        id
    }
}

/// Id of the `index`-th row derived from the span whose row has the id `origin`; index 0 is the span
/// itself, 1 its first event.
#[must_use]
pub fn derived(origin: [u8; 16], index: usize) -> [u8; 16] {
    derive(DERIVED_CONTEXT, &origin, u64::try_from(index).unwrap_or(u64::MAX))
}

fn derive(context: &str, from: &[u8], number: u64) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    hasher.update(from);
    hasher.update(&number.to_le_bytes());
    truncate(hasher.finalize().as_bytes())
}

fn length(value: usize) -> [u8; 8] {
    u64::try_from(value).unwrap_or(u64::MAX).to_le_bytes()
}

/// The first 16 bytes of a digest.
fn truncate(digest: &[u8; 32]) -> [u8; 16] {
    let [id, _] = digest.as_chunks().0 else {
        return [0; 16];
    };
    *id
}

/// Hashes `bytes` without the fingerprints of redaction marks, so that a rotated key changes no id.
fn update_blanked(hasher: &mut blake3::Hasher, mut bytes: &[u8]) {
    while let Some(start) = memmem::find(bytes, MARK) {
        let (before, mark) = bytes.split_at(start + MARK.len());
        hasher.update(before);
        let (rule, fingerprint) = mark_parts(mark).unwrap_or((0, 0));
        let (rule, rest) = mark.split_at(rule);
        hasher.update(rule);
        bytes = rest.split_at(fingerprint).1;
    }
    hasher.update(bytes);
}

/// Length of `<rule>:` and of `<fingerprint>` at the start of `mark`, if it is one.
fn mark_parts(mark: &[u8]) -> Option<(usize, usize)> {
    let end = mark.iter().take(MARK_LIMIT).position(|&byte| byte == b']')?;
    let (inner, _) = mark.split_at(end);
    let plain =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    if !inner.iter().all(plain) {
        return None;
    }
    let rule = inner.iter().position(|&byte| byte == b':')? + 1;
    Some((rule, inner.len() - rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(canonical: &str) -> [u8; 16] {
        EventIds::new("").next(canonical)
    }

    #[test]
    fn the_definition_is_final_a_known_record_keeps_its_id() {
        assert_eq!(hex::encode(id("{}")), "ddc45f1f4f754ddd25a9782a989bde8d");
    }

    #[test]
    fn identical_records_of_one_request_have_two_ids_and_again_the_same_two() {
        let mut first = EventIds::new("");
        let pair = [first.next("{}"), first.next("{}")];
        let mut second = EventIds::new("");
        assert_ne!(pair[0], pair[1]);
        assert_eq!(pair, [second.next("{}"), second.next("{}")]);
    }

    #[test]
    fn another_sender_has_another_id() {
        assert_ne!(EventIds::new("a").next("{}"), EventIds::new("b").next("{}"));
    }

    #[test]
    fn a_rotated_fingerprint_key_keeps_the_id_another_rule_or_text_does_not() {
        let with = |text: &str| id(&format!(r#"{{"a":"x {text} y"}}"#));
        assert_eq!(with("[redacted:aws-key:k1.0123abcd]"), with("[redacted:aws-key:k2.ffff0000]"));
        assert_ne!(with("[redacted:aws-key:0123abcd]"), with("[redacted:jwt:0123abcd]"));
        assert_ne!(with("[redacted:not a mark: 1]"), with("[redacted:not a mark: 2]"));
        assert_ne!(with("[redacted:open 1"), with("[redacted:open 2"));
    }
}
