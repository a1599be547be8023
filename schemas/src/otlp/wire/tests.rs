//! The walk against prost: for any bytes, the same are accepted and the same number counted.

#[path = "../../../tests/generator/mod.rs"]
mod generator;

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValueList, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use prost::Message as _;
use prost::encoding::encode_varint;

use super::*;

/// What the walk alone says, without the decoder's last word.
fn walked(signal: Signal, body: &[u8]) -> Option<usize> {
    match signal {
        Signal::Logs => walk::<ExportLogsServiceRequest>(body),
        Signal::Traces => walk::<ExportTraceServiceRequest>(body),
        Signal::Metrics => walk::<ExportMetricsServiceRequest>(body),
    }
    .ok()
    .map(|measure| measure.records)
}

fn decoded(signal: Signal, body: &[u8]) -> Option<usize> {
    Request::decode(signal, Encoding::Protobuf, body).ok().map(|request| request.record_count())
}

fn agree(body: &[u8]) -> Result<(), TestCaseError> {
    for signal in Signal::ALL {
        prop_assert_eq!(walked(signal, body), decoded(signal, body), "{:?}", signal);
        let measured = measure(signal, body).ok();
        prop_assert_eq!(measured.map(|measure| measure.records), decoded(signal, body));
        if let Some(measure) = measured {
            let within = |memory| Request::decode_within(signal, Encoding::Protobuf, body, memory);
            prop_assert!(within(measure.memory).is_ok());
            prop_assert!(measure.memory == 0 || within(measure.memory - 1).is_err());
        }
    }
    Ok(())
}

fn varint(value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    encode_varint(value, &mut out);
    out
}

/// `body` as the value of field `tag`, with its length in front.
fn delimited(tag: u32, body: &[u8]) -> Vec<u8> {
    let mut out = varint(u64::from(tag << 3 | 2));
    out.extend(varint(body.len() as u64));
    out.extend_from_slice(body);
    out
}

fn protobuf(request: &Request) -> Vec<u8> {
    match request {
        Request::Logs(request) => request.encode_to_vec(),
        Request::Traces(request) => request.encode_to_vec(),
        Request::Metrics(request) => request.encode_to_vec(),
    }
}

/// Fields with any tag and any encoding, messages, strings, lists and groups among them, mostly well
/// formed: the walk gets deep into them.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let tag = || prop_oneof![8 => 1..17_u32, 1 => any::<u32>().prop_map(|tag| tag >> 3)];
    let key = |tag: u32, wire_type: u32| varint(u64::from(tag << 3 | wire_type));
    let number = prop_oneof![4 => 0..300_u64, 1 => any::<u64>()];
    let leaf = prop_oneof![
        (tag(), number).prop_map(move |(tag, number)| [key(tag, 0), varint(number)].concat()),
        (tag(), any::<[u8; 8]>()).prop_map(move |(tag, eight)| [&key(tag, 1)[..], &eight].concat()),
        (tag(), any::<[u8; 4]>()).prop_map(move |(tag, four)| [&key(tag, 5)[..], &four].concat()),
        (tag(), "[a-zé]{0,8}").prop_map(|(tag, text)| delimited(tag, text.as_bytes())),
        (tag(), vec(any::<u8>(), 0..9)).prop_map(|(tag, bytes)| delimited(tag, &bytes)),
    ];
    let field = leaf.prop_recursive(8, 48, 4, move |inner| {
        let fields = vec(inner, 0..4).prop_map(|fields| fields.concat());
        prop_oneof![
            6 => (tag(), fields.clone()).prop_map(|(tag, fields)| delimited(tag, &fields)),
            // Along the path from a request to its records, and from a value to its values.
            6 => (1..3_u32, fields.clone()).prop_map(|(tag, fields)| delimited(tag, &fields)),
            3 => (5..8_u32, fields.clone()).prop_map(|(tag, fields)| delimited(tag, &fields)),
            1 => (tag(), fields).prop_map(move |(tag, fields)| {
                [key(tag, 3), fields, key(tag, 4)].concat()
            }),
        ]
    });
    vec(field, 0..5).prop_map(|fields| fields.concat())
}

/// A small damage to a body.
#[derive(Debug, Clone)]
enum Damage {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Truncate(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, 1 << bit)),
        (any::<Index>(), soup()).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (any::<Index>(), 1..9_usize).prop_map(|(at, length)| Damage::Remove(at, length)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, length)| Damage::Repeat(at, length)),
        any::<Index>().prop_map(Damage::Truncate),
    ]
}

