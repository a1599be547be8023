//! A collector on free ports, requests to send it, and what its archive holds.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use blotter_archive::{Archive, Location, ScanRequest};
use blotter_collector::{Collector, Config};
use blotter_schemas::tables::Table;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

pub const PROTOBUF: &str = "application/x-protobuf";
pub const JSON: &str = "application/json";

/// The defaults, on free ports.
pub fn config(data: &Path) -> Config {
    let mut config = Config::new(data).unwrap();
    config.grpc.set_port(0);
    config.http.set_port(0);
    config
}

pub async fn start(data: &Path) -> Collector {
    Collector::start(config(data)).await.unwrap()
}

/// `count` log records that differ from each other and from those of another `from`.
pub fn logs(from: u64, count: u64) -> Vec<u8> {
    let record = |number: u64| LogRecord {
        time_unix_nano: 1_700_000_000_000_000_000 + number,
        body: Some(AnyValue { value: Some(Value::StringValue(format!("record {number}"))) }),
        ..Default::default()
    };
    let scope =
        ScopeLogs { log_records: (from..from + count).map(record).collect(), ..Default::default() };
    let resource = ResourceLogs { scope_logs: vec![scope], ..Default::default() };
    ExportLogsServiceRequest { resource_logs: vec![resource] }.encode_to_vec()
}

pub fn spans(from: u64, count: u64) -> Vec<u8> {
    let span = |number: u64| Span { span_id: number.to_be_bytes().to_vec(), ..Default::default() };
    let scope =
        ScopeSpans { spans: (from..from + count).map(span).collect(), ..Default::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..Default::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec()
}

pub fn metrics(from: u64, count: u64) -> Vec<u8> {
    let metric = |number: u64| Metric { name: format!("m{number}"), ..Default::default() };
    let scope =
        ScopeMetrics { metrics: (from..from + count).map(metric).collect(), ..Default::default() };
    let resource = ResourceMetrics { scope_metrics: vec![scope], ..Default::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![resource] }.encode_to_vec()
}

/// A response, read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Code and message of the `google.rpc.Status` in the body, in the encoding that is announced.
    pub fn rpc_status(&self) -> (i64, String) {
        if self.header("content-type") == PROTOBUF {
            let status = RpcStatus::decode(self.body.as_slice()).unwrap();
            (i64::from(status.code), status.message)
        } else {
            assert_eq!(self.header("content-type"), JSON);
            let status: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
            (status["code"].as_i64().unwrap(), status["message"].as_str().unwrap().to_owned())
        }
    }
}

/// `google.rpc.Status`, as its definition says, without looking at the collector's own.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<RpcAny>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RpcAny {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// A request over HTTP/1.1, or over HTTP/2 without TLS.
pub async fn send(
    address: SocketAddr,
    http2: bool,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Answer {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.http2_only(http2);
    let client: Client<_, Full<bytes::Bytes>> = builder.build(HttpConnector::new());
    let mut request =
        http::Request::builder().method(method).uri(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client.request(request.body(Full::from(body)).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

pub async fn post(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Answer {
    send(address, false, Method::POST, path, headers, body).await
}

/// Sends Protobuf and expects it to be acknowledged.
pub async fn export(collector: &Collector, signal: &str, body: Vec<u8>) {
    let path = format!("/v1/{signal}");
    let answer = post(collector.http_address(), &path, &[("content-type", PROTOBUF)], body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

/// Rows of a table: how many lie in its files, and how many different ones those are.
pub async fn rows(data: &Path, table: Table) -> (usize, usize) {
    let location = Location::parse(&data.join("archive").to_string_lossy()).unwrap();
    let archive = Archive::open(&location).await.unwrap();
    let mut scan = archive.scan(ScanRequest::new(table)).await.unwrap();
    let different = scan.collect().await.unwrap().iter().map(|batch| batch.num_rows()).sum();
    let statistics = scan.statistics();
    (usize::try_from(statistics.rows_read).unwrap(), different)
}

/// Waits until a table has at least `count` rows.
pub async fn wait_for_rows(data: &Path, table: Table, count: usize) {
    for _ in 0..600 {
        if rows(data, table).await.0 >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{:?} of {count} rows of {table} after 30 s", rows(data, table).await);
}
