//! OTLP/HTTP as its specification says, over real sockets.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[expect(dead_code, reason = "each test program uses a part of it")]
mod support;

use std::io::Write as _;
use std::time::Duration;

use blotter_collector::{Collector, Limits};
use blotter_schemas::tables::Table;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{Method, StatusCode};
use support::{JSON, PROTOBUF, config, export, logs, metrics, post, rows, send, spans, start};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

async fn start_with(data: &std::path::Path, limits: Limits) -> Collector {
    let mut config = config(data);
    config.limits = limits;
    Collector::start(config).await.unwrap()
}

#[tokio::test]
async fn every_signal_is_acknowledged_with_an_empty_message_and_stored() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    for (signal, body) in
        [("logs", logs(0, 3)), ("traces", spans(0, 4)), ("metrics", metrics(0, 5))]
    {
        let path = format!("/v1/{signal}");
        let answer =
            post(collector.http_address(), &path, &[("content-type", PROTOBUF)], body).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!((answer.header("content-type"), answer.body.len()), (PROTOBUF, 0));
    }
    collector.shutdown().await.unwrap();
    assert_eq!(rows(data.path(), Table::Events).await, (3, 3));
    assert_eq!(rows(data.path(), Table::Spans).await, (4, 4));
    assert_eq!(rows(data.path(), Table::Metrics).await, (5, 5));
}

#[tokio::test]
async fn json_is_acknowledged_in_json_and_stored_as_real_agents_send_it() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let body = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[
        {"timeUnixNano":"0","observedTimeUnixNano":1700000000000000000,"body":null,"unknown":{"a":[1]},
         "attributes":[{"key":"x","value":{}},{"key":"n","value":{"intValue":7}}]}]}]}]}"#;
    let types = [JSON, "application/json; charset=utf-8", "Application/JSON"];
    for (number, content_type) in (7..).zip(types) {
        let headers = [("content-type", content_type)];
        let body = body.replace(":7}", &format!(":{number}}}"));
        let answer = post(collector.http_address(), "/v1/logs", &headers, body.into()).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!((answer.header("content-type"), answer.body.as_slice()), (JSON, &b"{}"[..]));
    }
    collector.shutdown().await.unwrap();
    assert_eq!(rows(data.path(), Table::Events).await.0, 3);
}

#[tokio::test]
async fn an_empty_request_succeeds_and_leaves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    export(&collector, "logs", Vec::new()).await;
    let answer =
        post(collector.http_address(), "/v1/traces", &[("content-type", JSON)], "{}".into()).await;
    assert_eq!((answer.status, answer.body.as_slice()), (StatusCode::OK, &b"{}"[..]));
    collector.shutdown().await.unwrap();
    assert_eq!(rows(data.path(), Table::Events).await, (0, 0));
}

#[tokio::test]
async fn gzip_is_decompressed_over_http_1_and_http_2() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    for http2 in [false, true] {
        let headers = [("content-type", PROTOBUF), ("content-encoding", "gzip")];
        let body = gzip(&logs(u64::from(http2) * 10, 3));
        let answer =
            send(collector.http_address(), http2, Method::POST, "/v1/logs", &headers, body).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    collector.shutdown().await.unwrap();
    assert_eq!(rows(data.path(), Table::Events).await, (6, 6));
}

#[tokio::test]
async fn a_chunked_body_is_read_and_the_connection_kept() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let mut stream = TcpStream::connect(collector.http_address()).await.unwrap();
    for from in [0, 10] {
        let head = "POST /v1/logs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\n\
                    transfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        for chunk in logs(from, 2).chunks(7) {
            stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await.unwrap();
            stream.write_all(chunk).await.unwrap();
            stream.write_all(b"\r\n").await.unwrap();
        }
        stream.write_all(b"0\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).await.unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 200 OK"));
    }
    collector.shutdown().await.unwrap();
    assert_eq!(rows(data.path(), Table::Events).await, (4, 4));
}

