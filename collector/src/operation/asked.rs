//! Asking a running collector how it is doing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::pinned;
use super::report::Report;
use super::run_file::RunFile;

/// How long a collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer that is read, in bytes.
const LIMIT: usize = 4 << 20;

/// Why a collector could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum NotAsked {
    /// The data folder does not say where.
    #[error("cannot ask the collector on {}: {reason}; start it, or name its --data or --address", data.display())]
    Nobody {
        /// The folder.
        data: PathBuf,
        /// What is wrong there.
        reason: String,
    },
    /// It does not answer.
    #[error("the collector at {address} does not answer: {reason}")]
    Silent {
        /// Where it was asked.
        address: String,
        /// What happened.
        reason: String,
    },
    /// It does not answer us.
    #[error(
        "the collector at {address} refuses to say ({status}); a token with the scope `read` may be needed (--token-file)"
    )]
    Refused {
        /// Where it was asked.
        address: String,
        /// What it answered.
        status: StatusCode,
    },
}

/// Where to ask a collector.
#[derive(Debug, Clone)]
pub enum Asked {
    /// Over TCP.
    Tcp(SocketAddr),
    /// Over TLS.
    Tls {
        /// Where.
        address: SocketAddr,
        /// File of the certificate that the collector must show, in PEM: no other is trusted, and this one
        /// whatever its names are.
        certificate: PathBuf,
    },
    /// Over its Unix socket.
    Unix(PathBuf),
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) | Self::Tls { address, .. } => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Asked {
    /// Where the collector that works in the folder `data` can be asked: its Unix socket, or else its
    /// port of OTLP/HTTP, over TLS where that speaks TLS.
    ///
    /// # Errors
    /// When the folder does not say.
    pub fn find(data: &Path) -> Result<Self, NotAsked> {
        let found = RunFile::read(data)?;
        let address = reachable(found.http);
        Ok(match (found.unix, found.certificate) {
            (Some(path), _) => Self::Unix(path),
            (None, Some(certificate)) => Self::Tls { address, certificate },
            (None, None) => Self::Tcp(address),
        })
    }

    /// Asks how it is doing, with a bearer token where one is given.
    ///
    /// # Errors
    /// When it does not say.
    pub async fn report(&self, token: Option<&str>) -> Result<Report, NotAsked> {
        let (status, body) = self.get("/status", token).await?;
        if status != StatusCode::OK {
            return Err(NotAsked::Refused { address: self.to_string(), status });
        }
        serde_json::from_slice(&body).map_err(|error| self.silent(format!("not a report: {error}")))
    }

    /// Asks whether it serves at all, as `/healthz` says to everybody.
    ///
    /// # Errors
    /// When it does not.
    pub async fn health(&self) -> Result<(), NotAsked> {
        match self.get("/healthz", None).await? {
            (StatusCode::OK, _) => Ok(()),
            (status, _) => Err(NotAsked::Refused { address: self.to_string(), status }),
        }
    }

    fn silent(&self, reason: String) -> NotAsked {
        NotAsked::Silent { address: self.to_string(), reason }
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Result<(StatusCode, Bytes), NotAsked> {
        let connect = async |address: &SocketAddr| {
            TcpStream::connect(address).await.map_err(|error| error.to_string())
        };
        let asking = async {
            match self {
                Self::Tcp(address) => get(connect(address).await?, path, token).await,
                Self::Tls { address, certificate } => {
                    let connector = pinned::connector(certificate)?;
                    let name = ServerName::from(address.ip());
                    let stream = connector.connect(name, connect(address).await?).await;
                    get(stream.map_err(|error| error.to_string())?, path, token).await
                }
                Self::Unix(socket) => {
                    let stream = UnixStream::connect(socket).await.map_err(|it| it.to_string())?;
                    get(stream, path, token).await
                }
            }
        };
        let answered = tokio::time::timeout(PATIENCE, asking).await;
        let silent = |reason| self.silent(reason);
        answered
            .map_err(|_| silent(format!("nothing within {} s", PATIENCE.as_secs())))?
            .map_err(silent)
    }
}

/// An address to connect to where one is listened on.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

async fn get(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    path: &str,
    token: Option<&str>,
) -> Result<(StatusCode, Bytes), String> {
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|it| it.to_string())?;
    let driver = tokio::spawn(connection);
    let mut request = Request::get(path).header(HOST, "localhost");
    if let Some(token) = token {
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| "the token cannot stand in a header".to_owned())?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|it| it.to_string())?;
    let response = sender.send_request(request).await.map_err(|it| it.to_string())?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LIMIT).collect().await;
    let body = body.map_err(|it| it.to_string())?.to_bytes();
    driver.abort();
    Ok((status, body))
}
