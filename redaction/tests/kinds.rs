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
use corpus::{KINDS, Kind, Random, Sample, shows};

/// How many of each kind where the text is read as it stands, or once decoded.
const EACH: usize = 1000;
/// How many where a text is decoded character by character, which takes longer.
const FEWER: usize = 200;

/// The samples of a kind that a text still shows after redaction, when `write` wrote them.
fn missed(
    kind: &Kind,
    each: usize,
    write: impl Fn(&Sample) -> (String, String),
) -> (usize, Option<String>) {
    let redactor = corpus::redactor();
    let mut random = Random::new(kind.name.len() as u64 * 7919);
    let mut count = 0;
    let mut first = None;
    for _ in 0..each {
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

/// Prints what is missed of every kind, and fails where it is more than was measured.
fn check(
    encoding: &str,
    each: usize,
    select: fn(&Kind) -> bool,
    write: impl Fn(&Sample) -> (String, String),
) {
    let mut failures = Vec::new();
    let kinds: Vec<&Kind> = KINDS.iter().filter(|kind| select(kind)).collect();
    println!("{encoding}: missed of {each} of each of {} kinds", kinds.len());
    let mut all = 0;
    for kind in kinds {
        let (count, first) = missed(kind, each, &write);
        if count > 0 {
            println!("  {:28} {count}", kind.name);
        }
        all += count;
        if count > kind.missed {
            failures.push(format!("{}: {count} of {each}, such as {first:?}", kind.name));
        }
    }
    println!("  {:28} {all}", "all");
    assert!(failures.is_empty(), "{encoding}:\n{}", failures.join("\n"));
}

#[test]
fn secrets_in_plain_text_are_found() {
    check("plain", EACH, |_| true, |sample| (sample.text.clone(), sample.secret.clone()));
}

#[test]
fn secrets_in_json_strings_are_found() {
    check(
        "json",
        EACH,
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
        FEWER,
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
        FEWER,
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
        EACH,
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

/// A text in Base64 and the digits in the middle of it, which hold nothing but the secret.
fn in_base64(sample: &Sample, before: &str) -> (String, String) {
    let encoded =
        base64::engine::general_purpose::STANDARD.encode(format!("{before}{}", sample.text));
    let start = sample.text.find(&sample.secret).unwrap() + before.len();
    let middle = (start + sample.secret.len() / 2) * 4 / 3;
    let digits = encoded[middle - 8..middle + 8].to_owned();
    (encoded, digits)
}

#[test]
fn secrets_in_base64_are_found_where_a_rule_says_so() {
    for shift in 0..3 {
        let before = "x ".repeat(shift);
        check(
            &format!("base64, shifted by {}", before.len()),
            FEWER,
            |kind| kind.base64,
            |sample| {
                let (encoded, digits) = in_base64(sample, &before);
                (format!("echo {encoded} | base64 -d"), digits)
            },
        );
    }
    check("base64, whole value", FEWER, |kind| kind.base64, |sample| in_base64(sample, ""));
}

/// No rule asks for these in Base64; what is found is found by chance.
#[test]
fn secrets_known_by_their_names_are_not_found_in_base64() {
    let missed: usize = KINDS
        .iter()
        .filter(|kind| !kind.base64)
        .map(|kind| missed(kind, 20, |sample| in_base64(sample, "")).0.min(1))
        .sum();
    println!("{missed} kinds are missed in Base64");
    assert!(missed > 0, "docs/redaction.md says that there are such kinds");
}