#[tokio::test]
async fn what_cannot_be_decoded_is_refused_for_good_in_the_encoding_of_the_request() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let address = collector.http_address();
    for (content_type, body) in
        [(PROTOBUF, &b"\xff\xff"[..]), (JSON, b"{\"resourceLogs\": 3}"), (JSON, b"")]
    {
        let answer =
            post(address, "/v1/logs", &[("content-type", content_type)], body.to_vec()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.header("content-type"), content_type);
        let (code, message) = answer.rpc_status();
        assert_eq!(code, 3);
        assert!(message.contains("not a valid OTLP"), "{message}");
        assert_eq!(answer.header("retry-after"), "");
    }
    let headers = [("content-type", PROTOBUF), ("content-encoding", "gzip")];
    let mut cut = gzip(&logs(0, 100));
    cut.truncate(40);
    for body in [b"not gzip".to_vec(), cut] {
        let answer = post(address, "/v1/logs", &headers, body).await;
        assert_eq!((answer.status, answer.rpc_status().0), (StatusCode::BAD_REQUEST, 3));
        assert!(answer.rpc_status().1.contains("gzip"), "{answer:?}");
    }
    collector.shutdown().await.unwrap();
    assert_eq!(rows(data.path(), Table::Events).await, (0, 0));
}

