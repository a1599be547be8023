//! OTLP/gRPC as its specification says, with the generated clients of another implementation.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[expect(dead_code, reason = "each test program uses a part of it")]
mod support;

use std::net::SocketAddr;
use std::time::Duration;

use blotter_collector::{Collector, Limits};
use blotter_schemas::tables::Table;
use bytes::{Buf, BufMut as _, Bytes};
use prost::Message as _;
use support::{RpcStatus, config, logs, metrics, rows, spans, start};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// Sends and receives messages as they are.
#[derive(Debug, Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;
    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

async fn call(
    address: SocketAddr,
    gzip: bool,
    path: &'static str,
    body: Vec<u8>,
) -> Result<Bytes, Status> {
    let channel =
        Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let mut client = tonic::client::Grpc::new(channel);
    if gzip {
        client = client.send_compressed(CompressionEncoding::Gzip);
    }
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static(path);
    let answer = client.unary(Request::new(Bytes::from(body)), path, Raw).await?;
    Ok(answer.into_inner())
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
    let address = collector.grpc_address();
    for (gzip, from) in [(false, 0), (true, 100)] {
        for (path, body) in
            [(LOGS, logs(from, 3)), (TRACES, spans(from, 4)), (METRICS, metrics(from, 5))]
        {
            assert_eq!(call(address, gzip, path, body).await.unwrap(), Bytes::new());
        }
    }
    assert_eq!(call(address, false, LOGS, Vec::new()).await.unwrap(), Bytes::new());
    collector.shutdown().await.unwrap();
    assert_eq!(rows(data.path(), Table::Events).await, (6, 6));
    assert_eq!(rows(data.path(), Table::Spans).await, (8, 8));
    assert_eq!(rows(data.path(), Table::Metrics).await, (10, 10));
}

#[tokio::test]
async fn what_cannot_be_decoded_is_an_invalid_argument() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let status = call(collector.grpc_address(), false, LOGS, vec![0xff, 0xff]).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("not a valid OTLP"), "{status:?}");
}

#[tokio::test]
async fn what_is_too_large_is_refused_for_good_also_when_compressed() {
    let data = tempfile::tempdir().unwrap();
    let limits = Limits { request_bytes: 10_000, ..Limits::default() };
    let collector = start_with(data.path(), limits).await;
    for (gzip, body) in [(false, logs(0, 2000)), (true, vec![0; 5 << 20])] {
        let status = call(collector.grpc_address(), gzip, LOGS, body).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
        let details = RpcStatus::decode(status.details()).unwrap();
        assert_eq!((details.code, details.details.len()), (8, 0), "no RetryInfo");
    }
}

#[tokio::test]
async fn overload_is_unavailable_with_a_pause() {
    let data = tempfile::tempdir().unwrap();
    let limits = Limits {
        requests_in_flight: 1,
        admission_wait: Duration::from_millis(5),
        retry_after: Duration::from_millis(7500),
        ..Limits::default()
    };
    let collector = start_with(data.path(), limits).await;
    let mut slow = TcpStream::connect(collector.http_address()).await.unwrap();
    let head = "POST /v1/logs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{";
    slow.write_all(head.as_bytes()).await.unwrap();
    // Once it is in.
    let status = loop {
        match call(collector.grpc_address(), false, LOGS, logs(0, 100)).await {
            Ok(_) => {}
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::Unavailable);
    let details = RpcStatus::decode(status.details()).unwrap();
    assert_eq!(details.code, 14);
    let [retry] = details.details.as_slice() else { panic!("{details:?}") };
    assert_eq!(retry.type_url, "type.googleapis.com/google.rpc.RetryInfo");
    // RetryInfo { retry_delay: Duration { seconds: 7, nanos: 500000000 } }
    let delay = [0x0a, 0x08, 0x08, 7, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01];
    assert_eq!(retry.value, delay);
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    for path in [
        "/opentelemetry.proto.collector.logs.v1.LogsService/Import",
        "/grpc.health.v1.Health/Check",
    ] {
        let status = call(collector.grpc_address(), false, path, Vec::new()).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented);
    }
}

#[tokio::test]
async fn many_calls_on_one_connection_are_all_stored() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let address = collector.grpc_address();
    let channel =
        Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let calls = (0..64_u64).map(|number| {
        let mut client = tonic::client::Grpc::new(channel.clone());
        tokio::spawn(async move {
            client.ready().await.unwrap();
            let path = http::uri::PathAndQuery::from_static(LOGS);
            let body = Bytes::from(logs(number * 500, 500));
            client.unary(Request::new(body), path, Raw).await.unwrap();
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    collector.shutdown().await.unwrap();
    assert_eq!(rows(data.path(), Table::Events).await, (32_000, 32_000));
}

#[tokio::test]
async fn a_truncated_message_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    for body in [vec![0, 0, 0], vec![0, 0, 0, 0, 9, 1], vec![2, 0, 0, 0, 0], vec![0; 10]] {
        let headers = [("content-type", "application/grpc"), ("te", "trailers")];
        let answer =
            support::send(collector.grpc_address(), true, http::Method::POST, LOGS, &headers, body)
                .await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.is_empty(), "no message comes with a refusal");
    }
    collector.shutdown().await.unwrap();
    assert_eq!(rows(data.path(), Table::Events).await, (0, 0));
}
