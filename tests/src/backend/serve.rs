//! Reading what is sent.

use std::convert::Infallible;
use std::future;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use blotter_schemas::otlp::{Encoding, Request, Signal};
use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::answer::{Answer, Body, to_response};
use super::{Received, State, lock};

pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    state: Arc<State>,
) {
    // Connections end with the backend.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, state) = (tls.clone(), Arc::clone(&state));
        connections.spawn(async move {
            match tls {
                None => connection(stream, state).await,
                Some(settings) => {
                    if let Ok(stream) = TlsAcceptor::from(settings).accept(stream).await {
                        connection(stream, state).await;
                    }
                }
            }
        });
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    state: Arc<State>,
) {
    let service = service_fn(move |request| answer(Arc::clone(&state), request));
    let builder = Builder::new(TokioExecutor::new());
    // A connection that fails is what this is for.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    state: Arc<State>,
    request: http::Request<Incoming>,
) -> anyhow::Result<Response<Body>> {
    let next = lock(&state.next).pop_front();
    let mut answer = next.unwrap_or_else(|| lock(&state.always).clone());
    let (parts, mut body) = request.into_parts();
    if answer == Answer::Close {
        // Some of it, and no more.
        let _ = body.frame().await;
        anyhow::bail!("closed on purpose");
    }
    let header = |name: &str| {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let is_grpc = header("content-type").starts_with("application/grpc");
    let signal = signal(parts.uri.path()).context("no signal at that path")?;
    let body = body.collect().await?.to_bytes();
    let compression = header(if is_grpc { "grpc-encoding" } else { "content-encoding" });
    let body = if is_grpc {
        let (flag, message) = (body.first().copied().unwrap_or_default(), body.slice(5..));
        decompressed(if flag == 1 { &compression } else { "" }, message)?
    } else {
        decompressed(&compression, body)?
    };
    let is_json = header("content-type").starts_with("application/json");
    let encoding = if is_json { Encoding::Json } else { Encoding::Protobuf };
    if let Answer::AtMost(records) = answer
        && Request::decode(signal, encoding, &body)?.record_count() > records
    {
        answer = Answer::Refuse(413, None);
    }
    let is_taken = matches!(
        answer,
        Answer::Take | Answer::TakeWithout(..) | Answer::TakeAndBreakOff | Answer::AtMost(_)
    );
    let headers = parts.headers.clone();
    let at = Instant::now();
    lock(&state.received).push(Received {
        signal,
        encoding,
        body,
        compression,
        is_grpc,
        headers,
        is_taken,
        at,
    });
    match to_response(&answer, signal, is_grpc, is_json) {
        Some(response) => Ok(response),
        None => {
            let never: Infallible = future::pending().await;
            match never {}
        }
    }
}

fn decompressed(compression: &str, body: Bytes) -> anyhow::Result<Bytes> {
    Ok(match compression {
        "gzip" => {
            let mut read = Vec::new();
            flate2::read::GzDecoder::new(&*body).read_to_end(&mut read)?;
            read.into()
        }
        "zstd" => zstd::stream::decode_all(&*body)?.into(),
        _ => body,
    })
}

fn signal(path: &str) -> Option<Signal> {
    Some(match path {
        "/v1/logs" | "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Signal::Logs,
        "/v1/traces" | "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => {
            Signal::Traces
        }
        "/v1/metrics" | "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => {
            Signal::Metrics
        }
        _ => return None,
    })
}
