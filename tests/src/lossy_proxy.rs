//! A network between sender and receiver that loses answers: the request arrives, and before its
//! sender hears of it the connection is gone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How HTTP/2 begins.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Length of an HTTP/2 frame's head.
const FRAME_HEAD: usize = 9;
/// HTTP/2 frame with which an answer begins.
const HEADERS: u8 = 1;

/// A proxy in front of one receiver; it ends with the runtime.
#[derive(Debug)]
pub struct LossyProxy {
    address: SocketAddr,
    lost: Arc<AtomicU64>,
}

impl LossyProxy {
    /// Forwards to `receiver`; the first `lose` connections that get an answer lose it.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(receiver: SocketAddr, lose: u64) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let lost = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&lost);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let counter = Arc::clone(&counter);
                tokio::spawn(async move {
                    // A connection that fails is what this is for.
                    let _ = forward(client, receiver, &counter, lose).await;
                });
            }
        });
        Ok(Self { address, lost })
    }

    /// Where senders are to connect.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers lost so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::SeqCst)
    }
}

async fn forward(
    client: TcpStream,
    receiver: SocketAddr,
    lost: &AtomicU64,
    lose: u64,
) -> anyhow::Result<()> {
    client.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let server = TcpStream::connect(receiver).await?;
    server.set_nodelay(true)?;
    let (mut from_server, mut to_server) = server.into_split();
    let mut first = vec![0; HTTP2.len()];
    from_client.read_exact(&mut first).await?;
    to_server.write_all(&first).await?;
    let http2 = first == HTTP2;
    let requests =
        tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let mut said = Vec::new();
    loop {
        let mut some = [0; 4096];
        let read = from_server.read(&mut some).await?;
        let some = some.get(..read).context("read more than there is room for")?;
        if read == 0 {
            break;
        }
        said.extend_from_slice(some);
        if answers(&mut said, http2) && lost.load(Ordering::SeqCst) < lose {
            lost.fetch_add(1, Ordering::SeqCst);
            break;
        }
        to_client.write_all(some).await?;
    }
    requests.abort();
    Ok(())
}

/// Whether an answer begins in what a receiver said; whole frames of HTTP/2 are taken off.
fn answers(said: &mut Vec<u8>, http2: bool) -> bool {
    if !http2 {
        return !said.is_empty();
    }
    while let Some([a, b, c, kind, ..]) = said.get(..FRAME_HEAD) {
        let (length, kind) = (u32::from_be_bytes([0, *a, *b, *c]) as usize, *kind);
        if kind == HEADERS {
            return true;
        }
        if said.len() < FRAME_HEAD + length {
            return false;
        }
        said.drain(..FRAME_HEAD + length);
    }
    false
}
