//! Reading and writing OTLP/JSON: what real senders send, and the canonical form.

#![allow(clippy::panic, clippy::string_slice, clippy::unwrap_used, reason = "tests")]

use blotter_schemas::otlp::json::{Envelope, JsonError, encode_logs};
use blotter_schemas::otlp::{Encoding, Request, Signal, check};
use blotter_schemas::record::LONG;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message as _;

fn logs(json: &str) -> ExportLogsServiceRequest {
    match Request::decode(Signal::Logs, Encoding::Json, json.as_bytes()).unwrap() {
        Request::Logs(request) => request,
        other => panic!("{other:?}"),
    }
}

fn log(record: &str) -> LogRecord {
    let body = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{record}]}}]}}]}}"#);
    logs(&body).resource_logs.remove(0).scope_logs.remove(0).log_records.remove(0)
}

fn value(any: &str) -> Option<Value> {
    log(&format!(r#"{{"body":{any}}}"#)).body.unwrap().value
}

fn error(signal: Signal, json: &[u8]) -> JsonError {
    match Request::decode(signal, Encoding::Json, json).unwrap_err() {
        blotter_schemas::Error::Json(error) => error,
        other => panic!("{other}"),
    }
}

fn request(record: LogRecord) -> ExportLogsServiceRequest {
    let scope = ScopeLogs { log_records: vec![record], ..ScopeLogs::default() };
    let resource = ResourceLogs { scope_logs: vec![scope], ..ResourceLogs::default() };
    ExportLogsServiceRequest { resource_logs: vec![resource] }
}

fn text(text: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(text.to_owned())) }
}

