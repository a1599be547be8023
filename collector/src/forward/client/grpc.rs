//! OTLP/gRPC, as a client.

use std::error::Error as _;

use blotter_schemas::otlp::Signal;
use bytes::{Buf as _, BufMut as _, Bytes};
use http::header::{HeaderValue, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, Uri};
use hyper_util::client::legacy::Client;
use tonic::body::Body;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Status};

use super::{AGENT, Connector, causes};
use crate::forward::destination::{Compression, Destination};
use crate::forward::outcome::{Outcome, grpc_is_retryable, joined};
use crate::forward::response;

/// Sends over gRPC.
#[derive(Debug)]
pub(super) struct Grpc {
    client: tonic::client::Grpc<Client<Connector, Body>>,
}

impl Grpc {
    pub(super) fn new(
        destination: &Destination,
        client: Client<Connector, Body>,
    ) -> Result<Self, String> {
        let origin: Uri = destination.endpoint.parse().map_err(|error| format!("{error}"))?;
        let client = tonic::client::Grpc::with_origin(client, origin);
        let client = match destination.compression {
            Compression::None => client,
            Compression::Gzip => client.send_compressed(CompressionEncoding::Gzip),
            Compression::Zstd => client.send_compressed(CompressionEncoding::Zstd),
        };
        Ok(Self { client })
    }

    /// Sends a request whose body is Protobuf.
    pub(super) async fn send(
        &mut self,
        signal: Signal,
        body: &Bytes,
        headers: &HeaderMap,
    ) -> Outcome {
        let path = PathAndQuery::from_static(match signal {
            Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        });
        if let Err(error) = self.client.ready().await {
            return Outcome::Later { reason: causes(&error), after: None };
        }
        let mut all = HeaderMap::new();
        all.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        all.extend(headers.clone());
        let metadata = MetadataMap::from_headers(all);
        let request = Request::from_parts(metadata, tonic::Extensions::default(), body.clone());
        match self.client.unary(request, path, Encoded).await {
            Ok(response) => {
                let partial = response::partial_success(signal, false, response.get_ref());
                let (rejected, message) = (partial.rejected, partial.message);
                Outcome::Delivered { rejected, message, unexpected: None }
            }
            Err(status) => refused(&status),
        }
    }
}

fn refused(status: &Status) -> Outcome {
    // A status with a source was made on this side: the connection failed.
    if let Some(source) = status.source() {
        return Outcome::Later { reason: causes(source), after: None };
    }
    let after = response::retry_info(status.details());
    let (code, said) = (status.code(), response::shortened(status.message()));
    if grpc_is_retryable(code, after.is_some()) {
        return Outcome::Later { reason: joined(&format!("{code:?}"), &said), after };
    }
    let too_large = code == Code::ResourceExhausted;
    Outcome::Never { status: format!("{code:?}"), reason: said, too_large }
}

/// A codec for messages that are bytes already.
#[derive(Debug, Default, Clone, Copy)]
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
