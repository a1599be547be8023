//! OTLP/gRPC.

use std::error::Error as _;
use std::net::SocketAddr;

use blotter_schemas::otlp::Signal;
use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::{Answer, Export};

#[derive(Debug, Clone)]
pub(super) struct Client {
    client: tonic::client::Grpc<Channel>,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let channel = Channel::from_shared(format!("http://{address}"))?
            .tcp_nodelay(true)
            .initial_stream_window_size(8 << 20)
            .initial_connection_window_size(16 << 20)
            .connect()
            .await?;
        Ok(Self { client: tonic::client::Grpc::new(channel) })
    }

    pub(super) fn with_gzip(self) -> Self {
        Self { client: self.client.send_compressed(CompressionEncoding::Gzip) }
    }

    pub(super) async fn send(&mut self, export: &Export) -> anyhow::Result<Answer> {
        self.client.ready().await?;
        let path = PathAndQuery::from_static(match export.signal {
            Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        });
        let request = Request::new(export.body.clone());
        match self.client.unary(request, path, Encoded).await {
            Ok(response) => Ok(Answer::Acknowledged(response.into_inner())),
            // A status with a source was made on this side: the connection failed.
            Err(status) if status.source().is_some() => Err(status.into()),
            Err(status) if retryable(status.code()) => Ok(Answer::Retryable(status.to_string())),
            Err(status) => Ok(Answer::Permanent(status.to_string())),
        }
    }
}

/// Whether OTLP lets a client send again after this code.
fn retryable(code: Code) -> bool {
    matches!(
        code,
        Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss
    )
}

/// A codec for messages that are bytes already.
#[derive(Default, Clone, Copy)]
struct Encoded;

impl Codec for Encoded {
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

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
