//! Asking a program what it serves for operators.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use anyhow::ensure;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The status and the body at a path.
///
/// # Errors
/// When nobody answers.
pub async fn get(address: SocketAddr, path: &str) -> anyhow::Result<(u16, String)> {
    let stream = TokioIo::new(TcpStream::connect(address).await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    tokio::spawn(connection);
    let request = Request::get(path).header("host", address.to_string());
    let answer = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// What is at `/metrics`.
///
/// # Errors
/// When that cannot be had.
pub async fn metrics(address: SocketAddr) -> anyhow::Result<String> {
    let (status, text) = get(address, "/metrics").await?;
    ensure!(status == 200, "{status}: {text}");
    Ok(text)
}

/// The names of all metrics.
#[must_use]
pub fn families(text: &str) -> BTreeSet<&str> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|rest| rest.split(' ').next()).collect()
}
