//! A thousand secrets of every kind, made from published formats, in plain text and in the encodings
//! that text passes through on its way.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "tests"
)]

mod corpus;

use base64::Engine as _;
use corpus::{KINDS, Kind, Random, Sample};

const EACH: usize = 1000;

/// The samples of a kind that a text still shows after redaction, when `write` wrote them.
fn missed(kind: &Kind, write: impl Fn(&Sample) -> (String, String)) -> (usize, Option<String>) {
    let redactor = corpus::redactor();
    let mut random = Random::new(kind.name.len() as u64 * 7919);
    let mut count = 0;
    let mut first = None;
    for _ in 0..EACH {
        let sample = (kind.make)(&mut random);
        let (text, secret) = write(&sample);
        let redacted = redactor.redact_text(&text).unwrap_or_else(|| text.clone());
        let part = if secret.contains("\\u00") { 48 } else { 12 };
        if shows(&redacted, &secret, part) {
            count += 1;
            first.get_or_insert(redacted);
        }
    }
    (count, first)
}

/// Whether a text shows the secret or so much of it that the rest can be guessed.
fn shows(text: &str, secret: &str, part: usize) -> bool {
    let part = secret.len().min(part);
    let secret = secret.as_bytes();
    secret.windows(part).any(|part| {
        memchr::memmem::find(text.as_bytes(), part).is_some_and(|_| {
            // The public beginnings and ends of a format are no secret.
            let part = String::from_utf8_lossy(part);
            !part.contains("-----") && !part.contains("PRIVATE") && !part.contains(" KEY")
        })
    })
}

fn check(encoding: &str, select: fn(&Kind) -> bool, write: impl Fn(&Sample) -> (String, String)) {
    let mut failures = Vec::new();
    println!("{encoding}: missed of {EACH}");
    for kind in KINDS.iter().filter(|kind| select(kind)) {
        let (count, first) = missed(kind, &write);
        if count > 0 {
            println!("  {:24} {count}", kind.name);
        }
        if count > kind.missed {
            failures.push(format!("{}: {count} of {EACH}, such as {first:?}", kind.name));
        }
    }
    assert!(failures.is_empty(), "{encoding}:\n{}", failures.join("\n"));
}

#[test]
fn secrets_in_plain_text_are_found() {
    check("plain", |_| true, |sample| (sample.text.clone(), sample.secret.clone()));
}

#[test]
fn secrets_in_json_strings_are_found() {
    check(
        "json",
        |_| true,
        |sample| {
            let quoted = serde_json::to_string(&sample.secret).unwrap();
            let text =
                format!(r#"{{"cmd":{},"n":1}}"#, serde_json::to_string(&sample.text).unwrap());
            (text, quoted.trim_matches('"').to_owned())
        },
    );
}

#[test]
fn secrets_in_json_strings_within_json_strings_are_found() {
    check(
        "json in json",
        |_| true,
        |sample| {
            let quote = |text: &str| serde_json::to_string(text).unwrap();
            let text = quote(&format!(r#"{{"cmd":{}}}"#, quote(&sample.text)));
            let secret = quote(quote(&sample.secret).trim_matches('"'));
            (text, secret.trim_matches('"').to_owned())
        },
    );
}

#[test]
fn secrets_cut_by_json_escapes_are_found() {
    check(
        "every third character as an escape",
        |_| true,
        |sample| {
            let escape = |text: &str| {
                let escaped: Vec<String> = text
                    .chars()
                    .enumerate()
                    .map(|(index, character)| match character {
                        _ if index % 3 == 0 => format!("\\u{:04x}", character as u32),
                        '"' => "\\\"".to_owned(),
                        '\\' => "\\\\".to_owned(),
                        '\n' => "\\n".to_owned(),
                        '\r' => "\\r".to_owned(),
                        other => other.to_string(),
                    })
                    .collect();
                escaped.concat()
            };
            // The secret must be escaped in step with the text it stands in.
            let start = sample.text.find(&sample.secret).unwrap();
            let characters = sample.text[..start].chars().count();
            let padding = " ".repeat((3 - characters % 3) % 3);
            let text = format!("{padding}{}", sample.text);
            (format!("\"{}\"", escape(&text)), escape(&sample.secret))
        },
    );
}

#[test]
fn secrets_in_url_encoding_are_found() {
    check(
        "url",
        |_| true,
        |sample| {
            let encode = |text: &str| -> String {
                text.bytes()
                    .map(|byte| match byte {
                        b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
                        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
                        byte => format!("%{byte:02X}"),
                    })
                    .collect()
            };
            (format!("GET /run?cmd={}", encode(&sample.text)), encode(&sample.secret))
        },
    );
}

#[test]
fn secrets_in_base64_are_found_where_a_rule_says_so() {
    for shift in 0..3 {
        check(
            "base64",
            |kind| kind.base64,
            |sample| {
                let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
                let text = encode(&format!("{}{}", "x ".repeat(shift), sample.text));
                // The digits in the middle, which hold nothing but the secret.
                let start = text.len() / 2;
                let secret = text[start - 8..start + 8].to_owned();
                (format!("echo {text} | base64 -d"), secret)
            },
        );
    }
}

/// Nobody sees both halves at once; what is missed is printed, so that nobody believes otherwise.
#[test]
fn a_secret_cut_across_two_values_shows_at_most_its_halves() {
    let redactor = corpus::redactor();
    println!("cut in two: whole halves left of {EACH}");
    let mut whole = 0;
    for kind in KINDS {
        let mut random = Random::new(99);
        let mut left = 0;
        for _ in 0..EACH {
            let sample = (kind.make)(&mut random);
            let start = sample.text.find(&sample.secret).unwrap();
            let cut = start + sample.secret.len() / 2;
            let (head, tail) = sample.text.split_at(cut);
            let redact = |text: &str| redactor.redact_text(text).unwrap_or_else(|| text.to_owned());
            let (head_left, tail_left) = (redact(head), redact(tail));
            let half = |text: &str, secret: &str| {
                memchr::memmem::find(text.as_bytes(), secret.as_bytes()).is_some()
            };
            let both = half(&head_left, &sample.text[start..cut])
                && half(&tail_left, &sample.text[cut..start + sample.secret.len()]);
            left += usize::from(both);
        }
        println!("  {:24} {left}", kind.name);
        whole += left;
    }
    // Most lose one half at least, because the first half is long enough to be recognised.
    assert!(whole < KINDS.len() * EACH / 2, "{whole}");
}
