//! What one request, one record and one sender may be and send.

use std::io::Write as _;

use blotter_collector::Scope;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValueList};

use super::client::Client;
use super::*;

const RESOURCE_EXHAUSTED: i32 = 8;
const INVALID_ARGUMENT: i32 = 3;

fn gzip(body: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(body)?;
    Ok(encoder.finish()?)
}

#[tokio::test]
async fn zstd_is_taken_over_both_transports_and_stored_as_what_it_holds() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let collector = bench.start("").await?;
    let compressed = |text: &str| anyhow::Ok(zstd::encode_all(log(text, vec![]).as_slice(), 3)?);
    let http = Client::new(collector.http_address()).header("content-encoding", "zstd");
    assert_eq!(http.post(compressed("over http")?).await?.status, 200);
    // Two frames after each other are one body, and two requests of OTLP one after another are one.
    let two = [compressed("first")?, compressed("second")?].concat();
    assert_eq!(http.post(two).await?.status, 200);
    assert_eq!(http.post(&b"not zstd"[..]).await?.status, 400);
    let cut = compressed("whole")?;
    assert_eq!(http.post(cut[..cut.len() - 2].to_vec()).await?.status, 400);
    let grpc = Client::new(collector.grpc_address()).header("grpc-encoding", "zstd");
    assert_eq!(grpc.call_compressed(&compressed("over grpc")?).await?.code, 0);
    assert_eq!(grpc.call_compressed(b"not zstd").await?.code, INVALID_ARGUMENT);
    collector.shutdown().await?;
    for text in ["over http", "first", "second", "over grpc"] {
        bench.event(text)?;
    }
    assert_eq!(bench.events()?.len(), 4);
    Ok(())
}

#[tokio::test]
async fn a_bomb_is_refused_for_good_whatever_it_is_packed_with() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let collector = bench.start("[limits]\nrequest_bytes = 1_000_000\n").await?;
    let zeros = vec![0; 50 << 20];
    let wide = {
        // A window of 128 MiB, which whoever reads it would have to keep.
        let mut encoder = zstd::Encoder::new(Vec::new(), 1)?;
        encoder.window_log(27)?;
        encoder.write_all(&zeros)?;
        encoder.finish()?
    };
    let packed = [
        ("gzip", gzip(&zeros)?, 413, RESOURCE_EXHAUSTED),
        ("zstd", zstd::encode_all(zeros.as_slice(), 3)?, 413, RESOURCE_EXHAUSTED),
        ("zstd", wide, 400, INVALID_ARGUMENT),
    ];
    for (name, body, status, code) in packed {
        assert!(body.len() < 1_000_000, "{}", body.len());
        let http = Client::new(collector.http_address()).header("content-encoding", name);
        let answer = http.post(body.clone()).await?;
        assert_eq!(answer.status, status, "{name}");
        assert!(!answer.headers.contains_key("retry-after"));
        let grpc = Client::new(collector.grpc_address()).header("grpc-encoding", name);
        let called = grpc.call_compressed(&body).await?;
        assert_eq!((called.code, called.pause), (code, None), "{name}: {called:?}");
    }
    collector.shutdown().await?;
    assert_eq!(bench.events()?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_long_string_is_cut_with_a_mark_and_no_half_of_a_secret_is_left_at_its_end()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let collector = bench.start("[limits]\nstring_bytes = 1000\n").await?;
    let client = Client::new(collector.http_address());
    // A secret that lies across the place where the text is cut.
    let secret = "ghp_x7Kq2ZrT9vLm4Nw8Pc3Yb6Hd1Jf5Gs0Ae2Uk";
    let long = format!("long {}{secret} {}", "x ".repeat(450), "y ".repeat(2000));
    let value = attribute("tool.output", &"z".repeat(5000));
    assert_eq!(client.post(log(&long, vec![value])).await?.status, 200);
    assert_eq!(client.post(log(&"s".repeat(1000), vec![])).await?.status, 200);
    collector.shutdown().await?;
    let row = bench.event("long ")?;
    // Long words stand in their column alone.
    let record = format!("{}{}", row.record.unwrap_or_default(), row.text.unwrap_or_default());
    assert_eq!(record.matches("[cut:").count(), 2, "{record}");
    assert!(record.contains("[cut:5000:"), "{record}");
    assert!(!record.contains("ghp_"), "{record}");
    let redactions: serde_json::Value = serde_json::from_str(&row.redactions.unwrap_or_default())?;
    assert_eq!(redactions["cut"], 2, "{redactions}");
    let whole = bench.event(&"s".repeat(1000))?;
    assert_eq!(whole.redactions, None);
    Ok(())
}