#[test]
fn null_is_as_if_the_field_were_not_there() {
    let record = log(r#"{"body":null,"timeUnixNano":null,"attributes":null,"traceId":null,
        "severityNumber":null,"flags":null,"attributes":[{"key":null,"value":null}, null]}"#);
    let expected = LogRecord { attributes: vec![KeyValue::default()], ..LogRecord::default() };
    assert_eq!(record, expected);
    assert_eq!(value(r#"{"stringValue":null}"#), None);
    assert_eq!(value(r#"{"intValue":"1","stringValue":null}"#), Some(Value::IntValue(1)));
}

#[test]
fn null_keeps_its_place_in_a_list_of_values() {
    let Some(Value::ArrayValue(array)) =
        value(r#"{"arrayValue":{"values":[null,{"intValue":2},null]}}"#)
    else {
        panic!("not an array")
    };
    assert_eq!(array.values.len(), 3);
    assert_eq!(array.values[1].value, Some(Value::IntValue(2)));
}

#[test]
fn integers_doubles_and_booleans_are_read_as_numbers_and_as_strings() {
    for (json, expected) in [
        (r#"{"intValue":123}"#, Value::IntValue(123)),
        (r#"{"intValue":"-9223372036854775808"}"#, Value::IntValue(i64::MIN)),
        (r#"{"intValue":1e3}"#, Value::IntValue(1000)),
        (r#"{"doubleValue":1}"#, Value::DoubleValue(1.0)),
        (r#"{"doubleValue":"1.5e-7"}"#, Value::DoubleValue(1.5e-7)),
        (r#"{"doubleValue":"Infinity"}"#, Value::DoubleValue(f64::INFINITY)),
        (r#"{"doubleValue":"-Infinity"}"#, Value::DoubleValue(f64::NEG_INFINITY)),
        (r#"{"boolValue":true}"#, Value::BoolValue(true)),
        (r#"{"boolValue":"False"}"#, Value::BoolValue(false)),
        (r#"{"bytesValue":"+/8="}"#, Value::BytesValue(vec![0xfb, 0xff])),
        (r#"{"bytesValue":"-_8"}"#, Value::BytesValue(vec![0xfb, 0xff])),
        (r#"{"bytesValue":""}"#, Value::BytesValue(vec![])),
    ] {
        assert_eq!(value(json), Some(expected), "{json}");
    }
    assert!(matches!(
        value(r#"{"doubleValue":"NaN"}"#),
        Some(Value::DoubleValue(number)) if number.is_nan()
    ));
    assert!(matches!(
        value(r#"{"doubleValue":-0}"#),
        Some(Value::DoubleValue(zero)) if zero == 0.0 && zero.is_sign_negative()
    ));
}

#[test]
fn an_empty_value_is_there_and_empty() {
    assert_eq!(log(r#"{"body":{}}"#).body, Some(AnyValue { value: None }));
    assert_eq!(log("{}").body, None);
}

#[test]
fn ids_are_hexadecimal_in_either_case_of_any_length_or_empty() {
    let record = log(r#"{"traceId":"0AfF","spanId":""}"#);
    assert_eq!((record.trace_id, record.span_id), (vec![0x0a, 0xff], vec![]));
}

#[test]
fn enumerations_are_numbers_or_names() {
    for json in ["9", r#""9""#, r#""SEVERITY_NUMBER_INFO""#] {
        assert_eq!(log(&format!(r#"{{"severityNumber":{json}}}"#)).severity_number, 9);
    }
    assert_eq!(log(r#"{"severityNumber":-7777}"#).severity_number, -7777);
}

#[test]
fn names_are_read_in_snake_case_too_and_unknown_ones_ignored_whatever_they_hold() {
    let record = log(r#"{ "time_unix_nano" : 5 , "unknown":[1,{"a":[null,true,"\u0041"]},-1.5e+3],
        "un_known":{}, "droppedAttributesCount":"7" }"#);
    let expected =
        LogRecord { time_unix_nano: 5, dropped_attributes_count: 7, ..LogRecord::default() };
    assert_eq!(record, expected);
}

#[test]
fn of_a_name_that_comes_twice_the_last_value_counts() {
    let record = log(r#"{"attributes":[{"key":"a"}],"flags":1,"body":{"stringValue":"a"},
        "flags":2,"attributes":[{"key":"b"}],"body":{}}"#);
    assert_eq!(record.flags, 2);
    assert_eq!(record.attributes, [KeyValue { key: "b".to_owned(), ..KeyValue::default() }]);
    assert_eq!(record.body, Some(AnyValue { value: None }));
    let last = value(r#"{"stringValue":"a","boolValue":true}"#);
    assert_eq!(last, Some(Value::BoolValue(true)));
}

#[test]
fn half_a_surrogate_pair_is_the_replacement_character_and_a_whole_one_its_character() {
    for (json, expected) in [
        (r#""\ud83d\ude00!""#, "😀!"),
        (r#""cut \ud83d""#, "cut \u{fffd}"),
        (r#""\ud83d\u0041""#, "\u{fffd}A"),
        (r#""\ude00\ud83d\ud83d\ude00""#, "\u{fffd}\u{fffd}😀"),
        (r#""\/\b\f\n\r\t\"\\""#, "/\u{8}\u{c}\n\r\t\"\\"),
    ] {
        let any = format!(r#"{{"stringValue":{json}}}"#);
        assert_eq!(value(&any), Some(Value::StringValue(expected.to_owned())), "{json}");
    }
}

#[test]
fn an_error_names_the_field_the_line_and_the_column() {
    let body =
        b"{\"resourceLogs\":[{\"scopeLogs\":[{},{\"logRecords\":[{},\n {\"traceId\":\"abc\"}]}]}]}";
    let error = error(Signal::Logs, body);
    assert_eq!(error.field(), Some("resourceLogs[0].scopeLogs[1].logRecords[1].traceId"));
    assert_eq!((error.line(), error.column()), (2, 13));
    assert_eq!(body[error.offset()], b'"');
    assert_eq!(
        error.to_string(),
        "resourceLogs[0].scopeLogs[1].logRecords[1].traceId: not an id in hexadecimal: \
         Odd number of digits at line 2 column 13"
    );
}

#[test]
fn what_is_not_such_a_message_is_refused() {
    for body in [
        "",
        " ",
        "null",
        "[]",
        "{",
        "{}x",
        "{}{}",
        r#"{"a":1,}"#,
        r#"{"a":01}"#,
        r#"{"a":1.}"#,
        r#"{"a":nul}"#,
        "{\"a\":\"\n\"}",
        r#"{"a":"\x"}"#,
        r#"{"a":"\u12g4"}"#,
        r#"{"a":"\u+123"}"#,
        r#"{"resourceLogs":{}}"#,
        r#"{"resourceLogs":[[]]}"#,
        r#"{"resourceLogs":[{"schemaUrl":5}]}"#,
    ] {
        error(Signal::Logs, body.as_bytes());
    }
    error(Signal::Logs, b"{\"a\":\"\xff\"}");
    for record in [
        r#"{"spanId":"0g"}"#,
        r#"{"timeUnixNano":-1}"#,
        r#"{"timeUnixNano":"18446744073709551616"}"#,
        r#"{"timeUnixNano":""}"#,
        r#"{"timeUnixNano":1.5}"#,
        r#"{"severityNumber":"LOUD"}"#,
        r#"{"body":{"boolValue":1}}"#,
        r#"{"body":{"doubleValue":1e999}}"#,
        r#"{"body":{"doubleValue":"inf"}}"#,
        r#"{"body":{"bytesValue":"*"}}"#,
        r#"{"body":{"stringValue":5}}"#,
    ] {
        let body = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{record}]}}]}}]}}"#);
        error(Signal::Logs, body.as_bytes());
    }
}

/// A body nested in `levels` arrays.
fn nested(levels: usize) -> AnyValue {
    (0..levels).fold(text("deep"), |inner, _| AnyValue {
        value: Some(Value::ArrayValue(ArrayValue { values: vec![inner] })),
    })
}

#[test]
fn what_may_lie_within_each_other_is_the_same_in_json_and_protobuf() {
    for levels in [0, 1, 47, 48, 49, 60] {
        let request = request(LogRecord { body: Some(nested(levels)), ..LogRecord::default() });
        let protobuf = request.encode_to_vec();
        let json = encode_logs(&request);
        let by_protobuf = Request::decode(Signal::Logs, Encoding::Protobuf, &protobuf);
        let by_json = Request::decode(Signal::Logs, Encoding::Json, json.as_bytes());
        assert_eq!(by_protobuf.is_ok(), levels <= 48, "{levels}");
        assert_eq!(by_json.is_ok(), levels <= 48, "{levels}");
        assert_eq!(check(Signal::Logs, Encoding::Protobuf, &protobuf).is_ok(), levels <= 48);
        if let (Ok(by_protobuf), Ok(by_json)) = (by_protobuf, by_json) {
            assert_eq!(by_protobuf, by_json);
        }
    }
    let deep = format!(r#"{{"unknown":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    error(Signal::Logs, deep.as_bytes());
}

#[test]
fn the_canonical_form_omits_defaults_but_not_what_is_set_and_sorts_by_the_table() {
    let record = LogRecord {
        observed_time_unix_nano: u64::MAX,
        flags: 1,
        trace_id: vec![0xab; 17],
        body: Some(AnyValue { value: None }),
        attributes: vec![
            KeyValue { key: "é\u{1}\"".to_owned(), value: Some(text("")), key_strindex: 0 },
            KeyValue {
                key: "i".to_owned(),
                value: Some(AnyValue { value: Some(Value::IntValue(0)) }),
                key_strindex: 3,
            },
            KeyValue {
                key: String::new(),
                value: Some(AnyValue { value: Some(Value::BytesValue(vec![0xfb])) }),
                key_strindex: 0,
            },
            KeyValue {
                key: String::new(),
                value: Some(AnyValue { value: Some(Value::ArrayValue(ArrayValue::default())) }),
                key_strindex: 0,
            },
        ],
        ..LogRecord::default()
    };
    let expected = [
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"#,
        r#""observedTimeUnixNano":"18446744073709551615","body":{},"attributes":["#,
        r#"{"key":"é\u0001\"","value":{"stringValue":""}},"#,
        r#"{"key":"i","value":{"intValue":"0"},"keyStrindex":3},"#,
        r#"{"value":{"bytesValue":"+w=="}},{"value":{"arrayValue":{}}}],"#,
        r#""flags":1,"traceId":"ababababababababababababababababab"}]}]}]}"#,
    ]
    .concat();
    assert_eq!(encode_logs(&request(record)), expected);
}

#[test]
fn long_strings_are_noted_with_the_object_they_stand_in() {
    let long = "x\"y".repeat(LONG);
    let just = "z".repeat(LONG);
    let record = LogRecord {
        body: Some(AnyValue {
            value: Some(Value::ArrayValue(ArrayValue {
                values: vec![text(&long), text("short"), text(&just)],
            })),
        }),
        attributes: vec![
            KeyValue { key: "a".to_owned(), value: Some(text(&long)), key_strindex: 0 },
            KeyValue {
                key: "b".to_owned(),
                value: Some(text(&"z".repeat(LONG - 1))),
                key_strindex: 0,
            },
        ],
        ..LogRecord::default()
    };
    let mut out = "before ".to_owned();
    let mut noted = Vec::new();
    let envelope = Envelope::logs(&ResourceLogs::default(), &ScopeLogs::default());
    envelope.log(&record, &mut out, &mut noted);
    let texts: Vec<&str> = noted.iter().map(|value| value.text).collect();
    assert_eq!(texts, [long.as_str(), just.as_str(), long.as_str()]);
    for value in &noted {
        let expected =
            format!(r#"{{"stringValue":{}}}"#, serde_json::to_string(value.text).unwrap());
        assert_eq!(out[value.range.clone()], expected);
    }
    assert!(noted.is_sorted_by_key(|value| value.range.start));
}
