//! Whether what stands beside an anchor, in the bytes of a request that nobody has decoded, leaves its
//! rule a chance. The question is always answered in favour of a closer look.

use std::ops::Range;

use crate::rule::Beside;

/// Longest attribute key that is taken for the name of a secret; its length fits in one byte of
/// Protobuf.
pub(crate) const KEY_LIMIT: usize = 127;
/// How far before a string in JSON the name of its property is looked for.
const PROPERTY: usize = 64;
/// How far white space, quotes and their escapes may reach between a name and its value. A pattern
/// allows six such characters, and each of three layers of JSON at most doubles a quote's escapes.
const GLUE: usize = 64;
/// How far a login may reach.
const LOGIN: usize = 4096;
/// How far two words of a rule may stand apart: 120 characters, each of which three layers of JSON or
/// two and URL encoding make at most 12.
const NEAR: usize = 1536;

/// What the bytes beside an anchor leave its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chance {
    /// It cannot match.
    No,
    /// It may match in the text that the anchor stands in.
    Yes,
    /// It may match only if this is where an attribute key ends, whose value then follows.
    AfterKey(usize),
}

impl From<bool> for Chance {
    fn from(possible: bool) -> Self {
        if possible { Self::Yes } else { Self::No }
    }
}

/// Whether the rule of the anchor at `anchor` may match.
pub(crate) fn chance(beside: Beside, body: &[u8], anchor: Range<usize>) -> Chance {
    match beside {
        Beside::Name(rests) => {
            let after = body.get(anchor.end..).unwrap_or_default();
            let mut chance = Chance::No;
            for rest in rests {
                let here = after.get(..rest.len());
                if !here.is_some_and(|here| here.eq_ignore_ascii_case(rest.as_bytes())) {
                    continue;
                }
                let end = anchor.end + rest.len();
                // A key may end in an escape that is read as white space or a quote.
                if value_follows(body, anchor.start, end)
                    || matches!(body.get(end), Some(b'\\' | b'%'))
                {
                    return Chance::Yes;
                }
                // The longest remainder comes last, and a key cannot end before it.
                chance = Chance::AfterKey(end);
            }
            chance
        }
        beside => Chance::from(possible(beside, body, anchor)),
    }
}

fn possible(beside: Beside, body: &[u8], anchor: Range<usize>) -> bool {
    match beside {
        Beside::Anything => true,
        Beside::Token(length) => token(body, &anchor, length),
        Beside::Name(_) => chance(beside, body, anchor) != Chance::No,
        Beside::Login => login(body, anchor.end),
        Beside::Near(words) => {
            let from = anchor.start.saturating_sub(NEAR);
            let to = body.len().min(anchor.end + NEAR);
            let area = body.get(from..to).unwrap_or_default();
            words.iter().any(|word| contains_in_any_case(area, word.as_bytes()))
        }
        Beside::SpaceNear(words) => {
            possible(Beside::Space, body, anchor.clone())
                && possible(Beside::Near(words), body, anchor)
        }
        Beside::Digit => body.get(anchor.end).is_some_and(u8::is_ascii_digit),
        Beside::Value(length) => {
            let after = body.get(anchor.end..anchor.end + length).unwrap_or_default();
            let query = |byte: &u8| {
                plain(*byte) || matches!(byte, b'~' | b'/' | b'%' | b'+' | b'=' | b'\\')
            };
            after.len() == length && after.iter().all(query)
        }
        Beside::Space => {
            matches!(body.get(anchor.end), Some(b' ' | b'\t' | b'\r' | b'\n' | b'%' | b'+' | b'\\'))
        }
    }
}

fn contains_in_any_case(text: &[u8], word: &[u8]) -> bool {
    let Some(first) = word.first() else {
        return true;
    };
    memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text)
        .any(|at| text.get(at..at + word.len()).is_some_and(|here| here.eq_ignore_ascii_case(word)))
}

fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn token(body: &[u8], anchor: &Range<usize>, length: usize) -> bool {
    let after = body.get(anchor.end..anchor.end + length).unwrap_or_default();
    if after.len() < length || !after.iter().all(|&byte| plain(byte)) {
        return false;
    }
    let before = |distance: usize| body.get(anchor.start.checked_sub(distance)?).copied();
    let Some(last) = before(1) else {
        return true;
    };
    if !(last.is_ascii_alphanumeric() || last == b'_') {
        return true;
    }
    let (second, third) = (before(2).unwrap_or(0), before(3).unwrap_or(0));
    // The letter of an escaped line break; the last digit of another escape or of URL encoding; the
    // length of a Protobuf string, one byte after its tag or the last of several.
    second == b'\\'
        || (before(6) == Some(b'\\') && before(5) == Some(b'u'))
        || third == b'%'
        || second >= 0x80
        || (second & 7 == 2 && usize::from(last) >= length + (anchor.end - anchor.start))
}

/// Whether an attribute key in Protobuf may end at `end`: a value's tag follows, or somewhere before
/// stand a tag and the length that leads there.
pub(crate) fn may_end_key(body: &[u8], end: usize) -> bool {
    let byte = |at: usize, back: usize| at.checked_sub(back).and_then(|at| body.get(at)).copied();
    body.get(end) == Some(&0x12)
        || (end.saturating_sub(KEY_LIMIT)..end).any(|key| {
            // Tags and lengths may be written longer than needed; then they end in a zero byte.
            let continued = |back| matches!(byte(key, back), Some(0x80..));
            match byte(key, 1) {
                Some(0) => continued(2),
                Some(length) if usize::from(length) == end - key => {
                    byte(key, 2) == Some(0x0a) || (byte(key, 2) == Some(0) && continued(3))
                }
                _ => false,
            }
        })
}

/// Whether an attribute key in JSON may end at `end`: a quote follows, and what the string is the value
/// of is not said, in plain letters, to be something else than `key`.
pub(crate) fn may_end_json_key(body: &[u8], end: usize) -> bool {
    if body.get(end) != Some(&b'"') {
        return false;
    }
    let from = end.saturating_sub(KEY_LIMIT + PROPERTY);
    let before = body.get(from..end).unwrap_or_default();
    let property = || {
        let (start, before) = last_quote(before)?;
        if start.last() == Some(&b'\\') || memchr::memchr(b'\\', before).is_some() {
            return None;
        }
        let name = trim(trim(start).strip_suffix(b":")?).strip_suffix(b"\"")?;
        let (_, name) = last_quote(name)?;
        (!name.is_empty() && name.iter().all(u8::is_ascii_alphabetic)).then_some(name)
    };
    property().is_none_or(|property| property == b"key")
}

/// What stands before the last quote and what after it.
fn last_quote(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memrchr(b'"', text)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii_end()
}

/// Whether `=` or `:`, or for an option of a command line a space, and then a value follow.
fn value_follows(body: &[u8], start: usize, end: usize) -> bool {
    let (mut at, mut separated) = (end, false);
    while at < end + GLUE {
        let Some(&byte) = body.get(at) else {
            return separated;
        };
        let (byte, length) = match byte {
            b'%' => percent(body, at).map_or((byte, 1), |decoded| (decoded, 3)),
            _ => (byte, 1),
        };
        let escaped = at > end && body.get(at - 1) == Some(&b'\\');
        match byte {
            b'=' | b':' => separated = true,
            b' ' if option(body, start) => separated = true,
            b'"' | b'\'' | b'`' | b'\\' | b' ' | b'\t' | b'\r' | b'\n' | b']' | b'>' | b'+' => {}
            b'n' | b'r' | b't' if escaped => {}
            b'u' if escaped => at += 4,
            _ => return separated,
        }
        at += length;
    }
    true
}

fn percent(body: &[u8], at: usize) -> Option<u8> {
    let digit = |offset| char::from(*body.get(at + offset)?).to_digit(16);
    u8::try_from(digit(1)? * 16 + digit(2)?).ok()
}

/// Whether the name that begins at `start` is an option of a command line.
fn option(body: &[u8], start: usize) -> bool {
    let before = body.get(start.saturating_sub(48)..start).unwrap_or_default();
    memchr::memmem::find(before, b"--").is_some()
}

fn login(body: &[u8], start: usize) -> bool {
    let rest = body.get(start..).unwrap_or_default();
    let mut colon = false;
    for (index, &byte) in rest.iter().take(LOGIN).enumerate() {
        match byte {
            b':' => colon = true,
            b'@' => return colon,
            b'%' => match percent(rest, index) {
                Some(b':') => colon = true,
                Some(b'@') => return colon,
                _ => {}
            },
            0..=b' ' | b'"' | b'<' | b'>' => return false,
            _ => {}
        }
    }
    false
}
