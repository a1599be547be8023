//! What holds for any input: the fast path never contradicts redaction, redaction is idempotent, and
//! nothing panics.

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

use blotter_schemas::otlp::{Encoding, Request, Signal};
use corpus::{KINDS, Random};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use proptest::prelude::*;

/// Pieces that secrets, names and encodings are made of, so that random texts come near them.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<u64>().prop_map(|seed| {
            let mut random = Random::new(seed);
            (KINDS[random.below(KINDS.len())].make)(&mut random).text
        }),
        any::<u64>().prop_map(|seed| {
            let mut random = Random::new(seed);
            (KINDS[random.below(KINDS.len())].make)(&mut random).secret
        }),
        "(password|api_key|token|secret|authorization|cookie|Bearer|AccountKey|--token|sk-|at-|eyJ|://|code=|redis://:x)",
        "[ =:\"'\\\\/%@.\n\t>\\]-]{1,4}",
        "[A-Za-z0-9+/_-]{1,40}",
        "(\\\\u00[0-9a-f]{2}|\\\\n|\\\\\\\\|\\\\\"|%[0-9A-F]{2}|é|\u{1F600})",
        "\\[redacted:[a-z-]{0,8}:?k?[0-9a-f.]{0,20}\\]?",
    ]
}

fn text() -> impl Strategy<Value = String> {
    let plain = prop::collection::vec(piece(), 0..6).prop_map(|pieces| pieces.concat());
    (plain, 0..5_u8).prop_map(|(text, encoding)| match encoding {
        0 => serde_json::to_string(&text).unwrap(),
        1 => serde_json::to_string(&serde_json::to_string(&text).unwrap()).unwrap(),
        2 => text.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        3 => base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text),
        _ => text,
    })
}

fn request(texts: &[(String, String)]) -> Request {
    let attributes = texts
        .iter()
        .map(|(key, value)| KeyValue {
            key: key.clone(),
            value: Some(AnyValue { value: Some(Value::StringValue(value.clone())) }),
            ..KeyValue::default()
        })
        .collect();
    let record = LogRecord { attributes, ..LogRecord::default() };
    let scope = ScopeLogs { log_records: vec![record], ..ScopeLogs::default() };
    let resource = ResourceLogs { scope_logs: vec![scope], ..ResourceLogs::default() };
    Request::Logs(ExportLogsServiceRequest { resource_logs: vec![resource] })
}

