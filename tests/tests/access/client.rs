//! A client that chooses its protocol, its credentials and every header.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::authority::{Authority, Made};

const EXPORT: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// How to connect.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    http2: bool,
    headers: Vec<(&'static str, String)>,
}

/// A connection that is kept.
pub struct Kept {
    requests: http1::SendRequest<Full<Bytes>>,
    headers: Vec<(&'static str, String)>,
}

impl Kept {
    /// Posts Protobuf to `/v1/logs`; an error where the connection is none any more.
    pub async fn post(&mut self, body: impl Into<Bytes>) -> anyhow::Result<StatusCode> {
        let mut request = Request::post("/v1/logs")
            .header("host", "localhost")
            .header("content-type", "application/x-protobuf");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        self.requests.ready().await?;
        let response = self.requests.send_request(request.body(Full::new(body.into()))?).await?;
        let status = response.status();
        response.into_body().collect().await?;
        Ok(status)
    }

    /// Whether the collector has ended it.
    pub fn is_ended(&self) -> bool {
        self.requests.is_closed()
    }
}

/// What was answered over HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
}

/// What was answered over gRPC.
#[derive(Debug, PartialEq, Eq)]
pub struct Called {
    pub code: i32,
    pub message: String,
    /// Pause of the `RetryInfo` in nanoseconds, where there is one.
    pub pause: Option<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<RpcAny>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RpcAny {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Pause>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Pause {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, tls: None, http2: false, headers: Vec::new() }
    }

    /// Over TLS, trusting an authority, and showing a certificate.
    pub fn with_tls(mut self, trusted: &Authority, shown: Option<&Made>) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(trusted.pem().as_bytes())?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let config = match shown {
            None => builder.with_no_client_auth(),
            Some(made) => builder.with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(made.certificate.as_bytes())?],
                PrivateKeyDer::from_pem_slice(made.key.as_bytes())?,
            )?,
        };
        self.tls = Some(Arc::new(config));
        Ok(self)
    }

    pub fn over_http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Posts Protobuf to `/v1/logs`.
    pub async fn post(&self, body: impl Into<Bytes>) -> anyhow::Result<Answer> {
        let request =
            Request::post(self.uri("/v1/logs")).header("content-type", "application/x-protobuf");
        let (status, headers, _) = self.send(request, body.into()).await?;
        Ok(Answer { status, headers })
    }

    /// Posts JSON to `/v1/logs`.
    pub async fn post_json(&self, body: &'static str) -> anyhow::Result<Answer> {
        let request =
            Request::post(self.uri("/v1/logs")).header("content-type", "application/json");
        let (status, headers, _) = self.send(request, body.into()).await?;
        Ok(Answer { status, headers })
    }

    /// Calls the Export method of logs with a message that is not compressed.
    pub async fn call(&self, message: &[u8]) -> anyhow::Result<Called> {
        self.call_framed(0, message).await
    }

    /// The same with a message that is compressed, as a header says.
    pub async fn call_compressed(&self, message: &[u8]) -> anyhow::Result<Called> {
        self.call_framed(1, message).await
    }

    async fn call_framed(&self, flag: u8, message: &[u8]) -> anyhow::Result<Called> {
        let mut body = BytesMut::new();
        body.put_u8(flag);
        body.put_u32(u32::try_from(message.len())?);
        body.put_slice(message);
        let request = Request::post(self.uri(EXPORT))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        let client = Self { http2: true, ..self.clone() };
        let (status, headers, trailers) = client.send(request, body.freeze()).await?;
        anyhow::ensure!(status == StatusCode::OK, "{status}");
        let get = |name: &str| trailers.get(name).or_else(|| headers.get(name));
        let code = get("grpc-status").context("no grpc-status")?.to_str()?.parse()?;
        let text = |name| get(name).map_or("", |value| value.to_str().unwrap_or_default());
        let mut pause = None;
        if let Some(details) = get("grpc-status-details-bin") {
            use base64::Engine as _;
            let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
            let status = RpcStatus::decode(engine.decode(details.as_bytes())?.as_slice())?;
            for detail in status.details {
                anyhow::ensure!(detail.type_url == "type.googleapis.com/google.rpc.RetryInfo");
                let info = RetryInfo::decode(detail.value.as_slice())?.retry_delay;
                let Pause { seconds, nanos } = info.context("no delay")?;
                pause = Some(seconds * 1_000_000_000 + i64::from(nanos));
            }
        }
        Ok(Called { code, message: text("grpc-message").to_owned(), pause })
    }

    fn uri(&self, path: &str) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost{path}")
    }

    /// Whether the collector says that it is well.
    pub async fn is_well(&self) -> anyhow::Result<bool> {
        let request = Request::get(self.uri("/healthz"));
        Ok(self.send(request, Bytes::new()).await?.0 == StatusCode::OK)
    }

    /// Asks for a path, as a request for this host.
    pub async fn get(&self, path: &str, host: &str) -> anyhow::Result<(StatusCode, String)> {
        let uri = if self.http2 { format!("http://{host}{path}") } else { path.to_owned() };
        let mut request = Request::get(uri);
        if !self.http2 {
            request = request.header("host", host);
        }
        let stream = TokioIo::new(TcpStream::connect(self.address).await?);
        let request = request.body(Full::new(Bytes::new()))?;
        let response = if self.http2 {
            let (mut requests, driver) = http2::handshake(TokioExecutor::new(), stream).await?;
            tokio::spawn(driver);
            requests.send_request(request).await?
        } else {
            let (mut requests, driver) = http1::handshake(stream).await?;
            tokio::spawn(driver);
            requests.send_request(request).await?
        };
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    /// A connection over HTTP/1.1 that is kept.
    pub async fn keep(&self) -> anyhow::Result<Kept> {
        let stream = TcpStream::connect(self.address).await?;
        let requests = match &self.tls {
            None => Self::kept(stream).await?,
            Some(tls) => {
                let name = ServerName::try_from("localhost")?;
                Self::kept(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?).await?
            }
        };
        Ok(Kept { requests, headers: self.headers.clone() })
    }

    async fn kept(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> anyhow::Result<http1::SendRequest<Full<Bytes>>> {
        let (requests, driver) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        Ok(requests)
    }

    async fn send(
        &self,
        mut request: http::request::Builder,
        body: Bytes,
    ) -> anyhow::Result<(StatusCode, HeaderMap, HeaderMap)> {
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(body))?;
        let stream = TcpStream::connect(self.address).await?;
        match &self.tls {
            None => self.over(stream, request).await,
            Some(tls) => {
                let mut tls = ClientConfig::clone(tls);
                tls.alpn_protocols =
                    vec![if self.http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
                let name = ServerName::try_from("localhost")?;
                let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream).await?;
                self.over(stream, request).await
            }
        }
    }

    async fn over(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        mut request: Request<Full<Bytes>>,
    ) -> anyhow::Result<(StatusCode, HeaderMap, HeaderMap)> {
        let stream = TokioIo::new(stream);
        let response = if self.http2 {
            let (mut requests, driver) = http2::handshake(TokioExecutor::new(), stream).await?;
            tokio::spawn(driver);
            requests.send_request(request).await?
        } else {
            request.headers_mut().insert("host", "localhost".parse()?);
            *request.uri_mut() = request.uri().path().parse()?;
            let (mut requests, driver) = http1::handshake(stream).await?;
            tokio::spawn(driver);
            requests.send_request(request).await?
        };
        let (parts, body) = response.into_parts();
        let body = body.collect().await?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        Ok((parts.status, parts.headers, trailers))
    }
}
