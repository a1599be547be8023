//! An OTLP client that sends bodies which are already encoded, so that a test decides every byte.

mod grpc;
mod http;

use std::net::SocketAddr;
use std::path::Path;

use blotter_schemas::otlp::{Encoding, Signal};
use bytes::Bytes;

/// One export request.
#[derive(Debug, Clone)]
pub struct Export {
    /// What it carries.
    pub signal: Signal,
    /// How its body is encoded; over gRPC always Protobuf.
    pub encoding: Encoding,
    /// The body, not compressed.
    pub body: Bytes,
}

/// What the receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Accepted; the body is the response message.
    Acknowledged(Bytes),
    /// Refused with a status that invites to send again.
    Retryable(String),
    /// Refused for good.
    Permanent(String),
}

/// One connection to a receiver.
#[derive(Debug)]
pub struct Sender {
    transport: Transport,
    gzip: bool,
}

#[derive(Debug)]
enum Transport {
    Http(http::Connection),
    Grpc(Box<grpc::Client>),
}

impl Sender {
    /// Connects to an OTLP/HTTP receiver.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn http(address: SocketAddr) -> anyhow::Result<Self> {
        let connection = http::Connection::open(address).await?;
        Ok(Self { transport: Transport::Http(connection), gzip: false })
    }

    /// Connects to an OTLP/HTTP receiver on a Unix socket.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn unix(path: &Path) -> anyhow::Result<Self> {
        let connection = http::Connection::open_unix(path).await?;
        Ok(Self { transport: Transport::Http(connection), gzip: false })
    }

    /// Connects to an OTLP/gRPC receiver.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn grpc(address: SocketAddr) -> anyhow::Result<Self> {
        let client = grpc::Client::connect(address).await?;
        Ok(Self { transport: Transport::Grpc(Box::new(client)), gzip: false })
    }

    /// The same, compressing every body with gzip.
    #[must_use]
    pub fn with_gzip(mut self) -> Self {
        self.gzip = true;
        if let Transport::Grpc(client) = self.transport {
            self.transport = Transport::Grpc(Box::new(client.with_gzip()));
        }
        self
    }

    /// Another use of the same connection, for requests in flight beside each other; none over
    /// HTTP/1.1, where each takes a connection of its own.
    #[must_use]
    pub fn multiplexed(&self) -> Option<Self> {
        match &self.transport {
            Transport::Http(_) => None,
            Transport::Grpc(client) => {
                Some(Self { transport: Transport::Grpc(client.clone()), gzip: self.gzip })
            }
        }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// When the connection fails: then nothing is known about the request.
    pub async fn send(&mut self, export: &Export) -> anyhow::Result<Answer> {
        match &mut self.transport {
            Transport::Http(connection) => connection.send(export, self.gzip).await,
            Transport::Grpc(client) => client.send(export).await,
        }
    }
}
