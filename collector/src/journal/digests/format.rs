//! A file of digests, as bytes.
//!
//! | bytes | content (integers little-endian) |
//! |---|---|
//! | 0..8 | magic |
//! | 8..12 | CRC-32C of everything that follows here |
//! | 12..28 | incarnation of the journal |
//! | 28..32 | number of digests |
//! | 32.. | for each, in the order of positions: digest (16), position of its first record (8), time of receipt in nanoseconds since the epoch (8) |

use super::{Digest, ROOM, Taken};
use crate::journal::entry::{Incarnation, take};

/// How a file of digests begins.
const MAGIC: [u8; 8] = *b"BLTDGST1";
/// Bytes before the first digest.
const HEADER: usize = 32;
/// Bytes of one digest with what belongs to it.
const EACH: usize = 32;
/// Most bytes of a file: nothing beyond [`ROOM`] is ever written.
pub(super) const LARGEST: u64 = (HEADER + EACH * ROOM) as u64;

/// The file that holds these.
pub(super) fn encode(taken: &[Taken], incarnation: &Incarnation) -> Vec<u8> {
    let mut checked = Vec::with_capacity(HEADER + EACH * taken.len());
    checked.extend(incarnation);
    checked.extend(u32::try_from(taken.len()).unwrap_or(u32::MAX).to_le_bytes());
    for Taken { digest: Digest(digest), position, received_unix_nano } in taken {
        checked.extend(digest);
        checked.extend(position.to_le_bytes());
        checked.extend(received_unix_nano.to_le_bytes());
    }
    let mut content = Vec::with_capacity(checked.len() + 12);
    content.extend(MAGIC);
    content.extend(crc32c::crc32c(&checked).to_le_bytes());
    content.extend(checked);
    content
}

/// What a file holds; none where it is damaged or belongs to another journal.
pub(super) fn parse(content: &[u8], incarnation: &Incarnation) -> Option<Vec<Taken>> {
    let mut rest = content;
    let rest = &mut rest;
    let known = take(rest) == Some(MAGIC);
    let crc = u32::from_le_bytes(take(rest)?);
    if !known || crc32c::crc32c(rest) != crc || take(rest).as_ref() != Some(incarnation) {
        return None;
    }
    let count = usize::try_from(u32::from_le_bytes(take(rest)?)).ok()?;
    if rest.len() != count.checked_mul(EACH)? {
        return None;
    }
    let mut taken = Vec::with_capacity(count);
    for _ in 0..count {
        taken.push(Taken {
            digest: Digest(take(rest)?),
            position: u64::from_le_bytes(take(rest)?),
            received_unix_nano: i64::from_le_bytes(take(rest)?),
        });
    }
    taken.is_sorted_by(|one, next| one.position < next.position).then_some(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INCARNATION: Incarnation = [7; 16];

    fn taken() -> impl Strategy<Value = Vec<Taken>> {
        let one = (any::<[u8; 16]>(), any::<u64>(), any::<i64>());
        proptest::collection::vec(one, 0..40).prop_map(|mut all| {
            all.sort_by_key(|(_, position, _)| *position);
            all.dedup_by_key(|(_, position, _)| *position);
            let taken = |(digest, position, received_unix_nano)| Taken {
                digest: Digest(digest),
                position,
                received_unix_nano,
            };
            all.into_iter().map(taken).collect()
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_by_the_same_journal_and_no_other(all in taken()) {
            let content = encode(&all, &INCARNATION);
            prop_assert_eq!(parse(&content, &INCARNATION), Some(all));
            prop_assert_eq!(parse(&content, &[8; 16]), None);
        }

        #[test]
        fn a_file_of_which_any_bit_was_flipped_is_no_file_of_digests(
            all in taken(), at in any::<prop::sample::Index>(), bit in 0_u8..8
        ) {
            let mut content = encode(&all, &INCARNATION);
            let at = at.index(content.len());
            content[at] ^= 1 << bit;
            prop_assert_eq!(parse(&content, &INCARNATION), None);
        }

        #[test]
        fn a_file_that_was_cut_off_or_grew_is_no_file_of_digests(
            all in taken(), at in any::<prop::sample::Index>(), more in 1_usize..100
        ) {
            let mut content = encode(&all, &INCARNATION);
            let cut = at.index(content.len());
            prop_assert_eq!(parse(&content[..cut], &INCARNATION), None);
            content.resize(content.len() + more, 0);
            prop_assert_eq!(parse(&content, &INCARNATION), None);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(
            content in proptest::collection::vec(any::<u8>(), 0..200), count in any::<u32>()
        ) {
            prop_assert_eq!(parse(&content, &INCARNATION), None);
            // Behind a right checksum, too, a count is not believed.
            let mut checked = INCARNATION.to_vec();
            checked.extend(count.to_le_bytes());
            checked.extend(&content);
            let mut whole = MAGIC.to_vec();
            whole.extend(crc32c::crc32c(&checked).to_le_bytes());
            whole.extend(checked);
            if let Some(all) = parse(&whole, &INCARNATION) {
                prop_assert_eq!(encode(&all, &INCARNATION), whole);
            }
        }
    }
}
