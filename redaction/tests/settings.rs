//! What an operator can set, and the keys.

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

use std::os::unix::fs::PermissionsExt as _;

use blotter_redaction::{Configuration, Error, Keys, Redactor};
use blotter_schemas::names::blotter::TokenType;
use blotter_schemas::otlp::{Encoding, Request, Signal};
use corpus::Random;

fn configured(json: &str) -> Result<Redactor, Error> {
    let configuration: Configuration = serde_json::from_str(json).unwrap();
    Redactor::new(&configuration, Keys::ephemeral().unwrap())
}

fn token(seed: u64) -> String {
    format!("ghp_{}", Random::new(seed).text(corpus::ALNUM, 36))
}

/// Key id and fingerprint of the first mark in a text.
fn first_mark(text: &str) -> (String, String) {
    let (_, mark) = text.split_once("[redacted:").unwrap();
    let (mark, _) = mark.split_once(']').unwrap();
    let (_, fingerprint) = mark.split_once(':').unwrap();
    let (key, digits) = fingerprint.split_once('.').unwrap();
    (key.to_owned(), digits.to_owned())
}

#[test]
fn one_secret_has_one_fingerprint_however_it_is_written_and_another_has_another() {
    let redactor = corpus::redactor();
    let (secret, other) = (token(1), token(2));
    let expected = redactor.fingerprint(&secret);
    let encoded =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("x {secret} y"));
    for text in [
        secret.clone(),
        format!("TOKEN={secret}"),
        format!("Authorization: Bearer {secret}"),
        serde_json::to_string(&format!("\"{secret}\"")).unwrap(),
        secret.replace('_', "\\u005f"),
        secret.replace('_', "%5F"),
        encoded,
    ] {
        let redacted = redactor.redact_text(&text).unwrap();
        assert_eq!(vec![first_mark(&redacted)], expected, "{text}: {redacted}");
    }
    assert_ne!(redactor.fingerprint(&other), expected);
}

#[test]
fn a_private_key_has_one_fingerprint_whatever_its_line_breaks() {
    let redactor = corpus::redactor();
    let kind = corpus::KINDS.iter().find(|kind| kind.name == "private key").unwrap();
    let pem = (kind.make)(&mut Random::new(3)).secret;
    let expected = redactor.fingerprint(&pem);
    for text in [
        pem.clone(),
        pem.replace('\n', "\r\n"),
        serde_json::to_string(&pem).unwrap(),
        serde_json::to_string(&serde_json::to_string(&pem).unwrap()).unwrap(),
    ] {
        let redacted = redactor.redact_text(&text).unwrap();
        assert_eq!(vec![first_mark(&redacted)], expected, "{redacted}");
    }
}

#[test]
fn keys_are_made_once_kept_private_and_rotated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("redaction.key");
    let keys = Keys::load_or_create(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let first = keys.current().to_owned();
    assert_eq!(Keys::load_or_create(&path).unwrap().current(), first);
    let old = keys.fingerprint("secret");

    let rotated = Keys::rotate(&path).unwrap();
    assert_ne!(rotated.current(), first);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let loaded = Keys::load(&path).unwrap();
    assert_eq!(loaded.ids().count(), 2);
    assert_eq!(loaded.current(), rotated.current());
    let both = loaded.fingerprint("secret");
    assert_eq!(both.len(), 2);
    assert_eq!(both[1], old[0], "the old key still gives the old fingerprint");

    let secret_part = std::fs::read_to_string(&path).unwrap();
    assert!(
        !secret_part.lines().any(|line| format!("{loaded:?}").contains(&line[line.len() - 10..]))
    );
}

#[test]
fn a_key_file_that_others_can_read_or_that_holds_no_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    Keys::load_or_create(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = Keys::load(&path).unwrap_err().to_string();
    assert!(error.contains("0640") && error.contains("key"), "{error}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    for content in ["", "# nothing\n", "k1 abc\n", "k.1 0123\n"] {
        std::fs::write(&path, content).unwrap();
        assert!(Keys::load(&path).is_err(), "{content}");
    }
}

#[test]
fn marks_of_ours_stay_marks_of_others_are_told_apart_and_hide_nothing() {
    let redactor = corpus::redactor();
    let secret = token(4);
    let ours = redactor.redact_text(&secret).unwrap();
    assert_eq!(redactor.redact_text(&ours), None);

    let foreign = "[redacted:github-pat:k00000000.0123456789abcdef]";
    let redacted = redactor.redact_text(foreign).unwrap();
    assert_eq!(redacted, foreign.replace("[redacted:", "[sender-redacted:"));
    assert_eq!(redactor.redact_text(&redacted), None);

    let hiding = ours.replace("github-pat", &secret);
    let redacted = redactor.redact_text(&hiding).unwrap();
    assert!(!redacted.contains(&secret), "{redacted}");
}

