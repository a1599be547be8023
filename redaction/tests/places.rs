//! Secrets in every place of every signal of real captures: afterwards no byte of them is left, in the
//! messages, in Protobuf, in JSON.

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
mod hider;

use blotter_schemas::otlp::{Encoding, Request, Signal};
use corpus::Random;
use hider::Hider;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

/// Captures to hide secrets in: some of every signal and encoding.
fn captures() -> Vec<(std::path::PathBuf, Signal, Encoding, Vec<u8>)> {
    let mut taken = std::collections::BTreeMap::new();
    let mut bodies = corpus::bodies();
    bodies.retain(|(_, signal, encoding, body)| {
        let count = taken.entry((*signal, *encoding)).or_insert(0);
        *count += 1;
        *count <= 12 && body.len() < 400_000
    });
    assert_eq!(taken.len(), 6, "every signal in both encodings");
    bodies
}

#[test]
fn no_secret_is_left_in_any_place_of_any_signal() {
    let redactor = corpus::redactor();
    let (mut hidden, mut requests) = (0, 0);
    // Every kind of which something is left, with the first such place.
    let mut left = std::collections::BTreeMap::new();
    for (index, (path, signal, encoding, body)) in captures().into_iter().enumerate() {
        let mut request = Request::decode(signal, encoding, &body).unwrap();
        let mut hider = Hider::new(index as u64 + 1);
        hider.hide(&mut request);
        let before = (corpus::protobuf(&request), corpus::json(&request));
        for (encoding, body) in
            [(Encoding::Protobuf, &before.0[..]), (Encoding::Json, before.1.as_bytes())]
        {
            assert!(redactor.may_contain(signal, encoding, body), "{}", path.display());
        }
        let redactions = redactor.redact(&mut request);
        assert_eq!(redactions.records.len(), request.record_count(), "{}", path.display());
        assert!(redactions.total.values().sum::<u64>() as usize * 2 > hider.hidden.len());
        let (protobuf, json) = (corpus::protobuf(&request), corpus::json(&request));
        for (kind, secret) in &hider.hidden {
            // No quotes or line breaks but in private keys, whose lines are looked for one by one.
            for line in secret.lines().filter(|line| !line.starts_with("-----")) {
                let shown = [protobuf.as_slice(), json.as_bytes()]
                    .into_iter()
                    .any(|bytes| memchr::memmem::find(bytes, line.as_bytes()).is_some());
                if shown {
                    left.entry(*kind).or_insert_with(|| format!("{line} in {}", path.display()));
                }
            }
        }
        hidden += hider.hidden.len();
        requests += 1;

        let mut again = request.clone();
        let second = redactor.redact(&mut again);
        assert!(second.is_empty(), "{}: {:?}", path.display(), second.total);
        assert_eq!(again, request);
    }
    assert!(left.is_empty(), "{left:#?}");
    println!("{hidden} secrets hidden in {requests} captured requests, none left");
    assert!(hidden > 1000);
}

#[test]
fn counts_are_per_record_and_what_stands_around_records_counts_for_each() {
    let redactor = corpus::redactor();
    let (_, signal, encoding, body) = captures()
        .into_iter()
        .find(|(_, signal, _, body)| *signal == Signal::Logs && body.len() > 20_000)
        .unwrap();
    let mut request = Request::decode(signal, encoding, &body).unwrap();
    let mut random = Random::new(5);
    let token = format!("ghp_{}", random.text(corpus::ALNUM, 36));
    let Request::Logs(logs) = &mut request else { unreachable!() };
    let text = |text: &str| Some(AnyValue { value: Some(Value::StringValue(text.to_owned())) });
    logs.resource_logs[0].resource.get_or_insert_default().attributes.push(KeyValue {
        key: "note".to_owned(),
        value: text(&token),
        ..KeyValue::default()
    });
    logs.resource_logs[0].scope_logs[0].log_records[1].body = text(&format!("{token} {token}"));
    let redactions = redactor.redact(&mut request);
    let count = |index: usize| redactions.records[index].get("github-pat").copied();
    assert_eq!(count(0), Some(1));
    assert_eq!(count(1), Some(3));
    assert_eq!(redactions.total.get("github-pat"), Some(&3));
}
