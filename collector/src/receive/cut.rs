//! Strings that are longer than is kept.
//!
//! What is cut was searched for secrets as a whole before: half a secret at the end of what is kept would
//! not be recognised any more.

use blotter_redaction::CUT;
use blotter_schemas::event_id::digest_of_redacted;
use blotter_schemas::otlp::Request;
use memchr::memmem;
use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::edit::{self, Changes, Edit};

/// What is counted of them beside what was redacted.
pub(super) const RULE: &str = CUT;
/// BLAKE3 key-derivation context of the digest in a mark.
const CONTEXT: &str = "blotter 2026-11-25 string cut v1";
/// Bytes of the digest in a mark.
const DIGEST: usize = 16;
/// Longest mark: `[cut:`, twenty digits, `:`, the digest in hexadecimal, `]`.
const MARK: usize = 5 + 20 + 1 + 2 * DIGEST + 1;
/// How a mark of redaction begins, and the longest one.
const REDACTED: (&[u8], usize) = (b"[redacted:", 160);

/// Cuts every string and every byte value that is longer than `limit` bytes, which is at least 256.
pub(super) fn cut(request: &mut Request, limit: usize) -> Changes {
    edit::edit(request, &mut Cut { limit })
}

struct Cut {
    limit: usize,
}

impl Edit for Cut {
    fn attribute(&mut self, attribute: &mut KeyValue) -> u64 {
        self.text(&mut attribute.key)
    }

    fn name(&mut self, name: &mut String) -> u64 {
        self.text(name)
    }

    fn text(&mut self, text: &mut String) -> u64 {
        let Some((kept, mark)) = self.shortened(text.as_bytes()) else { return 0 };
        text.truncate(text.floor_char_boundary(kept));
        text.push_str(&mark);
        text.shrink_to_fit();
        1
    }

    fn bytes(&mut self, bytes: &mut Vec<u8>) -> u64 {
        let Some((kept, mark)) = self.shortened(bytes) else { return 0 };
        bytes.truncate(kept);
        bytes.extend(mark.as_bytes());
        bytes.shrink_to_fit();
        1
    }
}

impl Cut {
    /// How much is kept, and what follows it; none where all of it is.
    fn shortened(&self, whole: &[u8]) -> Option<(usize, String)> {
        if whole.len() <= self.limit {
            return None;
        }
        let digest = digest_of_redacted(CONTEXT, whole);
        let digest = hex::encode(digest.get(..DIGEST).unwrap_or_default());
        let kept = before_mark(whole, self.limit.saturating_sub(MARK));
        Some((kept, format!("[cut:{}:{digest}]", whole.len())))
    }
}

/// `at`, or where the mark of redaction begins that it would fall into.
fn before_mark(whole: &[u8], at: usize) -> usize {
    let (begin, longest) = REDACTED;
    let from = at.saturating_sub(longest);
    // A mark's beginning may itself lie across.
    let window = whole.get(from..(at + begin.len()).min(whole.len())).unwrap_or_default();
    let Some(found) = memmem::rfind(window, begin) else { return at };
    let start = from + found;
    let open = start < at && !whole.get(start..at).unwrap_or_default().contains(&b']');
    if open { start } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut_text(text: &str) -> String {
        let mut text = text.to_owned();
        Cut { limit: 256 }.text(&mut text);
        text
    }

    #[test]
    fn what_fits_stays_and_what_does_not_ends_in_a_mark_with_its_length() {
        let fits = "x".repeat(256);
        assert_eq!(cut_text(&fits), fits);
        let cut = cut_text(&"x".repeat(257));
        assert!(cut.starts_with(&"x".repeat(256 - MARK)));
        assert!(cut.trim_start_matches('x').starts_with("[cut:257:"), "{cut}");
        assert!(cut.ends_with(']') && cut.len() <= 256);
    }

    #[test]
    fn the_digest_tells_texts_apart_that_begin_alike_and_not_fingerprints_of_another_key() {
        let text = |end: &str| cut_text(&format!("{}{end}", "x".repeat(300)));
        assert_ne!(text("a"), text("b"));
        assert_eq!(text("[redacted:jwt:k1.0000]"), text("[redacted:jwt:k2.1111]"));
    }

    #[test]
    fn a_mark_of_redaction_is_kept_whole_or_not_at_all() {
        for before in 100..256 {
            let mark = "[redacted:jwt:0123456789abcdef.0123456789abcdef]";
            let cut = cut_text(&format!("{}{mark}{}", "x".repeat(before), "y".repeat(300)));
            let kept = cut.split("[cut:").next().unwrap();
            assert!(!kept.contains('[') || kept.contains(mark), "{cut}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_text_it_becomes_no_longer_than_allowed_and_stays_text(
            text in "\\PC{0,400}", start in 0_usize..300,
        ) {
            let text = format!("{}{text}", "[redacted:".repeat(start / 10));
            let cut = cut_text(&text);
            prop_assert!(cut.len() <= 256);
            prop_assert!(cut == text || text.starts_with(cut.split("[cut:").next().unwrap()));
        }
    }
}
