//! Long runs of characters that tokens, also encoded ones, are made of. Most text has few.

use std::ops::Range;

/// Bytes of the shortest run.
pub(crate) const SHORTEST: usize = 20;

/// What tokens are made of, Base64 digits, and what both may be escaped with in JSON and URLs.
static INSIDE: [bool; 256] = inside();

const fn inside() -> [bool; 256] {
    let mut inside = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        let known = byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'-' | b'.' | b'+' | b'/' | b'\\' | b'%');
        if let Some(slot) = inside.split_at_mut(byte as usize).1.first_mut() {
            *slot = known;
        }
        byte += 1;
    }
    inside
}

fn is_inside(byte: u8) -> bool {
    INSIDE.get(usize::from(byte)).copied().unwrap_or(false)
}

/// The runs of a text, in order. Looks at few of its bytes: where the last byte that a run would need is
/// not in one, none of those before it are.
pub(crate) fn find(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let window = text.get(from..from + SHORTEST)?;
            if let Some(outside) = window.iter().rposition(|&byte| !is_inside(byte)) {
                from += outside + 1;
                continue;
            }
            let rest = text.get(from + SHORTEST..).unwrap_or_default();
            let more = rest.iter().position(|&byte| !is_inside(byte)).unwrap_or(rest.len());
            let run = from..from + SHORTEST + more;
            from = run.end;
            return Some(run);
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, byte by byte.
    fn one_by_one(text: &[u8]) -> Vec<Range<usize>> {
        let mut runs = Vec::new();
        let mut start = 0;
        for at in 0..=text.len() {
            if !text.get(at).copied().is_some_and(is_inside) {
                if at - start >= SHORTEST {
                    runs.push(start..at);
                }
                start = at + 1;
            }
        }
        runs
    }

    proptest! {
        #[test]
        fn every_run_is_found(pieces in prop::collection::vec("[a-zA-Z0-9_.+/\\\\%-]{0,45}[ \"=é]{0,2}", 0..12)) {
            let text = pieces.concat();
            prop_assert_eq!(find(text.as_bytes()).collect::<Vec<_>>(), one_by_one(text.as_bytes()));
        }
    }
}
