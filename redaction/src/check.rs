//! What a match must be besides a match: random enough, not a placeholder, of the right structure.

/// Shannon entropy of the bytes, in bits per byte.
pub(crate) fn entropy(secret: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in secret {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = f64::from(u32::try_from(secret.len()).unwrap_or(u32::MAX));
    counts
        .iter()
        .filter(|count| **count != 0)
        .map(|&count| f64::from(count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

/// Digits and letters, or letters of both cases that are no words, as random characters have them and
/// words joined by hyphens or capitals do not.
pub(crate) fn mixed(secret: &[u8]) -> bool {
    let digits = secret.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = secret.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    (digits >= 2 && letters >= 2) || scrambled(secret)
}

/// Random enough that no person wrote it to stand for a secret.
pub(crate) fn generated(secret: &[u8]) -> bool {
    secret.len() >= 24 && mixed(secret) && entropy(secret) >= 4.0
}

/// The pairs of letters that words of English, and identifiers made of them, are mostly written with.
const PAIRS: &str = "th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le \
    ve co me de hi ri ro ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no ct us ac ot \
    il tr ly nc et ut ss so rs un lo wa ge ie wh ee wi em ad ol rt po we na ul ni ts mo ow pa im mi ai sh ir su \
    id os iv ia am fi ci vi pl ig tu ev ld ry mp fe bl ab gh ty op wo sa ay ex ke fr oo av ag if ap gr od bo sp \
    rd do uc bu ei ov by rm ep tt oc fa ef cu rn sc gi da yo cr cl du ga qu ue ff ba ey ls va um pp ua up lu go \
    ht ru ug ds lt pi rc rr eg au ck ew mu br bi pt ak pu ui rg ib tl ny ki rk ys ob mm fu ph og ms ye ud mb ip";

/// Letters of both cases that are not words joined by capitals.
fn scrambled(secret: &[u8]) -> bool {
    let has = |inside: fn(&u8) -> bool| secret.iter().any(inside);
    has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && !words(secret)
}

/// Whether the letters are words joined by capitals: few parts of one letter, at most one part of
/// capitals, and pairs of letters as words have them, more of them where the parts are short.
fn words(secret: &[u8]) -> bool {
    let (mut parts, mut single, mut capitals) = (0_usize, 0_usize, 0_usize);
    let (mut letters, mut pairs, mut usual) = (0_usize, 0_usize, 0_usize);
    for part in joined(secret) {
        parts += 1;
        letters += part.len();
        single += usize::from(part.len() == 1);
        capitals += usize::from(part.len() > 1 && part.iter().all(u8::is_ascii_uppercase));
        for pair in part.windows(2) {
            pairs += 1;
            let known =
                |known: &[u8]| known.get(..2).is_some_and(|it| it.eq_ignore_ascii_case(pair));
            usual += usize::from(PAIRS.as_bytes().chunks(3).any(known));
        }
    }
    let short = letters < 4 * parts;
    let enough = if short { usual * 4 >= pairs * 3 } else { usual * 2 >= pairs };
    single * 4 <= parts && capitals < 2 && enough
}

/// The runs of letters, cut before capitals as words joined by capitals are.
fn joined(secret: &[u8]) -> impl Iterator<Item = &[u8]> {
    let at = |index: usize| secret.get(index).copied().unwrap_or(0);
    let cut = move |index: usize| {
        let before = index.checked_sub(1).map_or(0, at);
        at(index).is_ascii_uppercase()
            && (before.is_ascii_lowercase()
                || (before.is_ascii_uppercase() && at(index + 1).is_ascii_lowercase()))
    };
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = (from..secret.len()).find(|&index| at(index).is_ascii_alphabetic())?;
        let goes_on = |&index: &usize| !at(index).is_ascii_alphabetic() || cut(index);
        from = (start + 1..secret.len()).find(goes_on).unwrap_or(secret.len());
        secret.get(start..from)
    })
}

/// A value somebody chose or generated to be secret: at least two kinds of characters, not a name, a
/// path, a call, a version, a date or a unit.
pub(crate) fn chosen(secret: &[u8]) -> bool {
    let digits = secret.iter().any(u8::is_ascii_digit);
    let letters = secret.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let symbols = secret.iter().any(|byte| {
        byte.is_ascii_punctuation()
            && !matches!(
                byte,
                b'.' | b'_'
                    | b'-'
                    | b':'
                    | b'/'
                    | b'\\'
                    | b'*'
                    | b'?'
                    | b'('
                    | b')'
                    | b'['
                    | b']'
                    | b'{'
                    | b'}'
                    | b'<'
                    | b'>'
                    | b','
                    | b';'
                    | b'|'
                    | b'&'
            )
    });
    let code = secret.iter().any(|byte| {
        matches!(byte, b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b'|' | b';')
    }) || memchr::memmem::find(secret, b"::").is_some()
        || memchr::memmem::find(secret, b"->").is_some()
        || memchr::memmem::find(secret, b"./").is_some();
    letters >= 2 && (digits || symbols || scrambled(secret)) && !code && entropy(secret) >= 2.0
}

/// A mask where a secret would be: two thirds and more of it the same cross or star, as in
/// `ghp_xxxxxxxx`.
pub(crate) fn masked(secret: &[u8]) -> bool {
    let count = |mask: u8| secret.iter().filter(|byte| byte.eq_ignore_ascii_case(&mask)).count();
    count(b'x').max(count(b'*')) * 3 >= secret.len() * 2
}

/// A value that stands for a secret and is none: a variable, a placeholder, a mask.
pub(crate) fn placeholder(secret: &[u8]) -> bool {
    let lower = secret.to_ascii_lowercase();
    let begins = [
        "$",
        "<",
        "{",
        "%(",
        "%{",
        "[",
        "env(",
        "process.env",
        "os.environ",
        "none",
        "null",
        "undefined",
        "self.",
    ]
    .iter()
    .any(|start| lower.starts_with(start.as_bytes()));
    let contains = [
        "example",
        "changeme",
        "change-me",
        "change_me",
        "placeholder",
        "your-",
        "your_",
        "****",
        "redacted",
        "dummy",
    ]
    .iter()
    .any(|part| memchr::memmem::find(&lower, part.as_bytes()).is_some());
    // Masks of x, but not four of them in a long random text.
    let crosses = lower.iter().filter(|byte| **byte == b'x').count();
    let mask = memchr::memmem::find(&lower, b"xxxx").is_some() && crosses * 4 >= lower.len();
    let same = secret.windows(2).all(|pair| pair.first() == pair.last());
    // The scheme of a header whose credential follows, or does not.
    let scheme = ["bearer", "digest", "negotiate", "apikey", "api-key"]
        .iter()
        .any(|scheme| lower == scheme.as_bytes());
    begins || contains || mask || same || scheme
}

/// Whether the characters all belong to a class as rule files write it: `A-Za-z0-9_-`.
pub(crate) fn in_class(secret: &[u8], class: &str) -> bool {
    let class: Vec<u8> = class.bytes().filter(|&byte| byte != b'\\').collect();
    let mut ranges = Vec::new();
    let mut rest = class.as_slice();
    while let Some((&first, tail)) = rest.split_first() {
        match tail {
            [b'-', last, after @ ..] if first <= *last => {
                ranges.push(first..=*last);
                rest = after;
            }
            _ => {
                ranges.push(first..=first);
                rest = tail;
            }
        }
    }
    secret.iter().all(|byte| ranges.iter().any(|range| range.contains(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_joined_by_capitals_are_told_from_letters_at_random() {
        for text in ["currentPassword", "accessTokenProvider", "useHTTPProxy", "getSecretName"] {
            assert!(!scrambled(text.as_bytes()), "{text}");
        }
        for text in ["QmAKYpYEfuSt", "qiwaYeWJ", "zxnMaPrLnLHTAH"] {
            assert!(scrambled(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_mask_is_a_placeholder_and_four_crosses_in_a_random_text_are_not() {
        assert!(placeholder(b"sk-xxxxxxxx"));
        assert!(!placeholder(b"0pMKwtpeESBl9eg2UqBSiNMR4OtDY0z6nHJXxxxm"));
    }
}
