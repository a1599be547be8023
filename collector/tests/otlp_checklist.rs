//! What the OTLP specification asks of a receiver, line by line, where no other test of this folder shows it.
//!
//! | line | test |
//! |---|---|
//! | gRPC: Export of every signal | `otlp_grpc::every_signal_is_acknowledged_with_an_empty_message_and_stored`, `otlp_grpc::an_unknown_method_is_unimplemented` |
//! | HTTP: POST of every signal, versions 1.1 and 2, Protobuf and JSON on one port | [`both_forms_of_every_signal_are_taken_on_one_port_over_both_versions_of_http`] |
//! | gRPC and HTTP on one port | `otlp_http::the_port_of_the_other_transport_answers_too` |
//! | signals still in development | [`signals_that_are_still_being_developed_are_refused_with_a_status`] |
//! | no compression and gzip; another is refused | `otlp_http::gzip_is_decompressed_over_http_1_and_http_2`, `otlp_http::unknown_types_encodings_paths_and_methods_are_refused_with_a_status` |
//! | content types, also of answers | [`bodies_are_told_apart_by_their_content_type_and_not_by_what_they_look_like`], `otlp_http::what_cannot_be_decoded_is_refused_for_good_in_the_encoding_of_the_request` |
//! | size, also decompressed: 413, `RESOURCE_EXHAUSTED` | `otlp_http::a_body_over_the_limit_is_refused_whether_declared_chunked_or_compressed`, `otlp_grpc::what_is_too_large_is_refused_for_good_also_when_compressed` |
//! | size of answers | [`no_answer_is_larger_than_4_mib_however_much_of_the_request_it_quotes`] |
//! | success, also of an empty request | `otlp_http::an_empty_request_succeeds_and_leaves_nothing`, `otlp_grpc::every_signal_is_acknowledged_with_an_empty_message_and_stored` |
//! | partial success unset | [`what_success_says_claims_no_partial_success`] |
//! | errors: a status, 400 for what cannot be decoded, which are retryable | `otlp_http::what_cannot_be_decoded_is_refused_for_good_in_the_encoding_of_the_request`, unit tests of `receive::status` |
//! | `Retry-After`, `RetryInfo` | `otlp_http::overload_is_refused_for_now_and_says_when_to_come_back`, `otlp_grpc::overload_is_unavailable_with_a_pause` |
//! | JSON: ids, enumerations, 64 bits, names, unknown fields | [`ids_in_json_are_hexadecimal_in_either_case`], [`enumerations_are_numbers_and_unknown_numbers_are_kept`], [`integers_of_64_bits_are_taken_as_strings_and_as_numbers`], [`unknown_fields_are_passed_over_and_names_in_snake_case_read_though_none_may_be_sent`] |
//! | every kind of value, bytes in Base64 | [`attributes_may_be_empty_bytes_maps_and_mixed_lists`] |
//! | a request that comes again | `exactly_once` |
//! | chunked bodies, connections that are kept | `otlp_http::a_chunked_body_is_read_and_the_connection_kept`, [`one_connection_is_kept_for_many_requests_refused_ones_among_them`], `otlp_grpc::many_calls_on_one_connection_are_all_stored` |
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[expect(dead_code, reason = "each test program uses a part of it")]
mod support;

use std::path::Path;

use blotter_archive::{Archive, Location, ScanRequest};
use blotter_schemas::tables::{Event, Row as _, Span, Table};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use support::{JSON, PROTOBUF, export, logs, metrics, post, rows, send, spans, start};
use tokio::net::TcpStream;