#[tokio::test]
async fn unknown_types_encodings_paths_and_methods_are_refused_with_a_status() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let address = collector.http_address();
    let json = ("content-type", JSON);
    let protobuf = ("content-type", PROTOBUF);
    let post_to =
        |path, headers: Vec<_>| async move { post(address, path, &headers, b"{}".to_vec()).await };

    let answer = post_to("/v1/logs", vec![("content-type", "text/plain")]).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(answer.rpc_status().1.contains("text/plain"), "{answer:?}");
    assert_eq!(post_to("/v1/logs", vec![]).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for encoding in ["br", "deflate", "gzip, gzip", "zstd, gzip"] {
        let answer = post_to("/v1/logs", vec![protobuf, ("content-encoding", encoding)]).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(answer.header("content-type"), PROTOBUF);
        assert!(answer.rpc_status().1.contains(encoding), "{answer:?}");
    }
    assert_eq!(
        post_to("/v1/logs", vec![json, ("content-encoding", "identity")]).await.status,
        StatusCode::OK
    );
    for path in ["/", "/v1/profiles", "/v1/logs/", "/v2/logs"] {
        let answer = post_to(path, vec![json]).await;
        assert_eq!((answer.status, answer.rpc_status().0), (StatusCode::NOT_FOUND, 5), "{path}");
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = send(address, false, method, "/v1/traces", &[protobuf], Vec::new()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.header("allow"), "POST");
        assert_eq!(answer.rpc_status().0, 12);
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whether_declared_chunked_or_compressed() {
    let data = tempfile::tempdir().unwrap();
    let limits = Limits { request_bytes: 100_000, ..Limits::default() };
    let collector = start_with(data.path(), limits).await;
    let address = collector.http_address();
    let large = logs(0, 20_000);
    assert!(large.len() > 400_000);
    let bomb = gzip(&vec![0; 50 << 20]);
    assert!(bomb.len() > 100_000, "declared size alone is over the limit");
    let small_bomb = gzip(&vec![0; 100_001]);
    let just_fits = gzip(&vec![0; 100_000]);
    let gzipped = ("content-encoding", "gzip");
    for content_type in [PROTOBUF, JSON] {
        let plain = ("content-type", content_type);
        for (headers, body) in [
            (vec![plain], large.clone()),
            (vec![plain, gzipped], bomb.clone()),
            (vec![plain, gzipped], small_bomb.clone()),
        ] {
            let answer = post(address, "/v1/logs", &headers, body).await;
            assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
            assert_eq!(answer.header("content-type"), content_type);
            assert_eq!(answer.rpc_status().0, 8);
            assert_eq!(answer.header("retry-after"), "");
        }
        let answer = post(address, "/v1/logs", &[plain, gzipped], just_fits.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "it fits, and then is not OTLP");
    }

    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST /v1/logs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..11 {
        let chunk = [b"2710\r\n".as_slice(), &[b' '; 10_000], b"\r\n"].concat();
        stream.write_all(&chunk).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 413 "));
}

#[tokio::test]
async fn a_request_with_too_many_records_is_refused_for_good() {
    let data = tempfile::tempdir().unwrap();
    let limits = Limits { request_records: 10, ..Limits::default() };
    let collector = start_with(data.path(), limits).await;
    export(&collector, "logs", logs(0, 10)).await;
    let headers = [("content-type", PROTOBUF)];
    let answer = post(collector.http_address(), "/v1/logs", &headers, logs(0, 11)).await;
    assert_eq!((answer.status, answer.rpc_status().0), (StatusCode::PAYLOAD_TOO_LARGE, 8));
}

#[tokio::test]
async fn overload_is_refused_for_now_and_says_when_to_come_back() {
    let data = tempfile::tempdir().unwrap();
    let limits = Limits {
        requests_in_flight: 1,
        admission_wait: Duration::from_millis(5),
        retry_after: Duration::from_secs(7),
        ..Limits::default()
    };
    let collector = start_with(data.path(), limits).await;
    let address = collector.http_address();
    let mut slow = TcpStream::connect(address).await.unwrap();
    let head = "POST /v1/logs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{";
    slow.write_all(head.as_bytes()).await.unwrap();
    // Once it is in.
    while post(address, "/v1/logs", &[("content-type", JSON)], b"{}".to_vec()).await.status
        != StatusCode::SERVICE_UNAVAILABLE
    {}
    for content_type in [PROTOBUF, JSON] {
        let headers = [("content-type", content_type)];
        let answer = post(address, "/v1/logs", &headers, logs(0, 100)).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.header("retry-after"), "7");
        assert_eq!(answer.header("content-type"), content_type);
        assert_eq!(answer.rpc_status().0, 14);
    }
    slow.write_all(b"}").await.unwrap();
    let mut answer = vec![0; 4096];
    let read = slow.read(&mut answer).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 200 "));
    export(&collector, "logs", logs(0, 1)).await;
}

#[tokio::test]
async fn what_will_never_have_room_is_refused_for_good_as_sent_and_decompressed() {
    let data = tempfile::tempdir().unwrap();
    let limits = Limits { bytes_in_flight: 10_000, ..Limits::default() };
    let collector = start_with(data.path(), limits).await;
    let plain = ("content-type", PROTOBUF);
    let gzipped = ("content-encoding", "gzip");
    for (headers, body) in
        [(vec![plain], logs(0, 1000)), (vec![plain, gzipped], gzip(&logs(0, 2000)))]
    {
        let answer = post(collector.http_address(), "/v1/logs", &headers, body).await;
        assert_eq!((answer.status, answer.rpc_status().0), (StatusCode::PAYLOAD_TOO_LARGE, 8));
        assert_eq!(answer.header("retry-after"), "");
    }
    export(&collector, "logs", logs(0, 1)).await;
}

#[tokio::test]
async fn an_empty_body_is_an_empty_request_whatever_it_says_of_its_compression() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    for encoding in ["gzip", "zstd", "identity"] {
        let headers = [("content-type", PROTOBUF), ("content-encoding", encoding)];
        let answer = post(collector.http_address(), "/v1/logs", &headers, Vec::new()).await;
        assert_eq!(answer.status, StatusCode::OK, "{encoding}: {answer:?}");
    }
    collector.shutdown().await.unwrap();
    assert_eq!(rows(data.path(), Table::Events).await, (0, 0));
}

#[tokio::test]
async fn a_full_journal_is_refused_for_now_and_keeps_what_it_acknowledged() {
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path());
    config.journal.segment_bytes = 8192;
    config.journal.max_bytes = 3 * 8192;
    config.commit.quiet = Duration::from_secs(3600);
    config.commit.interval = Duration::from_secs(3600);
    let collector = Collector::start(config).await.unwrap();
    let mut acknowledged = 0;
    let refused = loop {
        let headers = [("content-type", PROTOBUF)];
        let body = logs(acknowledged * 10, 10);
        let answer = post(collector.http_address(), "/v1/logs", &headers, body).await;
        if answer.status != StatusCode::OK {
            break answer;
        }
        acknowledged += 1;
    };
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((refused.rpc_status().0, refused.header("retry-after")), (14, "1"));
    assert!(refused.rpc_status().1.contains("full"), "{refused:?}");
    collector.shutdown().await.unwrap();
    let expected = usize::try_from(acknowledged * 10).unwrap();
    assert_eq!(rows(data.path(), Table::Events).await, (expected, expected));
}

#[tokio::test]
async fn a_sender_that_never_finishes_does_not_hold_its_place() {
    let data = tempfile::tempdir().unwrap();
    let limits = Limits {
        requests_in_flight: 1,
        request_time: Duration::from_millis(200),
        admission_wait: Duration::from_secs(20),
        ..Limits::default()
    };
    let collector = start_with(data.path(), limits).await;
    let mut slow = TcpStream::connect(collector.http_address()).await.unwrap();
    let head = "POST /v1/logs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    slow.write_all(head.as_bytes()).await.unwrap();
    export(&collector, "logs", logs(0, 1)).await;
    let mut answer = vec![0; 4096];
    let read = slow.read(&mut answer).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 503 "));
}

#[tokio::test]
async fn the_port_of_the_other_transport_answers_too() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let headers = [("content-type", PROTOBUF)];
    let answer = post(collector.grpc_address(), "/v1/logs", &headers, logs(0, 1)).await;
    assert_eq!(answer.status, StatusCode::OK);
}
