//! OTLP/gRPC with bodies that are already encoded.

use anyhow::bail;
use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::Answer;

const PATH: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

#[derive(Clone)]
pub(crate) struct Sender {
    client: tonic::client::Grpc<Channel>,
}

impl Sender {
    pub(crate) async fn connect(url: &str) -> anyhow::Result<Self> {
        let channel = Channel::from_shared(url.to_owned())?
            .tcp_nodelay(true)
            .initial_stream_window_size(8 << 20)
            .initial_connection_window_size(16 << 20)
            .connect()
            .await?;
        Ok(Self { client: tonic::client::Grpc::new(channel) })
    }

    pub(crate) async fn send(&mut self, body: Bytes) -> anyhow::Result<Answer> {
        self.client.ready().await?;
        let path = PathAndQuery::from_static(PATH);
        match self.client.unary(Request::new(body), path, Encoded).await {
            Ok(_) => Ok(Answer::Acknowledged),
            Err(status) if status.code() == Code::Unavailable => Ok(Answer::Refused),
            Err(status) => bail!("{status}"),
        }
    }
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
