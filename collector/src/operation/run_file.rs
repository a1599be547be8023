//! Where a running collector can be asked: a file in its data folder, for the commands beside it.
//!
//! It is written without being synced: nothing is built on it, and one that a dead collector left only
//! leads to where nobody answers.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::report::Report;

/// Name of the file in the data folder.
const NAME: &str = "collector.run.json";
/// How long a collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer that is read, in bytes.
const LIMIT: usize = 4 << 20;

/// Where a collector can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunFile {
    /// Its process.
    pub pid: u32,
    /// OTLP/HTTP.
    pub http: SocketAddr,
    /// Its Unix socket.
    pub unix: Option<PathBuf>,
}

impl RunFile {
    fn path(data: &Path) -> PathBuf {
        data.join(NAME)
    }

    /// Leaves it in the data folder; without it, commands must be told the address.
    pub(crate) fn write(&self, data: &Path) {
        let (path, new) = (Self::path(data), data.join(format!("{NAME}.new")));
        let written = serde_json::to_vec(self)
            .map_err(std::io::Error::from)
            .and_then(|content| fs::write(&new, content))
            .and_then(|()| fs::rename(&new, &path));
        if let Err(error) = written {
            tracing::warn!("cannot write {}: {error}", path.display());
        }
    }

    /// Removes it, where it is still the one of this process.
    pub(crate) fn remove(data: &Path) {
        if Self::read(data).is_ok_and(|found| found.pid == std::process::id()) {
            let _ = fs::remove_file(Self::path(data));
        }
    }

    pub(super) fn read(data: &Path) -> Result<Self, NotAsked> {
        let path = Self::path(data);
        let nobody = |reason: String| NotAsked::Nobody { data: data.to_owned(), reason };
        let content = fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => nobody("no collector runs on it".to_owned()),
            _ => nobody(format!("{}: {error}", path.display())),
        })?;
        serde_json::from_slice(&content)
            .map_err(|error| nobody(format!("{}: {error}", path.display())))
    }
}

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
    /// Over its Unix socket.
    Unix(PathBuf),
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Asked {
    /// Where the collector that works in the folder `data` can be asked: its Unix socket, or else its
    /// port of OTLP/HTTP.
    ///
    /// # Errors
    /// When the folder does not say.
    pub fn find(data: &Path) -> Result<Self, NotAsked> {
        let found = RunFile::read(data)?;
        Ok(found.unix.map_or_else(|| Self::Tcp(reachable(found.http)), Self::Unix))
    }

    /// Asks how it is doing, with a bearer token where one is given.
    ///
    /// # Errors
    /// When it does not say.
    pub async fn report(&self, token: Option<&str>) -> Result<Report, NotAsked> {
        let silent = |reason: String| NotAsked::Silent { address: self.to_string(), reason };
        let asking = async {
            match self {
                Self::Tcp(address) => {
                    let stream = TcpStream::connect(address).await.map_err(|it| it.to_string())?;
                    get(stream, token).await
                }
                Self::Unix(path) => {
                    let stream = UnixStream::connect(path).await.map_err(|it| it.to_string())?;
                    get(stream, token).await
                }
            }
        };
        let answered = tokio::time::timeout(PATIENCE, asking).await;
        let (status, body) = answered
            .map_err(|_| silent(format!("nothing within {} s", PATIENCE.as_secs())))?
            .map_err(silent)?;
        if status != StatusCode::OK {
            return Err(NotAsked::Refused { address: self.to_string(), status });
        }
        serde_json::from_slice(&body).map_err(|error| silent(format!("not a report: {error}")))
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
    token: Option<&str>,
) -> Result<(StatusCode, Bytes), String> {
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|it| it.to_string())?;
    let driver = tokio::spawn(connection);
    let mut request = Request::get("/status").header(HOST, "localhost");
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