/// The original records of a table, in the order of their names or bodies.
async fn records(data: &Path, table: Table) -> Vec<Value> {
    let location = Location::parse(&data.join("archive").to_string_lossy()).unwrap();
    let archive = Archive::open(&location).await.unwrap();
    let mut scan = archive.scan(ScanRequest::new(table)).await.unwrap();
    let mut records = Vec::new();
    for batch in scan.collect().await.unwrap() {
        let texts: Vec<Option<String>> = match table {
            Table::Events => {
                let rows = Event::from_batch(&batch).unwrap();
                rows.into_iter().map(|row| row.record).collect()
            }
            _ => {
                let rows = Span::from_batch(&batch).unwrap();
                rows.into_iter().map(|row| row.record).collect()
            }
        };
        records.extend(texts.into_iter().flatten().map(|it| serde_json::from_str(&it).unwrap()));
    }
    records.sort_by_key(Value::to_string);
    records
}

/// Everything below `value` under `key`.
fn find<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == key {
                    found.push(value);
                }
                find(value, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|value| find(value, key, found)),
        _ => {}
    }
}

fn all<'a>(records: &'a [Value], key: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    records.iter().for_each(|record| find(record, key, &mut found));
    found
}

async fn post_json(collector: &blotter_collector::Collector, path: &str, body: Value) {
    let headers = [("content-type", JSON)];
    let answer =
        post(collector.http_address(), path, &headers, body.to_string().into_bytes()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!((answer.header("content-type"), answer.body.as_slice()), (JSON, b"{}".as_slice()));
}

fn span(fields: Value) -> Value {
    json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [fields] }] }] })
}

fn log(fields: Value) -> Value {
    json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [fields] }] }] })
}

#[tokio::test]
async fn ids_in_json_are_hexadecimal_in_either_case() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    for (name, trace, id) in [
        ("upper", "0AF7651916CD43DD8448EB211C80319C", "B7AD6B7169203331"),
        ("lower", "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"),
        ("mixed", "0Af7651916cD43dd8448eb211c80319C", "b7AD6b7169203331"),
    ] {
        let fields = json!({ "traceId": trace, "spanId": id, "parentSpanId": id, "name": name });
        post_json(&collector, "/v1/traces", span(fields)).await;
    }
    collector.shutdown().await.unwrap();
    let records = records(data.path(), Table::Spans).await;
    assert_eq!(all(&records, "traceId"), ["0af7651916cd43dd8448eb211c80319c"; 3]);
    assert_eq!(all(&records, "spanId"), ["b7ad6b7169203331"; 3]);
    assert_eq!(all(&records, "parentSpanId"), ["b7ad6b7169203331"; 3]);
}

#[tokio::test]
async fn integers_of_64_bits_are_taken_as_strings_and_as_numbers() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    for value in [json!("9007199254740993"), json!(9_007_199_254_740_993_u64)] {
        let attribute = json!({ "key": "n", "value": { "intValue": value } });
        let is_text = value.is_string();
        let fields = json!({
            "timeUnixNano": value,
            "body": { "stringValue": is_text.to_string() },
            "attributes": [attribute]
        });
        post_json(&collector, "/v1/logs", log(fields)).await;
    }
    collector.shutdown().await.unwrap();
    let records = records(data.path(), Table::Events).await;
    assert_eq!(all(&records, "intValue"), ["9007199254740993"; 2]);
    assert_eq!(all(&records, "timeUnixNano"), ["9007199254740993"; 2]);
}

#[tokio::test]
async fn enumerations_are_numbers_and_unknown_numbers_are_kept() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    for (name, kind) in [("a", 3), ("b", 99)] {
        let fields = json!({ "name": name, "kind": kind, "status": { "code": 2 } });
        post_json(&collector, "/v1/traces", span(fields)).await;
    }
    collector.shutdown().await.unwrap();
    let records = records(data.path(), Table::Spans).await;
    let mut kinds: Vec<i64> =
        all(&records, "kind").into_iter().map(|it| it.as_i64().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [3, 99]);
    assert_eq!(all(&records, "code"), [&json!(2), &json!(2)]);
}

