//! Redacting a text twice is redacting it once, and a token between blanks does not survive whatever
//! stands around it.
#![no_main]

use std::sync::LazyLock;

use blotter_redaction::{Configuration, Keys, Redactor};
use libfuzzer_sys::fuzz_target;

const TOKEN: &str = "ghp_k3JxQ9vLrT2mZ8bNcW5yHsD7fGpA4eUo1Rti";

static REDACTOR: LazyLock<Redactor> = LazyLock::new(|| {
    let keys = Keys::ephemeral().expect("a key can be made");
    Redactor::new(&Configuration::default(), keys).expect("the built-in rules are good")
});

fuzz_target!(|text: &str| {
    if let Some(once) = REDACTOR.redact_text(text) {
        assert_eq!(REDACTOR.redact_text(&once), None, "{once}");
    }
    let half = text.floor_char_boundary(text.len() / 2);
    let (before, after) = text.split_at(half);
    let hidden = REDACTOR.redact_text(&format!("{before} {TOKEN} {after}"));
    assert!(hidden.is_some_and(|hidden| !hidden.contains(TOKEN)));
});
