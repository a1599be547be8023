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

/// Digits and letters, or letters of both cases without the order that words have, as random characters
/// have them and words joined by hyphens or capitals do not.
pub(crate) fn mixed(secret: &[u8]) -> bool {
    let digits = secret.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = secret.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    (digits >= 2 && letters >= 2) || scrambled(secret)
}

/// Letters of both cases in an order that words joined by capitals do not have.
fn scrambled(secret: &[u8]) -> bool {
    let pairs = |first: fn(&u8) -> bool, second: fn(&u8) -> bool| {
        let pair =
            |pair: &&[u8]| pair.first().is_some_and(first) && pair.last().is_some_and(second);
        secret.windows(2).filter(pair).count()
    };
    pairs(u8::is_ascii_lowercase, u8::is_ascii_uppercase) >= 2
        && pairs(u8::is_ascii_uppercase, u8::is_ascii_uppercase) >= 2
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
    letters >= 2 && (digits || symbols || scrambled(secret)) && !code && entropy(secret) >= 2.75
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
        "xxxx",
        "****",
        "redacted",
        "dummy",
    ]
    .iter()
    .any(|part| memchr::memmem::find(&lower, part.as_bytes()).is_some());
    let same = secret.windows(2).all(|pair| pair.first() == pair.last());
    // The scheme of a header whose credential follows, or does not.
    let scheme = ["bearer", "digest", "negotiate", "apikey", "api-key"]
        .iter()
        .any(|scheme| lower == scheme.as_bytes());
    begins || contains || same || scheme
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
