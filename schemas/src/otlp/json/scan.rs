//! Finding the bytes of a string that JSON writes differently.

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);

/// Number of bytes at the start of `bytes` that stand for themselves in a JSON string: up to the first
/// quote, backslash or control character.
#[inline]
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    let mut plain = 0;
    for word in words {
        if special(u64::from_ne_bytes(*word)) {
            break;
        }
        plain += 8;
    }
    let rest = bytes.get(plain..).unwrap_or_default();
    plain + rest.iter().position(|&byte| is_special(byte)).unwrap_or(rest.len())
}

/// Whether a byte cannot stand for itself.
#[inline]
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Whether any byte of the word cannot stand for itself. Eight at a time: subtracting borrows into the
/// high bit of a byte exactly where the first byte below the limit is (a borrow can only make later
/// bytes look special, and then one is).
#[inline]
fn special(word: u64) -> bool {
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let equals = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    below(word, 0x20) | equals(b'"') | equals(b'\\') != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_offset_is_told_plain_or_special_as_one_by_one() {
        for byte in 0..=255_u8 {
            for offset in 0..20 {
                for filler in [b'a', 0x20, 0x7f, 0xff, 0x80] {
                    let mut bytes = [filler; 20];
                    bytes[offset] = byte;
                    let slow = bytes.iter().position(|&byte| is_special(byte)).unwrap_or(20);
                    assert_eq!(plain_length(&bytes), slow, "{byte:#x} at {offset}");
                }
            }
        }
    }
}
