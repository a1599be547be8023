//! Secrets in a JSON text that is no OTLP: what is found, what stays as it was written, and what an
//! operator's settings do.
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

use blotter_redaction::{Configuration, Keys, Redactor};
use corpus::Random;
use proptest::prelude::*;
use serde_json::Value;

fn configured(json: &str) -> Redactor {
    let configuration: Configuration = serde_json::from_str(json).unwrap();
    Redactor::new(&configuration, Keys::ephemeral().unwrap()).unwrap()
}

fn token() -> String {
    format!("ghp_{}", Random::new(7).text(corpus::ALNUM, 36))
}

fn nowhere(_: &str) -> Option<&'static str> {
    None
}

#[test]
fn a_secret_is_found_wherever_it_stands_and_the_rest_stays_byte_by_byte() {
    let redactor = corpus::redactor();
    let token = token();
    let text = format!(
        r#"{{"b":  1.50,"a":["x \u00e9 {token}",{{"{token}":null}}],"n":12345678901234567890123, "in":"{{\"k\":\"{token}\"}}"}}"#
    );
    let (redacted, counts) = redactor.redact_json(&text, &nowhere).unwrap();
    assert!(!redacted.contains(&token), "{redacted}");
    assert_eq!(counts.values().sum::<u64>(), 3);
    // Order, numbers and nesting are kept; only space between values is not.
    assert!(redacted.starts_with(r#"{"b":1.50,"a":["x "#), "{redacted}");
    assert!(redacted.contains(r#""n":12345678901234567890123,"in":""#), "{redacted}");
    assert!(serde_json::from_str::<Value>(&redacted).is_ok(), "{redacted}");
    assert!(redactor.redact_json(&redacted, &nowhere).is_none(), "a second time changes nothing");
    assert!(redactor.redact_json(r#"{"a": [1, "x"]}"#, &nowhere).is_none());
}

#[test]
fn a_key_beside_its_password_counts_as_in_an_attribute() {
    let redactor = corpus::redactor();
    let text = r#"{"env":{"DB_PASSWORD":"S3cr3t-Pa55w0rd-x9Q2"}}"#;
    let (redacted, _) = redactor.redact_json(text, &nowhere).unwrap();
    assert!(!redacted.contains("S3cr3t"), "{redacted}");
}

#[test]
fn settings_for_prompts_and_outputs_hold_for_what_stands_elsewhere_in_a_line() {
    let redactor = configured(r#"{"classes": {"prompts": "drop", "outputs": "hash"}}"#);
    let governed = |place: &str| match place {
        "payload.content" => Some("prompt"),
        "payload.item.stdout" => Some("output"),
        _ => None,
    };
    let text = r#"{"type":"x","payload":{"content":[{"text":"my plan"}],"item":{"stdout":"secret words","id":3},"last":true}}"#;
    let (redacted, counts) = redactor.redact_json(text, &governed).unwrap();
    assert!(!redacted.contains("my plan") && !redacted.contains("secret words"), "{redacted}");
    let value: Value = serde_json::from_str(&redacted).unwrap();
    assert_eq!(value["payload"].get("content"), None);
    assert_eq!(value["payload"]["item"]["id"], 3);
    assert_eq!(value["payload"]["last"], true);
    assert!(value["payload"]["item"]["stdout"].as_str().unwrap().starts_with("[redacted:hashed"));
    assert_eq!(counts.len(), 2);
}

#[test]
fn a_text_that_is_no_json_is_searched_as_a_whole() {
    let redactor = corpus::redactor();
    let token = token();
    for text in [format!("{{\"a\": {token}"), format!("{{\"a\":\"{token}\"}} x"), token.clone()] {
        let (redacted, _) = redactor.redact_json(&text, &nowhere).unwrap();
        assert!(!redacted.contains(&token), "{redacted}");
    }
}

proptest! {
    #[test]
    fn whatever_is_no_json_does_no_harm(text in r#"[{}\[\]",:\\a-z0-9 \n]{0,40}"#) {
        let redactor = configured(r#"{"classes": {"prompts": "hash"}}"#);
        let _ = redactor.redact_json(&text, &nowhere);
    }
}