fn apply(damage: &Damage, body: &mut Vec<u8>) {
    let within = |at: &Index| at.index(body.len() + 1);
    match damage {
        Damage::Set(at, byte) => {
            let at = within(at);
            if let Some(old) = body.get_mut(at) {
                *old = *byte;
            }
        }
        Damage::Flip(at, bit) => {
            let at = within(at);
            if let Some(old) = body.get_mut(at) {
                *old ^= bit;
            }
        }
        Damage::Insert(at, bytes) => {
            let at = within(at);
            body.splice(at..at, bytes.iter().copied());
        }
        Damage::Remove(at, length) => {
            let at = within(at);
            body.drain(at..body.len().min(at + length));
        }
        Damage::Repeat(at, length) => {
            let at = within(at);
            body.extend_from_within(at..body.len().min(at + length));
        }
        Damage::Truncate(at) => body.truncate(within(at)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn on_any_bytes(body in vec(any::<u8>(), 0..60)) {
        agree(&body)?;
    }

    #[test]
    fn on_fields_of_any_shape(body in soup()) {
        agree(&body)?;
        // Inside of a record, too.
        agree(&delimited(1, &delimited(2, &delimited(2, &body))))?;
    }

    #[test]
    fn on_requests_and_damaged_requests(
        request in generator::request(),
        damages in vec(damage(), 0..4),
    ) {
        let mut body = protobuf(&request);
        prop_assert_eq!(walked(request.signal(), &body), Some(request.record_count()));
        for damage in &damages {
            apply(damage, &mut body);
            agree(&body)?;
        }
    }

    #[test]
    fn on_a_metric_whose_data_comes_more_than_once(
        parts in vec(vec(generator::metric(), 0..4), 0..3)
    ) {
        let metrics: Vec<Vec<u8>> = parts
            .iter()
            .map(|parts| {
                // Protobuf merges what is put behind each other.
                let merged: Vec<u8> = parts.iter().flat_map(Metric::encode_to_vec).collect();
                delimited(2, &merged)
            })
            .collect();
        let body = delimited(1, &delimited(2, &metrics.concat()));
        prop_assert!(decoded(Signal::Metrics, &body).is_some());
        agree(&body)?;
    }
}

#[test]
fn on_every_depth_around_the_limit_of_messages_groups_and_unknown_fields() {
    for depth in 85..110 {
        for tags in [[5, 1], [6, 1]] {
            let nested = |innermost: &[u8]| {
                (0..depth)
                    .fold(innermost.to_vec(), |inner, level| delimited(tags[level % 2], &inner))
            };
            // Into the body of a log record.
            let body =
                |value: &[u8]| delimited(1, &delimited(2, &delimited(2, &delimited(5, value))));
            for innermost in [&[][..], &[0x0a, 1, b'a'], &[0xf8, 1, 1], &[0xfb, 1, 0xfc, 1]] {
                let body = body(&nested(innermost));
                assert_eq!(walked(Signal::Logs, &body), decoded(Signal::Logs, &body), "{depth}");
            }
        }
        let groups = [[0xfb, 1].repeat(depth), [0xfc, 1].repeat(depth)].concat();
        assert_eq!(walked(Signal::Logs, &groups), decoded(Signal::Logs, &groups), "{depth}");
        let groups = delimited(1, &groups);
        assert_eq!(walked(Signal::Logs, &groups), decoded(Signal::Logs, &groups), "{depth}");
    }
}

#[test]
fn on_varints_of_every_length_and_overflow() {
    for length in 1..13 {
        for last in [0, 1, 2, 0x7f, 0x80] {
            let mut value = vec![0x80; length - 1];
            value.push(last);
            let body = delimited(1, &delimited(2, &delimited(2, &[&[0x10][..], &value].concat())));
            assert_eq!(walked(Signal::Logs, &body), decoded(Signal::Logs, &body), "{value:x?}");
            let length = [&[0x0a][..], &value].concat();
            assert_eq!(walked(Signal::Logs, &length), decoded(Signal::Logs, &length));
        }
    }
}

fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

fn log(attributes: Vec<KeyValue>) -> LogRecord {
    LogRecord { attributes, ..LogRecord::default() }
}

#[test]
fn attributes_are_counted_for_each_record_and_for_what_stands_around_it() {
    let plain = |count: usize| vec![attribute("k", any_value::Value::BoolValue(true)); count];
    let nested = any_value::Value::KvlistValue(KeyValueList { values: plain(4) });
    let scope = InstrumentationScope { attributes: plain(3), ..InstrumentationScope::default() };
    let scope = ScopeLogs {
        scope: Some(scope),
        log_records: vec![log(plain(5)), log(plain(5)), log(vec![attribute("n", nested)])],
        ..ScopeLogs::default()
    };
    let resource = Resource { attributes: plain(2), ..Resource::default() };
    let resource = ResourceLogs {
        resource: Some(resource),
        scope_logs: vec![scope.clone(), scope],
        ..ResourceLogs::default()
    };
    let request = ExportLogsServiceRequest { resource_logs: vec![resource.clone(), resource] };
    let measured = measure(Signal::Logs, &request.encode_to_vec()).unwrap();
    assert_eq!((measured.records, measured.attributes), (12, 5));
    // Of the resource in pieces, all count.
    let piece = ResourceLogs {
        resource: Some(Resource { attributes: plain(4), ..Resource::default() }),
        ..ResourceLogs::default()
    };
    let pieces = piece.encode_to_vec().repeat(2);
    let mut request = vec![10, u8::try_from(pieces.len()).unwrap()];
    request.extend(pieces);
    assert_eq!(measure(Signal::Logs, &request).unwrap().attributes, 8);
}

#[test]
fn the_longest_string_and_the_deepest_value_are_found() {
    let mut value = any_value::Value::StringValue("x".repeat(300));
    for _ in 0..5 {
        let values = vec![AnyValue { value: Some(value) }];
        value = any_value::Value::ArrayValue(ArrayValue { values });
    }
    let scope =
        ScopeLogs { log_records: vec![log(vec![attribute("key", value)])], ..ScopeLogs::default() };
    let resource = ResourceLogs { scope_logs: vec![scope], ..ResourceLogs::default() };
    let request = ExportLogsServiceRequest { resource_logs: vec![resource] };
    let measured = measure(Signal::Logs, &request.encode_to_vec()).unwrap();
    // Resource, scope, record, attribute, its value, and two for each list.
    assert_eq!((measured.longest, measured.depth), (300, 5 + 10));
}

/// Two million of what is two bytes each.
fn many(of: &[u8]) -> Vec<u8> {
    of.repeat(2_000_000)
}

#[test]
fn what_is_small_as_sent_and_large_in_memory_is_measured_before_it_is_decoded() {
    let record = |content: &[u8]| delimited(1, &delimited(2, &delimited(2, content)));
    let limit = 32 << 20;
    for (signal, body) in [
        // Empty resources, records, attributes, values in a list, events of a span, links.
        (Signal::Logs, many(&[0x0a, 0])),
        (Signal::Logs, delimited(1, &delimited(2, &many(&[0x12, 0])))),
        (Signal::Logs, record(&many(&[0x32, 0]))),
        (Signal::Logs, record(&delimited(5, &delimited(5, &many(&[0x0a, 0]))))),
        (Signal::Traces, record(&many(&[0x5a, 0]))),
        (Signal::Traces, record(&many(&[0x6a, 0]))),
        // Bucket counts of an exponential histogram, a byte each; points.
        (
            Signal::Metrics,
            record(&delimited(10, &delimited(1, &delimited(8, &delimited(2, &vec![0; 9 << 20]))))),
        ),
        (Signal::Metrics, record(&delimited(5, &many(&[0x0a, 0])))),
    ] {
        let measured = measure(signal, &body).unwrap();
        assert!(measured.memory > limit, "{signal:?} {measured:?}");
        let refused = Request::decode_within(signal, Encoding::Protobuf, &body, limit);
        assert!(matches!(refused, Err(Error::TooLargeDecoded { .. })));
    }
}

#[test]
fn json_is_not_read_any_further_once_it_takes_too_much() {
    let many = |of: &str| vec![of; 1_000_000].join(",");
    let record = |content: &str| {
        format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{content}]}}]}}]}}"#)
    };
    for body in [
        format!(r#"{{"resourceLogs":[{}]}}"#, many("{}")),
        record(&many("{}")),
        record(&format!(r#"{{"attributes":[{}]}}"#, many("{}"))),
        record(&format!(r#"{{"body":{{"arrayValue":{{"values":[{}]}}}}}}"#, many("null"))),
        // What comes twice replaces what was there, and takes its time all the same.
        record(&format!(r#"{{"attributes":[{0}],"attributes":[{0}]}}"#, many("{}"))),
    ] {
        // It would not be JSON if somebody came to its end.
        let body = format!("{body}!");
        let read = Request::decode_within(Signal::Logs, Encoding::Json, body.as_bytes(), 16 << 20);
        assert!(
            matches!(read, Err(Error::TooLargeDecoded { limit }) if limit == 16 << 20),
            "{read:?}"
        );
    }
}

#[test]
fn a_large_malformed_body_is_refused_without_being_decoded_and_a_small_one_is_told_why() {
    let mut large = many(&[0x0a, 0]);
    large.push(0xff);
    assert!(matches!(measure(Signal::Logs, &large), Err(Error::Malformed)));
    assert!(matches!(measure(Signal::Logs, &[0x0a, 5, 1]), Err(Error::Protobuf(_))));
}

#[test]
fn ids_of_another_length_are_counted() {
    let span = |trace_id: usize, span_id: usize| opentelemetry_proto::tonic::trace::v1::Span {
        trace_id: vec![1; trace_id],
        span_id: vec![1; span_id],
        ..Default::default()
    };
    let scope = opentelemetry_proto::tonic::trace::v1::ScopeSpans {
        spans: vec![span(16, 8), span(0, 0), span(8, 16), span(40, 8)],
        ..Default::default()
    };
    let resource = opentelemetry_proto::tonic::trace::v1::ResourceSpans {
        scope_spans: vec![scope],
        ..Default::default()
    };
    let request = ExportTraceServiceRequest { resource_spans: vec![resource] };
    assert_eq!(measure(Signal::Traces, &request.encode_to_vec()).unwrap().odd_ids, 3);
}
