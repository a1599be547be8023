//! OTLP/HTTP over one kept-alive HTTP/1.1 connection.

use anyhow::bail;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Answer;

pub(crate) struct Sender {
    connection: SendRequest<Full<Bytes>>,
    host: String,
}

impl Sender {
    pub(crate) async fn connect(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        Ok(Self { connection, host: address.to_owned() })
    }

    pub(crate) async fn send(&mut self, body: Bytes) -> anyhow::Result<Answer> {
        let request = hyper::Request::post("/v1/logs")
            .header("host", &self.host)
            .header("content-type", "application/x-protobuf")
            .body(Full::new(body))?;
        self.connection.ready().await?;
        let response = self.connection.send_request(request).await?;
        let status = response.status().as_u16();
        let answer = response.into_body().collect().await?.to_bytes();
        match status {
            200 => Ok(Answer::Acknowledged),
            429 | 502 | 503 | 504 => Ok(Answer::Refused),
            _ => bail!("status {status}: {}", String::from_utf8_lossy(&answer)),
        }
    }
}
