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

/// Work of a text and of the same twice, four and eight times as long must grow as its length does.
fn grows_as_its_length(name: &str, texts: [String; 4]) {
    let lengths = texts.each_ref().map(String::len);
    let counts = texts.each_ref().map(|text| work(text));
    for (length, count) in lengths.into_iter().zip(counts).skip(1) {
        // A quarter more than in proportion, and what is compiled to no end.
        let most = counts[0] * length / lengths[0] * 5 / 4 + 100_000;
        assert!(count <= most, "{name}: {counts:?} for {lengths:?} bytes");
    }
}

/// Strings of JSON within strings of JSON, as deep as given.
fn quoted(mut text: String, depth: usize) -> String {
    for _ in 0..depth {
        text = serde_json::to_string(&text).unwrap();
    }
    text
}

#[test]
fn json_in_strings_in_strings_is_linear_however_deep() {
    for depth in [1, 2, 3, 4, 6, 8] {
        for piece in ["{\"password\": \"Tr0ub4dor&3x\"}", "\"", "sk-ant-\\", "\u{1}token=\n"] {
            let texts =
                [1, 2, 4, 8].map(|times| quoted(piece.repeat(2_000 * times / piece.len()), depth));
            grows_as_its_length(&format!("{piece:?} in {depth} strings"), texts);
        }
    }
    // Each string one deeper than the last; the backslashes double.
    let texts = [6, 7, 8, 9].map(|depth| quoted("token=\"Tr0ub4dor&3x\"".to_owned(), depth));
    grows_as_its_length("one deeper each", texts);
    let nested = |depth: usize| "{\"token\":[".repeat(depth);
    grows_as_its_length("open brackets", [1, 2, 4, 8].map(|times| nested(times * 1_000)));
}

#[test]
fn twice_the_input_is_twice_the_work_up_to_eight_times() {
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
        "curl -u ",
        "login password ",
        "docker login -p ",
        "mysql -p",
        "identified by '",
        "<password>",
        "pat",
        "patAAAAAAAAAAAAAA.",
        "ghp_aaaaaaaaaaaaaaaa",
        "cloudflare key",
        "8Q~",
    ] {
        let once = piece.repeat(20_000 / piece.len());
        grows_as_its_length(piece, [1, 2, 4, 8].map(|times| once.repeat(times)));
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