#[test]
fn fields_are_hashed_dropped_and_kept_and_hashing_again_changes_nothing() {
    let redactor = configured(
        r#"{"classes": {"prompts": "hash"}, "fields": [
            {"key": "user.*", "mode": "drop"}, {"key": "raw", "mode": "keep"}]}"#,
    )
    .unwrap();
    let secret = token(5);
    let body = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"attributes":[
            {{"key":"prompt","value":{{"stringValue":"delete everything"}}}},
            {{"key":"user.email","value":{{"stringValue":"a@b.c"}}}},
            {{"key":"raw","value":{{"stringValue":"{secret}"}}}},
            {{"key":"other","value":{{"stringValue":"{secret}"}}}}]}}]}}]}}]}}"#
    );
    assert!(redactor.may_contain(Signal::Logs, Encoding::Json, body.as_bytes()));
    let mut request = Request::decode(Signal::Logs, Encoding::Json, body.as_bytes()).unwrap();
    let redactions = redactor.redact(&mut request);
    let json = corpus::json(&request);
    assert!(json.contains("[redacted:hashed.17:") && !json.contains("delete"), "{json}");
    assert!(!json.contains("user.email"));
    assert_eq!(json.matches(&secret).count(), 1, "only where it is kept");
    for (rule, count) in [("hashed", 1), ("dropped", 1), ("github-pat", 1)] {
        assert_eq!(redactions.total.get(rule), Some(&count), "{rule}");
    }
    let mut again = request.clone();
    assert!(redactor.redact(&mut again).is_empty());
    assert_eq!(again, request);
}

#[test]
fn hashed_fields_keep_the_fast_path_honest_and_others_stay_fast() {
    let redactor = configured(r#"{"classes": {"outputs": "hash"}}"#).unwrap();
    let body = br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[{"key":"n","value":{"stringValue":"x"}}]}]}]}]}"#;
    assert!(!redactor.may_contain(Signal::Logs, Encoding::Json, body));
    let body = String::from_utf8_lossy(body).replace(r#""n""#, r#""output""#);
    assert!(redactor.may_contain(Signal::Logs, Encoding::Json, body.as_bytes()));
}

const RULE: &str = r#"{"id": "acme", "pattern": "\\b(acme_[a-f0-9]{32})\\b", "group": 1, "anchors": ["acme_"],
    "entropy": 3.0, "token_type": "api_key", "base64": true,
    "matches": ["acme_0123456789abcdef0123456789abcdef"], "rejects": ["acme_00000000000000000000000000000000"]}"#;

