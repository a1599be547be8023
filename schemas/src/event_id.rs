//! The identity of a row.
//!
//! All digests are BLAKE3 in key-derivation mode, each with a context of its own, over canonical
//! OTLP/JSON in which the fingerprint of every redaction mark is blanked; numbers go in as 8
//! little-endian bytes.
//!
//! - The *origin* of a record ([`ORIGIN_CONTEXT`]): the length of the sender's name, the name, and what
//!   stands before and after the record in its export request, which is its resource and scope.
//! - The *digest* of a record ([`CONTEXT`]): its origin, then the record itself.
//! - `event_id`: the first 16 bytes of the digest for the first such record of a request; for the one
//!   after `n` identical ones, the first 16 bytes of BLAKE3 ([`AGAIN_CONTEXT`]) over the digest and `n`.
//!
//! So the same record sent again, in Protobuf or JSON, alone or batched, has the same id; two identical
//! facts in one request have two; and no sender can collide with another's record. The origin is
//! hashed once for all records that share it.

use std::collections::HashMap;

use memchr::memmem;

/// BLAKE3 key-derivation context of version 1 of the definition.
pub const CONTEXT: &str = "blotter 2026-11-21 event_id v1";
/// BLAKE3 key-derivation context of what surrounds a record.
pub const ORIGIN_CONTEXT: &str = "blotter 2026-11-21 event_id origin v1";
/// BLAKE3 key-derivation context of repeated records.
pub const AGAIN_CONTEXT: &str = "blotter 2026-11-21 repeated event_id v1";
/// BLAKE3 key-derivation context of rows derived from a span.
pub const DERIVED_CONTEXT: &str = "blotter 2026-11-21 derived event_id v1";
/// How a redaction mark begins: `[redacted:<rule>:<fingerprint>]`.
const MARK: &[u8] = b"[redacted:";
/// Longest part of a mark that is looked at.
const MARK_LIMIT: usize = 160;

/// Computes ids within one request, counting identical records.
#[derive(Debug)]
pub struct EventIds {
    sender: String,
    origin: [u8; 32],
    /// Bytes before and after the record in its export request.
    around: (usize, usize),
    /// Kept between records: making one derives its key and initialises two kilobytes.
    hasher: blake3::Hasher,
    seen: HashMap<[u8; 32], u64>,
}

impl EventIds {
    /// Ids of records that `sender` (the name of a credential, empty for none) sent in one request.
    #[must_use]
    pub fn new(sender: &str) -> Self {
        let mut ids = Self {
            sender: sender.to_owned(),
            origin: [0; 32],
            around: (0, 0),
            hasher: blake3::Hasher::new_derive_key(CONTEXT),
            seen: HashMap::new(),
        };
        ids.within("", "");
        ids
    }

    /// The records that follow stand between `before` and `after` in their export requests.
    pub fn within(&mut self, before: &str, after: &str) {
        let mut hasher = blake3::Hasher::new_derive_key(ORIGIN_CONTEXT);
        hasher.update(&length(self.sender.len()));
        hasher.update(self.sender.as_bytes());
        update_blanked(&mut hasher, before.as_bytes());
        update_blanked(&mut hasher, after.as_bytes());
        self.origin = *hasher.finalize().as_bytes();
        self.around = (before.len(), after.len());
    }

    /// Id of the next record, given as canonical OTLP/JSON with what surrounds it.
    pub fn next(&mut self, canonical: &str) -> [u8; 16] {
        let (before, after) = self.around;
        let record = canonical.get(before..canonical.len().saturating_sub(after));
        let record = record.unwrap_or(canonical);
        self.hasher.reset();
        self.hasher.update(&self.origin);
        update_blanked(&mut self.hasher, record.as_bytes());
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

/// Digest of bytes whose redaction marks count without their fingerprints, so that a rotated key does
/// not change it. `context` is that of BLAKE3's key derivation.
#[must_use]
pub fn digest_of_redacted(context: &str, bytes: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    update_blanked(&mut hasher, bytes);
    *hasher.finalize().as_bytes()
}

/// Id of the `index`-th row derived from the span whose row has the id `origin`; index 0 is the span
/// itself, 1 its first event, and the one after its last event its end.
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

    fn from(sender: &str) -> EventIds {
        let mut ids = EventIds::new(sender);
        ids.within("[", "]");
        ids
    }

    fn id(record: &str) -> [u8; 16] {
        from("").next(&format!("[{record}]"))
    }

    #[test]
    fn the_definition_is_final_a_known_record_keeps_its_id() {
        assert_eq!(hex::encode(id("{}")), "960fcd1b0bac2dc25171fec209b94596");
    }

    #[test]
    fn identical_records_of_one_request_have_two_ids_and_again_the_same_two() {
        let mut first = from("");
        let pair = [first.next("[{}]"), first.next("[{}]")];
        let mut second = from("");
        assert_ne!(pair[0], pair[1]);
        assert_eq!(pair, [second.next("[{}]"), second.next("[{}]")]);
    }

    #[test]
    fn another_sender_has_another_id() {
        assert_ne!(from("a").next("[{}]"), from("b").next("[{}]"));
    }

    #[test]
    fn another_resource_has_another_id_and_is_counted_apart() {
        let mut ids = EventIds::new("");
        ids.within("[1,", "]");
        let one = ids.next("[1,{}]");
        ids.within("[2,", "]");
        let other = ids.next("[2,{}]");
        ids.within("[1,", "]");
        let again = ids.next("[1,{}]");
        assert!(one != other && one != again && other != again);
        assert_eq!(other, {
            let mut alone = EventIds::new("");
            alone.within("[2,", "]");
            alone.next("[2,{}]")
        });
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
