//! No input makes redaction quadratic: twice the input is at most little more than twice the work,
//! counted in bytes that patterns were run over.

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

use blotter_redaction::Redactor;

fn work(text: &str) -> usize {
    let redactor = corpus::redactor();
    let _ = redactor.redact_text(text);
    let bytes: usize = redactor.rules().map(|rule| rule.scanned_bytes).sum();
    assert!(bytes <= text.len() * redactor.rules().count() * 4 * PASSES * VIEWS, "{bytes}");
    bytes
}

/// How often a text is searched, and in how many readings, at most.
const PASSES: usize = 4;
const VIEWS: usize = 16;

#[test]
fn twice_the_input_is_twice_the_work() {
    for piece in [
        "sk-",
        "at-",
        "eyJ",
        "eyJ.",
        "sk-ant-",
        "eyJhbGciOiJIUzI1NiJ9.",
        "password=",
        "token: ",
        "token=token=",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----AAAA",
        "://a:",
        "://a:b@",
        "Authorization: Bearer ",
        "cookie: a=b",
        "AKIA",
        "AKIAAAAAAAAAAAAAAAAA,",
        "[redacted:",
        "\\u0073",
        "\\\\",
        "%73",
        "code=",
        "[redacted:jwt:k.0123456789abcdef]",
        "Z2hwX",
        "c2stYW50L",
        "LS0tLS1CRUdJTi",
        "heroku token ",
        "&sig=",
        "8Q~",
    ] {
        let once = piece.repeat(20_000 / piece.len());
        let twice = once.repeat(2);
        let (first, second) = (work(&once), work(&twice));
        assert!(second <= first * 5 / 2 + 100_000, "{piece}: {first} {second}");
    }
}

#[test]
fn no_rule_is_compiled_before_its_anchor_is_seen() {
    let redactor = corpus::redactor();
    let compiled = |redactor: &Redactor| -> Vec<String> {
        redactor.rules().filter(|rule| rule.compiled).map(|rule| rule.id.to_owned()).collect()
    };
    let _ = redactor.redact_text("nothing in here at all");
    assert!(compiled(&redactor).is_empty());
    let _ = redactor.redact_text("one begins with ghp_ and goes on for a while");
    assert!(compiled(&redactor).is_empty());
    let _ = redactor.redact_text("ghp_0123456789abcdef0");
    assert_eq!(compiled(&redactor), ["github-pat"]);
}

#[test]
fn the_prefilter_searches_for_few_literals() {
    let redactor = corpus::redactor();
    println!("{} literals for {} rules", redactor.literals(), redactor.rules().count());
    assert!(redactor.literals() <= 256);
}