#[test]
fn a_rule_of_ones_own_is_used_also_in_base64() {
    let redactor = configured(&format!(r#"{{"rules": [{RULE}]}}"#)).unwrap();
    let secret = "acme_fedcba98765432100123456789abcdef";
    assert!(redactor.redact_text(secret).unwrap().starts_with("[redacted:acme:"));
    assert_eq!(redactor.token_type("acme"), Some(TokenType::ApiKey));
    let encoded =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("a={secret}"));
    assert!(redactor.redact_text(&encoded).unwrap().contains("[redacted:acme:"));
}

#[test]
fn what_cannot_be_used_is_refused_by_the_name_of_its_field() {
    let change = |from: &str, to: &str| format!(r#"{{"rules": [{}]}}"#, RULE.replace(from, to));
    for (json, field) in [
        (change(r#""acme""#, r#""a b""#), "rules[0].id"),
        (change(r#""acme""#, r#""jwt""#), "rules[0].id"),
        (change(r#"["acme_"]"#, r#"[]"#), "rules[0].anchors"),
        (change(r#"["acme_"]"#, r#"["a="]"#), "rules[0].anchors[0]"),
        (change(r"\\b(acme_", r"\\b((acme_"), "rules[0].pattern"),
        (change(r#""group": 1"#, r#""group": 2"#), "rules[0].group"),
        (change("[a-f0-9]{32}", "[a-f0-9]{33}"), "rules[0].matches[0]"),
        (change(r#""entropy": 3.0,"#, ""), "rules[0].rejects[0]"),
        (change(r#""api_key""#, r#""key""#), "rules[0].token_type"),
        (format!(r#"{{"rules": [{RULE}, {RULE}]}}"#), "rules[1].id"),
        (r#"{"disable": ["nothing"]}"#.to_owned(), "disable[0]"),
        (r#"{"allow": {"patterns": ["("]}}"#.to_owned(), "allow.patterns[0]"),
        (allowing(r#"["lab-.*"]"#, r#"[]"#, r#"["lab"]"#), "allow.patterns[0]"),
        (allowing(r#"["lab-.*"]"#, r#"["lab-1"]"#, r#"[]"#), "allow.rejects"),
        (allowing(r#"["lab-.*", "."]"#, r#"["lab-1"]"#, r#"["lab"]"#), "allow.patterns[1]"),
        (allowing(r#"["lab-.*"]"#, r#"["lab-1", "my lab-1"]"#, r#"["lab"]"#), "allow.matches[1]"),
        (allowing(r#"[".*"]"#, r#"["lab-1"]"#, r#"["a real one"]"#), "allow.rejects[0]"),
        (r#"{"fields": [{"key": "", "mode": "drop"}]}"#.to_owned(), "fields[0].key"),
    ] {
        match configured(&json) {
            Err(Error::Configuration { field: named, .. }) => assert_eq!(named, field, "{json}"),
            other => panic!("{json}: {other:?}"),
        }
    }
    let unknown: Result<Configuration, _> = serde_json::from_str(r#"{"alow": {}}"#);
    assert!(unknown.unwrap_err().to_string().contains("alow"));
}

fn allowing(patterns: &str, matches: &str, rejects: &str) -> String {
    format!(
        r#"{{"allow": {{"patterns": {patterns}, "matches": {matches}, "rejects": {rejects}}}}}"#
    )
}

#[test]
fn what_is_allowed_or_disabled_is_left_alone() {
    let secret = token(6);
    let redactor = configured(&format!(r#"{{"allow": {{"values": ["{secret}"]}}}}"#)).unwrap();
    assert_eq!(redactor.redact_text(&secret), None);
    assert!(redactor.redact_text(&token(7)).is_some());
    let pattern = allowing(r#"["ghp_A.*"]"#, r#"["ghp_A1"]"#, r#"["ghp_B1"]"#);
    let redactor = configured(&pattern).unwrap();
    let beginning_with = |start: &str| format!("{start}{}", &secret[start.len()..]);
    assert_eq!(redactor.redact_text(&beginning_with("ghp_A")), None);
    assert!(redactor.redact_text(&beginning_with("ghp_B")).is_some());
    let redactor = configured(r#"{"disable": ["github-pat"]}"#).unwrap();
    assert_eq!(redactor.redact_text(&secret), None);
}

#[test]
fn the_type_of_a_credential_survives() {
    let redactor = corpus::redactor();
    for (kind, expected) in [
        ("anthropic api key", TokenType::ApiKey),
        ("anthropic oauth", TokenType::Oauth),
        ("personal access token", TokenType::PersonalAccessToken),
        ("jwt", TokenType::Jwt),
        ("github token", TokenType::PersonalAccessToken),
    ] {
        let kind = corpus::KINDS.iter().find(|known| known.name == kind).unwrap();
        let sample = (kind.make)(&mut Random::new(8));
        let redacted = redactor.redact_text(&sample.text).unwrap();
        let (_, mark) = redacted.split_once("[redacted:").unwrap();
        let (rule, _) = mark.split_once(':').unwrap();
        let github = kind.name == "github token";
        assert!(redactor.token_type(rule) == Some(expected) || github, "{rule}");
        assert!(redactor.token_type(rule).is_some());
    }
}

#[test]
fn the_version_changes_with_the_rules_and_not_with_the_key() {
    let plain = configured("{}").unwrap();
    assert_eq!(plain.version(), configured("{}").unwrap().version());
    assert_ne!(plain.version(), configured(r#"{"disable": ["jwt"]}"#).unwrap().version());
}

#[test]
fn an_id_that_is_none_is_taken_out_wherever_it_stands_and_an_id_stays() {
    let redactor = corpus::redactor();
    let token = "ghp_k3JxQ9vLrT2mZ8bNcW5yHsD7fGpA4eUo1Rti";
    let odd = hex::encode(token);
    let (trace, span) = ("0123456789abcdef0123456789abcdef", "0123456789abcdef");
    let spans = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[
            {{"traceId":"{odd}","spanId":"{odd}","parentSpanId":"{odd}","links":[{{"traceId":"{odd}","spanId":"{odd}"}}]}},
            {{"traceId":"{trace}","spanId":"{span}","parentSpanId":"","links":[{{"traceId":"{trace}","spanId":"{span}"}}]}}]}}]}}]}}"#
    );
    let logs = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"traceId":"{odd}","spanId":"{odd}"}}]}}]}}]}}"#
    );
    let points = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"gauge":{{"dataPoints":[
            {{"exemplars":[{{"traceId":"{odd}","spanId":"{odd}"}}]}}]}}}}]}}]}}]}}"#
    );
    for (signal, body, count) in
        [(Signal::Traces, spans, 5), (Signal::Logs, logs, 2), (Signal::Metrics, points, 2)]
    {
        let mut request = Request::decode(signal, Encoding::Json, body.as_bytes()).unwrap();
        let redactions = redactor.redact(&mut request);
        assert_eq!(redactions.total.get("invalid-id"), Some(&count), "{signal:?}");
        assert_eq!(redactions.total.len(), 1);
        let left = request.encode();
        assert!(memchr::memmem::find(&left, token.as_bytes()).is_none(), "{signal:?}");
        let kept = memchr::memmem::find_iter(&left, &hex::decode(trace).unwrap()).count();
        assert_eq!(kept, if signal == Signal::Traces { 2 } else { 0 });
        assert!(redactor.redact(&mut request).is_empty());
    }
}
