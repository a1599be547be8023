//! Sending one request to a destination and reading what it says.

mod compress;
mod grpc;
mod headers;
mod http;
mod tls;

use std::error::Error;
use std::time::SystemTime;

use blotter_schemas::otlp::Signal;
use bytes::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use self::grpc::Grpc;
use self::headers::AllHeaders;
use self::http::Http;
use super::destination::{Destination, Protocol};
use super::outcome::Outcome;

/// How we name ourselves.
const AGENT: &str = concat!("blotter-collector/", env!("CARGO_PKG_VERSION"));
/// Causes of an error that are told, from the outermost on.
const CAUSES: usize = 6;

type Connector = HttpsConnector<HttpConnector>;

/// Sends requests to one destination.
#[derive(Debug)]
pub(crate) struct Client {
    destination: Destination,
    headers: AllHeaders,
    transport: Transport,
    /// When the files of TLS were changed that `transport` was made from.
    read: [Option<SystemTime>; 3],
}

#[derive(Debug)]
enum Transport {
    Http(Box<Http>),
    Grpc(Box<Grpc>),
}

impl Client {
    /// Reads every file that the destination names; connects to nobody.
    ///
    /// # Errors
    /// With the file that cannot be used.
    pub(crate) fn new(destination: &Destination) -> Result<Self, String> {
        let headers = AllHeaders::of(destination);
        headers.read()?;
        let read = tls::changed(&destination.tls);
        let transport = transport(destination)?;
        Ok(Self { destination: destination.clone(), headers, transport, read })
    }

    /// Sends a request whose body is Protobuf.
    pub(crate) async fn send(&mut self, signal: Signal, body: &Bytes) -> Outcome {
        let later = |reason| Outcome::Later { reason, after: None };
        if let Err(reason) = self.renew() {
            return later(reason);
        }
        let headers = match self.headers.read() {
            Ok(headers) => headers,
            Err(reason) => return later(reason),
        };
        let timeout = self.destination.timeout();
        let sending = async {
            match &mut self.transport {
                Transport::Http(http) => http.send(signal, body, &headers).await,
                Transport::Grpc(grpc) => grpc.send(signal, body, &headers).await,
            }
        };
        let outcome = tokio::time::timeout(timeout, sending).await;
        let clean = |text: String| headers::without_values(&text, &headers);
        match outcome {
            Err(_) => later(format!("no answer within {} s", timeout.as_secs())),
            Ok(Outcome::Delivered { rejected, message }) => {
                Outcome::Delivered { rejected, message: clean(message) }
            }
            Ok(Outcome::Later { reason, after }) => Outcome::Later { reason: clean(reason), after },
            Ok(Outcome::Never { status, reason, too_large }) => {
                Outcome::Never { status, reason: clean(reason), too_large }
            }
        }
    }

    /// Takes up certificates that have changed.
    fn renew(&mut self) -> Result<(), String> {
        let changed = tls::changed(&self.destination.tls);
        if changed != self.read {
            self.transport = transport(&self.destination)?;
            self.read = changed;
        }
        Ok(())
    }
}

fn transport(destination: &Destination) -> Result<Transport, String> {
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls::settings(&destination.tls)?)
        .https_or_http();
    let mut builder = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
    builder.timer(TokioTimer::new()).pool_timer(TokioTimer::new());
    Ok(if destination.protocol == Protocol::Grpc {
        builder.http2_only(true);
        let client = builder.build(connector.enable_http2().build());
        Transport::Grpc(Box::new(Grpc::new(destination, client)?))
    } else {
        let client = builder.build(connector.enable_http1().enable_http2().build());
        Transport::Http(Box::new(Http::new(destination, client)?))
    })
}

/// An error and its causes on one line. None of them quotes a body.
fn causes(error: &dyn Error) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next.filter(|_| said.len() < CAUSES) {
        let text = error.to_string();
        if said.last() != Some(&text) {
            said.push(text);
        }
        next = error.source();
    }
    super::response::shortened(&said.join(": "))
}
