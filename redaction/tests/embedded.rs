//! A thousand secrets of every kind in real captures, whole and cut in two: what is left of them is
//! printed by kind.

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

use std::collections::{BTreeMap, BTreeSet};

use blotter_schemas::otlp::{Request, Signal};
use corpus::{KINDS, Random};
use hider::Hider;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;

/// How many of each kind.
const EACH: usize = 1000;
/// Captured requests of each signal and encoding, and their largest size in bytes.
const CAPTURES: usize = 6;
const LARGEST: usize = 30_000;
/// Percent of the secrets that were cut of which both halves may be left.
const MOST_HALVES: usize = 54;
/// Rules whose secrets another one finds first: these keys are JSON Web Tokens.
const FOUND_BY_OTHERS: [&str; 2] = ["supabase-anon-key", "supabase-service-role-key"];
/// Secrets that are cut at a time.
const AT_ONCE: usize = 50;

/// Real requests of every signal in both encodings.
fn captures() -> Vec<Request> {
    let mut taken = BTreeMap::new();
    let mut requests = Vec::new();
    for (_, signal, encoding, body) in corpus::bodies() {
        let count = taken.entry((signal, encoding)).or_insert(0);
        if *count < CAPTURES && body.len() <= LARGEST {
            *count += 1;
            requests.push(Request::decode(signal, encoding, &body).unwrap());
        }
    }
    assert!(taken.len() == 6 && taken.values().all(|count| *count > 0), "{taken:?}");
    requests
}

#[test]
fn of_a_thousand_secrets_of_every_kind_in_real_captures_no_more_are_missed_than_is_documented() {
    let redactor = corpus::redactor();
    let captures = captures();
    let mut hider = Hider::with_words(1);
    let (mut hidden, mut missed) = (BTreeMap::new(), BTreeMap::new());
    let (mut requests, mut used) = (0, BTreeSet::new());
    // The attribute under the name of a secret is a kind of its own, hidden beside the others.
    while hidden.len() <= KINDS.len() || hidden.values().any(|count| *count < EACH) {
        let mut request = captures[requests % captures.len()].clone();
        requests += 1;
        hider.hide(&mut request);
        used.extend(redactor.redact(&mut request).total.into_keys());
        let bytes = corpus::protobuf(&request);
        for (kind, secret) in hider.hidden.drain(..) {
            *hidden.entry(kind).or_insert(0) += 1;
            // Private keys are looked for line by line.
            let mut lines = secret.lines().filter(|line| !line.starts_with("-----"));
            if lines.any(|line| memchr::memmem::find(&bytes, line.as_bytes()).is_some()) {
                missed.entry(kind).or_insert_with(Vec::new).push(secret);
            }
        }
    }
    let all: usize = hidden.values().sum();
    println!("{all} secrets of {} kinds in {requests} captured requests, missed:", hidden.len());
    let mut failures = Vec::new();
    for (kind, secrets) in &missed {
        let (missed, of) = (secrets.len(), hidden[kind]);
        println!("  {kind:28} {missed} of {of}, such as {:?}", secrets[0]);
        let documented = KINDS.iter().find(|known| known.name == *kind).map_or(0, |it| it.missed);
        if missed * EACH > documented * of {
            failures.push(format!("{kind}: {missed} of {of}, not {documented} of {EACH}"));
        }
    }
    println!("  {:28} {}", "all", missed.values().map(Vec::len).sum::<usize>());
    let is_idle = |id: &&str| !used.contains(*id) && !FOUND_BY_OTHERS.contains(id);
    let idle: Vec<_> = redactor.rules().map(|rule| rule.id).filter(is_idle).collect();
    assert!(idle.is_empty(), "no secret of the corpus is found by {idle:?}");
    assert!(failures.is_empty(), "{failures:#?}");
}

/// A secret that was cut in the middle, and the text around its halves.
struct Cut {
    texts: [String; 2],
    halves: [String; 2],
}

fn cut(sample: &corpus::Sample) -> Cut {
    let start = sample.text.find(&sample.secret).unwrap();
    let middle = start + sample.secret.len() / 2;
    let (head, tail) = sample.text.split_at(middle);
    let end = start + sample.secret.len();
    Cut {
        texts: [head, tail].map(str::to_owned),
        halves: [&sample.text[start..middle], &sample.text[middle..end]].map(str::to_owned),
    }
}

