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

/// What came of a request.
enum Sent {
    Answered(Outcome),
    /// Refused, with an explanation that is still to be read.
    Refused(::http::Response<hyper::body::Incoming>),
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
                Transport::Grpc(grpc) => Sent::Answered(grpc.send(signal, body, &headers).await),
            }
        };
        let outcome = match tokio::time::timeout(timeout, sending).await {
            Err(_) => later(format!("no answer within {} s", timeout.as_secs())),
            Ok(Sent::Answered(outcome)) => outcome,
            Ok(Sent::Refused(response)) => http::refused(response).await,
        };
        let queries = self.destination.queries();
        outcome.map_texts(|text| {
            headers::without_queries(headers::without_values(&text, &headers), &queries)
        })
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// What comes of a request that is answered with these bytes, after which nothing comes any more.
    async fn answered(answer: &str) -> Outcome {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let toml = format!(
            "name = \"a\"\nendpoint = \"http://{address}/?api_key=hunter2\"\ncompression = \"none\"\n\
             timeout_seconds = 8"
        );
        let mut client = Client::new(&toml_edit::de::from_str(&toml).unwrap()).unwrap();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let read = stream.read(&mut [0; 4096]).await.unwrap();
            assert!(read > 0);
            stream.write_all(answer.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        };
        let body = Bytes::new();
        tokio::select! {
            outcome = client.send(Signal::Logs, &body) => outcome,
            () = serve => panic!("it serves for ever"),
        }
    }

    #[tokio::test]
    async fn of_a_refusal_whose_explanation_never_ends_the_status_counts() {
        let outcome = answered("HTTP/1.1 400 Bad Request\r\ncontent-length: 100\r\n\r\nno").await;
        let expected =
            Outcome::Never { status: "400".to_owned(), reason: "no".to_owned(), too_large: false };
        assert_eq!(outcome, expected);
        let asks = "HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 100\r\n\r\n";
        let Outcome::Later { after, .. } = answered(asks).await else { panic!("for good") };
        assert_eq!(after, Some(std::time::Duration::from_secs(7)));
    }

    #[tokio::test]
    async fn an_answer_of_a_type_that_otlp_does_not_have_is_noticed() {
        for (kind, expected) in [
            ("content-type: text/html\r\ncontent-length: 6\r\n\r\n<html>", Some("text/html")),
            ("content-type: application/json\r\ncontent-length: 2\r\n\r\n{}", None),
            ("content-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n", None),
            ("content-length: 2\r\n\r\nok", Some("")),
            ("content-length: 0\r\n\r\n", None),
        ] {
            let outcome = answered(&format!("HTTP/1.1 200 OK\r\n{kind}")).await;
            let Outcome::Delivered { unexpected, .. } = outcome else { panic!("{outcome:?}") };
            assert_eq!(unexpected.as_deref(), expected, "{kind}");
        }
    }

    #[tokio::test]
    async fn a_refusal_without_a_word_ends_with_its_status() {
        let outcome =
            answered("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").await;
        let reason = "status 503 Service Unavailable".to_owned();
        assert_eq!(outcome, Outcome::Later { reason, after: None });
    }

    #[tokio::test]
    async fn a_key_in_the_endpoint_is_not_repeated_after_a_backend_that_quotes_it() {
        let text = "no POST /v1/logs?api_key=hunter2, hunter2";
        let outcome = answered(&format!(
            "HTTP/1.1 404 Not Found\r\ncontent-length: {}\r\n\r\n{text}",
            text.len()
        ))
        .await;
        let said = format!("{outcome:?}");
        assert!(said.contains("no POST") && !said.contains("hunter2"), "{said}");
    }
}