/// The same attributes with the value before the key, which Protobuf allows.
fn value_first(key: &str, value: &str) -> Vec<u8> {
    fn field(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        let mut length = content.len();
        while length >= 0x80 {
            out.push((length as u8 & 0x7f) | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        out.extend_from_slice(content);
        out
    }
    let value = field(0x12, &field(0x0a, value.as_bytes()));
    let attribute = [value, field(0x0a, key.as_bytes())].concat();
    field(0x0a, &field(0x12, &field(0x12, &field(0x32, &attribute))))
}

fn agree(redactor: &blotter_redaction::Redactor, encoding: Encoding, body: &[u8]) {
    let Ok(mut request) = Request::decode(Signal::Logs, encoding, body) else {
        return;
    };
    let before = request.clone();
    let redactions = redactor.redact(&mut request);
    assert_eq!(redactions.is_empty(), before == request);
    if !redactions.is_empty() {
        let may = redactor.may_contain(Signal::Logs, encoding, body);
        assert!(may, "{:?} in {before:?}", redactions.total);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_redaction_changes_the_fast_path_said_it_may(
        texts in prop::collection::vec((text(), text()), 1..3),
    ) {
        let redactor = shared();
        let request = request(&texts);
        agree(redactor, Encoding::Protobuf, &corpus::protobuf(&request));
        agree(redactor, Encoding::Json, corpus::json(&request).as_bytes());
        for (key, value) in &texts {
            agree(redactor, Encoding::Protobuf, &value_first(key, value));
        }
    }

    #[test]
    fn a_secret_under_a_name_is_seen_by_the_fast_path_too(
        name in "(db\\.|x_|my-|)(password|apiKey|api-key|client_secret|token|authorization|cookie|secret_access_key|AccountKey|credentials)",
        seed in any::<u64>(),
    ) {
        let mut random = Random::new(seed);
        let value = random.text(corpus::ALNUM, 24) + "1a";
        let redactor = shared();
        let request = request(&[(name.clone(), value.clone())]);
        agree(redactor, Encoding::Protobuf, &corpus::protobuf(&request));
        agree(redactor, Encoding::Json, corpus::json(&request).as_bytes());
        agree(redactor, Encoding::Protobuf, &value_first(&name, &value));
    }

    #[test]
    fn nothing_of_a_secret_is_left_whatever_stands_around_it_and_once_is_enough(
        seed in any::<u64>(),
        before in text(),
        after in text(),
        quotes in 0..3_u8,
    ) {
        let redactor = shared();
        let mut random = Random::new(seed);
        let certain: Vec<_> = KINDS.iter().filter(|kind| kind.missed == 0).collect();
        let kind = certain[random.below(certain.len())];
        let sample = (kind.make)(&mut random);
        // How many of a kind are not seen for what they are is measured in `kinds.rs`.
        let alone = redactor.redact_text(&sample.text);
        prop_assume!(alone.is_some_and(|alone| !corpus::shows(&alone, &sample.secret, 12)));
        let quote = |text: String| (0..quotes).fold(text, |text, _| serde_json::to_string(&text).unwrap());
        let shown = quote(sample.secret.clone()).trim_matches(['"', '\\']).to_owned();
        let text = quote(format!("{before}\n\n{}\n\n{after}", sample.text));
        let once = redactor.redact_text(&text).unwrap_or_else(|| text.clone());
        let others = [before.as_str(), after.as_str()];
        prop_assert!(
            !corpus::shows_beside(&once, &shown, 16, &others),
            "{}: {} in {:?} became {:?}", kind.name, shown, text, once
        );
        prop_assert_eq!(redactor.redact_text(&once), None, "{:?}", once);
    }

    #[test]
    fn redacting_twice_is_redacting_once(key in text(), value in text()) {
        let redactor = shared();
        let mut once = request(&[(key, value)]);
        redactor.redact(&mut once);
        let mut twice = once.clone();
        let second = redactor.redact(&mut twice);
        prop_assert!(second.is_empty(), "{:?} {:?} {:?}", second.total, once, twice);
    }

    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..600), text in ".{0,300}") {
        let redactor = shared();
        for signal in Signal::ALL {
            for encoding in [Encoding::Protobuf, Encoding::Json] {
                let _ = redactor.may_contain(signal, encoding, &body);
                if let Ok(mut request) = Request::decode(signal, encoding, &body) {
                    redactor.redact(&mut request);
                }
            }
        }
        let _ = redactor.redact_text(&text);
    }
}

fn shared() -> &'static blotter_redaction::Redactor {
    static SHARED: std::sync::OnceLock<blotter_redaction::Redactor> = std::sync::OnceLock::new();
    SHARED.get_or_init(corpus::redactor)
}

#[test]
fn the_fast_path_agrees_on_every_capture() {
    let redactor = shared();
    let (mut closer, mut total) = (0, 0);
    // Requests, bytes, and of both what needs a closer look.
    let mut agents = std::collections::BTreeMap::<String, [usize; 4]>::new();
    for (path, signal, encoding, body) in corpus::bodies() {
        let mut request = Request::decode(signal, encoding, &body).unwrap();
        let may = redactor.may_contain(signal, encoding, &body);
        let redactions = redactor.redact(&mut request);
        assert!(may || redactions.is_empty(), "{}", path.display());
        closer += usize::from(may);
        total += 1;
        let run = path.parent().unwrap();
        let agent = run.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let counts = agents.entry(agent).or_default();
        counts[0] += 1;
        counts[1] += body.len();
        counts[2] += usize::from(may);
        counts[3] += if may { body.len() } else { 0 };
        if !redactions.is_empty() {
            println!("{}: {:?}", path.display(), redactions.total);
        }
    }
    for (agent, [requests, bytes, looked, looked_bytes]) in agents {
        println!(
            "{agent:14} {looked:4} of {requests:4} requests, {:5.1} % of {:7.1} kB need a closer look",
            looked_bytes as f64 * 100.0 / bytes as f64,
            bytes as f64 / 1e3
        );
    }
    println!("{closer} of {total} captured requests need a closer look");
    assert!(closer * 2 < total, "the fast path is seldom taken");
}