fn text(text: &str) -> Option<AnyValue> {
    Some(AnyValue { value: Some(Value::StringValue(text.to_owned())) })
}

fn read(value: &Option<AnyValue>) -> &str {
    match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// A captured request of logs, and a record of it to put things into.
fn logs() -> (Request, LogRecord) {
    let request = captures().into_iter().find(|it| it.signal() == Signal::Logs).unwrap();
    let Request::Logs(logs) = &request else { unreachable!() };
    let record = logs.resource_logs[0].scope_logs[0].log_records[0].clone();
    (request, record)
}

fn records(request: &mut Request) -> &mut Vec<LogRecord> {
    let Request::Logs(logs) = request else { unreachable!() };
    &mut logs.resource_logs[0].scope_logs[0].log_records
}

/// Puts the parts into two attributes of one record.
fn into_attributes(record: &LogRecord, parts: &[String; 2]) -> Vec<LogRecord> {
    let mut record = record.clone();
    for (key, part) in ["part.first", "part.second"].into_iter().zip(parts) {
        let key = key.to_owned();
        record.attributes.push(KeyValue { key, value: text(part), ..KeyValue::default() });
    }
    vec![record]
}

fn from_attributes(records: &[LogRecord]) -> [&str; 2] {
    let attributes = &records[0].attributes;
    let last = attributes.len() - 1;
    [read(&attributes[last - 1].value), read(&attributes[last].value)]
}

/// Puts the parts into the bodies of two records, as deltas of a stream come.
fn into_deltas(record: &LogRecord, parts: &[String; 2]) -> Vec<LogRecord> {
    parts.iter().map(|part| LogRecord { body: text(part), ..record.clone() }).collect()
}

fn from_deltas(records: &[LogRecord]) -> [&str; 2] {
    [read(&records[0].body), read(&records[1].body)]
}

type Into = fn(&LogRecord, &[String; 2]) -> Vec<LogRecord>;
type From = fn(&[LogRecord]) -> [&str; 2];

/// Nobody sees both halves at once; what is left is printed, so that nobody believes otherwise.
fn check(how: &str, each: usize, put: Into, get: From) {
    let redactor = corpus::redactor();
    let (request, record) = logs();
    println!("{how}, of {each}: first half left, second half left, both left");
    let mut whole = 0;
    for kind in KINDS.iter() {
        let mut random = Random::new(99);
        let (mut first, mut second, mut both) = (0, 0, 0);
        for _ in 0..each / AT_ONCE {
            let cuts: Vec<Cut> = (0..AT_ONCE).map(|_| cut(&(kind.make)(&mut random))).collect();
            let mut request = request.clone();
            let before = records(&mut request).len();
            for cut in &cuts {
                records(&mut request).extend(put(&record, &cut.texts));
            }
            redactor.redact(&mut request);
            let redacted = records(&mut request).split_off(before);
            let chunks = redacted.chunks(redacted.len() / AT_ONCE);
            for (cut, records) in cuts.iter().zip(chunks) {
                let [head, tail] = get(records);
                let (head, tail) = (head.contains(&cut.halves[0]), tail.contains(&cut.halves[1]));
                first += usize::from(head);
                second += usize::from(tail);
                both += usize::from(head && tail);
            }
        }
        println!("  {:28} {first:5} {second:5} {both:5}", kind.name);
        whole += both;
    }
    let all = KINDS.len() * each;
    println!("  {:28} {whole} of {all}", "both halves left");
    // Nearly all of those that are known by a name, which the second half does not have.
    assert!(whole * 100 <= all * MOST_HALVES, "{whole} of {all}");
}

#[test]
fn of_secrets_cut_across_two_attributes_both_halves_are_left_no_more_often_than_is_documented() {
    check("cut across two attributes", EACH, into_attributes, from_attributes);
}

#[test]
fn of_secrets_cut_across_two_streamed_deltas_both_halves_are_left_no_more_often_than_is_documented()
{
    check("cut across two streamed deltas", EACH, into_deltas, from_deltas);
}