#[tokio::test]
async fn unknown_fields_are_passed_over_and_names_in_snake_case_read_though_none_may_be_sent() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let fields = json!({
        "severityText": "known",
        "severity_number": 17,
        "ofTomorrow": { "deep": [1, { "er": null }], "severityNumber": 5 },
        "body": { "stringValue": "text", "ofTomorrow": [] }
    });
    let mut request = log(fields);
    request["ofTomorrow"] = json!("at the top");
    post_json(&collector, "/v1/logs", request).await;
    collector.shutdown().await.unwrap();
    let records = records(data.path(), Table::Events).await;
    assert_eq!(all(&records, "severityText"), ["known"]);
    assert_eq!(all(&records, "severityNumber"), [&json!(17)]);
    assert!(!records[0].to_string().contains("ofTomorrow"), "{records:?}");
}

#[tokio::test]
async fn attributes_may_be_empty_bytes_maps_and_mixed_lists() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let values = [
        json!({ "key": "empty", "value": {} }),
        json!({ "key": "none" }),
        json!({ "key": "", "value": { "stringValue": "" } }),
        json!({ "key": "bytes", "value": { "bytesValue": "AP+A" } }),
        json!({ "key": "mixed", "value": { "arrayValue": { "values": [
            { "intValue": "1" }, { "stringValue": "s" }, { "boolValue": false }, { "doubleValue": 0.5 }, {},
            { "bytesValue": "" }, { "arrayValue": {} },
            { "kvlistValue": { "values": [{ "key": "k", "value": { "doubleValue": "NaN" } }] } }
        ] } } }),
    ];
    let fields = json!({ "body": { "kvlistValue": { "values": [] } }, "attributes": values });
    post_json(&collector, "/v1/logs", log(fields)).await;
    collector.shutdown().await.unwrap();
    let records = records(data.path(), Table::Events).await;
    let text = records[0].to_string();
    let mut keys: Vec<&str> = all(&records, "key").into_iter().filter_map(Value::as_str).collect();
    keys.sort_unstable();
    // An empty key is the same as none.
    assert_eq!(keys, ["bytes", "empty", "k", "mixed", "none"], "{text}");
    let bytes: Vec<&str> =
        all(&records, "bytesValue").into_iter().filter_map(Value::as_str).collect();
    assert!(bytes.contains(&"AP+A") && bytes.contains(&""), "{text}");
    assert!(text.contains("NaN") && text.contains("kvlistValue"), "{text}");
}

#[tokio::test]
async fn one_connection_is_kept_for_many_requests_refused_ones_among_them() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    for http2 in [false, true] {
        let stream = TokioIo::new(TcpStream::connect(collector.http_address()).await.unwrap());
        let request = |number: u64| {
            let body = if number % 10 == 9 { vec![0xff] } else { logs(number, 1) };
            Request::post("http://localhost/v1/logs")
                .header("host", "localhost")
                .header("content-type", PROTOBUF)
                .body(Full::<bytes::Bytes>::from(body))
                .unwrap()
        };
        let (mut kept, mut refused) = (0, 0);
        let mut count = |status| match status {
            StatusCode::OK => kept += 1,
            StatusCode::BAD_REQUEST => refused += 1,
            other => panic!("{other}"),
        };
        if http2 {
            let executor = TokioExecutor::new();
            let (mut sender, driver) =
                hyper::client::conn::http2::handshake(executor, stream).await.unwrap();
            tokio::spawn(driver);
            for number in 1000..1100 {
                let answer = sender.send_request(request(number)).await.unwrap();
                count(answer.status());
                answer.into_body().collect().await.unwrap();
            }
        } else {
            let (mut sender, driver) = hyper::client::conn::http1::handshake(stream).await.unwrap();
            tokio::spawn(driver);
            for number in 0..100 {
                let answer = sender.send_request(request(number)).await.unwrap();
                assert_ne!(
                    answer.headers().get("connection").map(|it| it.as_bytes()),
                    Some(b"close".as_slice())
                );
                count(answer.status());
                answer.into_body().collect().await.unwrap();
                sender.ready().await.unwrap();
            }
        }
        assert_eq!((kept, refused), (90, 10));
    }
    collector.shutdown().await.unwrap();
    assert_eq!(rows(data.path(), Table::Events).await, (180, 180));
}

