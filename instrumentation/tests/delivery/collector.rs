//! A collector of one screen: takes OTLP over HTTP, answers as it is told, and remembers what it took.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;

/// What was taken.
#[derive(Debug, Default)]
struct Taken {
    logs: Vec<LogRecord>,
    spans: Vec<Span>,
}

/// The collector.
#[derive(Debug, Clone)]
pub struct Collector {
    pub address: SocketAddr,
    status: Arc<AtomicU16>,
    taken: Arc<Mutex<Taken>>,
}

impl Collector {
    /// Starts it on a free port of the runtime it is called in. It answers with `status`.
    pub async fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let collector =
            Self { address, status: Arc::new(AtomicU16::new(status)), taken: Arc::default() };
        let serving = collector.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                let service = service_fn(move |request| {
                    let serving = serving.clone();
                    async move { Ok::<_, Infallible>(serving.answer(request).await) }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        collector
    }

    /// From now on it answers with this.
    pub fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let traces = request.uri().path().ends_with("/traces");
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let status = self.status.load(Ordering::SeqCst);
        if status == 0 {
            // It never answers.
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        if status == 200 {
            let mut taken = self.taken.lock().unwrap();
            if traces {
                let request = ExportTraceServiceRequest::decode(body).unwrap();
                let scopes = request.resource_spans.into_iter().flat_map(|it| it.scope_spans);
                taken.spans.extend(scopes.flat_map(|scope| scope.spans));
            } else {
                let request = ExportLogsServiceRequest::decode(body).unwrap();
                let scopes = request.resource_logs.into_iter().flat_map(|it| it.scope_logs);
                taken.logs.extend(scopes.flat_map(|scope| scope.log_records));
            }
        }
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
    }

    pub fn logs(&self) -> Vec<LogRecord> {
        self.taken.lock().unwrap().logs.clone()
    }

    pub fn spans(&self) -> Vec<Span> {
        self.taken.lock().unwrap().spans.clone()
    }

    /// Names of the log records that it took, in order.
    pub fn names(&self) -> Vec<String> {
        self.logs().into_iter().map(|log| log.event_name).collect()
    }
}

/// A text or a number among attributes, as text; empty where there is none.
pub fn said(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|found| found.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        _ => String::new(),
    }
}