#[tokio::test]
async fn too_many_attributes_and_values_too_deep_are_refused_for_good() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let collector = bench.start("[limits]\nrecord_attributes = 20\nnesting_depth = 12\n").await?;
    let many = |count: usize| vec![attribute("k", "v"); count];
    let deep = |levels: usize| {
        let mut value = AnyValue { value: Some(Value::BoolValue(true)) };
        for _ in 0..levels {
            value = AnyValue { value: Some(Value::ArrayValue(ArrayValue { values: vec![value] })) };
        }
        vec![KeyValue { key: "k".to_owned(), value: Some(value), ..KeyValue::default() }]
    };
    let hidden = KeyValueList { values: many(20) };
    let hidden = AnyValue { value: Some(Value::KvlistValue(hidden)) };
    let hidden = vec![KeyValue { key: "k".to_owned(), value: Some(hidden), ..KeyValue::default() }];
    for (number, (attributes, resource, taken)) in [
        (many(20), many(20), true),
        (many(21), vec![], false),
        (vec![], many(21), false),
        (hidden, vec![], false),
        (deep(3), vec![], true),
        (deep(4), vec![], false),
    ]
    .into_iter()
    .enumerate()
    {
        let text = format!("request {number}");
        let body = with_resource(&text, attributes, resource);
        let answer = Client::new(collector.http_address()).post(body.clone()).await?;
        assert_eq!(answer.status, if taken { 200 } else { 400 }, "{number}");
        let called = Client::new(collector.grpc_address()).call(&body).await?;
        assert_eq!(called.code, if taken { 0 } else { INVALID_ARGUMENT }, "{number}");
    }
    let nested = |levels: usize| {
        let mut value = r#"{"boolValue":true}"#.to_owned();
        for _ in 0..levels {
            value = format!(r#"{{"arrayValue":{{"values":[{value}]}}}}"#);
        }
        let json = format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{value}}}]}}]}}]}}"#
        );
        Box::leak(json.into_boxed_str())
    };
    let client = Client::new(collector.http_address());
    assert_eq!(client.post_json(nested(3)).await?.status, 200);
    assert_eq!(client.post_json(nested(50)).await?.status, 400);
    collector.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn a_sender_that_sends_too_much_is_told_when_to_come_again_and_another_is_not_slowed()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let (busy, busy_table) = token("busy", &[Scope::Ingest], None, None)?;
    let (calm, calm_table) = token("calm", &[Scope::Ingest], None, None)?;
    let toml = format!("[limits]\nsender_requests_per_second = 1\n{busy_table}{calm_table}");
    let collector = bench.start(&toml).await?;
    let http = Client::new(collector.http_address());
    let mut put_off = None;
    for number in 0..20 {
        let answer =
            http.clone().bearer(&busy).post(log(&format!("busy {number}"), vec![])).await?;
        if answer.status == 429 {
            put_off = Some(answer);
            break;
        }
        assert_eq!(answer.status, 200);
    }
    let put_off = put_off.context("never put off")?;
    assert_eq!(put_off.headers["retry-after"], "1");
    let called =
        Client::new(collector.grpc_address()).bearer(&busy).call(&log("x", vec![])).await?;
    assert_eq!(called.code, RESOURCE_EXHAUSTED, "{called:?}");
    let pause = called.pause.context("no RetryInfo")?;
    assert!(pause > 0 && pause <= 1_000_000_000, "{pause}");
    assert_eq!(http.bearer(&calm).post(log("calm", vec![])).await?.status, 200);
    // Being put off is no failed attempt.
    assert_eq!(collector.failed_attempts(), 0);
    collector.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn bytes_beyond_a_senders_rate_are_taken_and_its_next_request_waits() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let collector = bench.start("[limits]\nsender_bytes_per_second = 1000\n").await?;
    let client = Client::new(collector.http_address());
    assert_eq!(client.post(log(&"x".repeat(20_000), vec![])).await?.status, 200);
    let answer = client.post(log("later", vec![])).await?;
    assert_eq!(answer.status, 429);
    let pause: u64 = answer.headers["retry-after"].to_str()?.parse()?;
    assert!((10..=20).contains(&pause), "{pause}");
    collector.shutdown().await?;
    Ok(())
}