#[tokio::test]
async fn both_forms_of_every_signal_are_taken_on_one_port_over_both_versions_of_http() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    for (number, http2) in [false, true].into_iter().enumerate() {
        for (path, body) in [
            ("/v1/logs", logs(number as u64, 1)),
            ("/v1/traces", spans(number as u64, 1)),
            ("/v1/metrics", metrics(number as u64, 1)),
        ] {
            for (content_type, body) in [(PROTOBUF, body), (JSON, b"{}".to_vec())] {
                let headers = [("content-type", content_type)];
                let address = collector.http_address();
                let answer = send(address, http2, Method::POST, path, &headers, body).await;
                assert_eq!(answer.status, StatusCode::OK, "{path} {content_type}");
                assert_eq!(answer.header("content-type"), content_type);
            }
        }
    }
    collector.shutdown().await.unwrap();
    for table in Table::ALL {
        assert_eq!(rows(data.path(), table).await, (2, 2), "{table}");
    }
}

#[tokio::test]
async fn no_answer_is_larger_than_4_mib_however_much_of_the_request_it_quotes() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let long = "x".repeat(60_000);
    let key = "k".repeat(1 << 20);
    let address = collector.http_address();
    let answers = [
        post(address, &format!("/v1/{long}"), &[("content-type", JSON)], Vec::new()).await,
        post(address, "/v1/logs", &[("content-type", &long)], Vec::new()).await,
        post(
            address,
            "/v1/logs",
            &[("content-type", JSON), ("content-encoding", &long)],
            Vec::new(),
        )
        .await,
        post(
            address,
            "/v1/logs",
            &[("content-type", JSON)],
            format!("{{\"resourceLogs\":[{{\"{key}\":}}]}}").into_bytes(),
        )
        .await,
        post(
            address,
            "/v1/logs",
            &[("content-type", JSON)],
            log(json!({ "traceId": key })).to_string().into_bytes(),
        )
        .await,
    ];
    for answer in answers {
        assert!(answer.status.is_client_error(), "{answer:?}");
        assert!(answer.body.len() < 4 << 20, "{}", answer.body.len());
    }
    export(&collector, "logs", logs(0, 1)).await;
    collector.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_success_says_claims_no_partial_success() {
    // An empty message has the field unset, in both forms; `every_signal_is_acknowledged_with_an_empty_message`
    // shows it for gRPC.
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let answer =
        post(collector.http_address(), "/v1/traces", &[("content-type", PROTOBUF)], spans(0, 1))
            .await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    post_json(&collector, "/v1/logs", log(json!({ "severityText": "x" }))).await;
    collector.shutdown().await.unwrap();
}

#[tokio::test]
async fn signals_that_are_still_being_developed_are_refused_with_a_status() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let headers = [("content-type", PROTOBUF)];
    let answer =
        post(collector.http_address(), "/v1development/profiles", &headers, Vec::new()).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.rpc_status().0, 5);
    collector.shutdown().await.unwrap();
}

#[tokio::test]
async fn bodies_are_told_apart_by_their_content_type_and_not_by_what_they_look_like() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let address = collector.http_address();
    for (content_type, body) in [(JSON, logs(0, 1)), (PROTOBUF, b"{\"resourceLogs\":[]}".to_vec())]
    {
        let answer = post(address, "/v1/logs", &[("content-type", content_type)], body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
        assert_eq!(answer.header("content-type"), content_type);
    }
    collector.shutdown().await.unwrap();
    assert_eq!(rows(data.path(), Table::Events).await, (0, 0));
}
