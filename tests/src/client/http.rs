//! OTLP/HTTP over one kept-alive HTTP/1.1 connection.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use blotter_schemas::otlp::Encoding;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::{Answer, Export};

#[derive(Debug)]
pub(super) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Self::over(stream, address.to_string()).await
    }

    pub(super) async fn open_unix(path: &Path) -> anyhow::Result<Self> {
        Self::over(UnixStream::connect(path).await?, "localhost".to_owned()).await
    }

    async fn over(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        host: String,
    ) -> anyhow::Result<Self> {
        let (requests, driver) = http1::handshake(TokioIo::new(stream)).await?;
        // The driver's own error is the error of the request under way.
        tokio::spawn(driver);
        Ok(Self { requests, host })
    }

    pub(super) async fn send(&mut self, export: &Export, gzip: bool) -> anyhow::Result<Answer> {
        let content_type = match export.encoding {
            Encoding::Protobuf => "application/x-protobuf",
            Encoding::Json => "application/json",
        };
        let mut request = hyper::Request::post(format!("/v1/{}", export.signal.name()))
            .header("host", &self.host)
            .header("content-type", content_type);
        let mut body = export.body.clone();
        if gzip {
            request = request.header("content-encoding", "gzip");
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&body)?;
            body = encoder.finish()?.into();
        }
        self.requests.ready().await?;
        let response = self.requests.send_request(request.body(Full::new(body))?).await?;
        let status = response.status().as_u16();
        let answer = response.into_body().collect().await.context("reading the answer")?.to_bytes();
        let said = || format!("status {status}: {}", String::from_utf8_lossy(&answer));
        Ok(match status {
            200 => Answer::Acknowledged(answer),
            429 | 502 | 503 | 504 => Answer::Retryable(said()),
            _ => Answer::Permanent(said()),
        })
    }
}
