//! Connections.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body::Reply;
use super::intake::Intake;
use super::origin::{self, Origin, Origins};
use super::{grpc, http as otlp_http};

/// How long a connection may be idle, or take to send the head of a request. Longer than any
/// sender's export interval: one whose connection we close just as it sends may not try again.
const IDLE: Duration = Duration::from_secs(300);
/// Bytes of one HTTP/2 stream, and of one connection, that may be on the way before we read them.
const WINDOWS: (u32, u32) = (2 << 20, 4 << 20);
/// Requests of one HTTP/2 connection at a time.
const STREAMS: u32 = 256;
/// Pause after a connection could not be accepted (no file descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What every listener of a collector shares.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub intake: Arc<Intake>,
    /// Finds out who connected.
    pub origins: Origins,
    /// Connections at a time.
    pub connections: Arc<Semaphore>,
    /// Asks for an orderly end: no new connections, no new requests.
    pub stop: CancellationToken,
    /// Ends everything at once.
    pub abandon: CancellationToken,
    /// Every listener and connection.
    pub tasks: TaskTracker,
}

/// Where connections come from.
#[derive(Debug)]
pub(crate) enum Listener {
    /// A port.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

impl Listener {
    async fn accept(&self) -> std::io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => {
                listener.accept().await.map(|(stream, far)| Accepted::Tcp(stream, far))
            }
            Self::Unix(listener) => {
                listener.accept().await.map(|(stream, _)| Accepted::Unix(stream))
            }
        }
    }
}

/// A new connection.
enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

/// Serves `listener` until it is told to stop. Every port, and the Unix socket, answers OTLP/HTTP over HTTP/1.1 and HTTP/2
/// and OTLP/gRPC: a sender that was given the wrong one of the two is heard all the same.
pub(crate) fn serve(server: &Server, listener: Listener) {
    let tasks = server.tasks.clone();
    let server = server.clone();
    tasks.spawn(async move {
        let stop = server.stop.clone();
        let abandon = server.abandon.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = abandon.cancelled() => {}
            () = accept(server, listener) => {}
        }
    });
}

async fn accept(server: Server, listener: Listener) {
    loop {
        let Ok(permit) = Arc::clone(&server.connections).acquire_owned().await else { return };
        match listener.accept().await {
            Ok(accepted) => {
                let connection = take(server.clone(), accepted);
                let abandon = server.abandon.clone();
                server.tasks.spawn(async move {
                    tokio::select! {
                        () = connection => {}
                        () = abandon.cancelled() => {}
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Finds out who connected, once it speaks, and serves the connection. What waits here holds one of the places
/// for connections, like what is served.
async fn take(server: Server, accepted: Accepted) {
    match accepted {
        Accepted::Tcp(stream, far) => {
            // Answers are small: waiting to fill a packet would only delay them.
            let _ = stream.set_nodelay(true);
            // Looking for a process reads the files of all of them. Those who say nothing are not looked
            // for: a thousand of them would stand before the one who speaks.
            tokio::select! {
                speaks = tokio::time::timeout(IDLE, stream.readable()) => {
                    if !matches!(speaks, Ok(Ok(()))) {
                        return;
                    }
                }
                () = server.stop.cancelled() => return,
            }
            let origin = server.origins.tcp(far, stream.local_addr().ok()).await;
            connection(server, stream, origin).await;
        }
        Accepted::Unix(stream) => {
            let origin = origin::unix(stream.peer_cred().ok());
            connection(server, stream, origin).await;
        }
    }
}

async fn connection(
    server: Server,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    origin: Origin,
) {
    let origin = Arc::new(origin);
    let intake = Arc::clone(&server.intake);
    let service =
        service_fn(move |request| answer(Arc::clone(&intake), Arc::clone(&origin), request));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
    let (stream_window, connection_window) = WINDOWS;
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(stream_window)
        .initial_connection_window_size(connection_window)
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(IDLE);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = server.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended early: {error}");
    }
}

async fn answer(
    intake: Arc<Intake>,
    origin: Arc<Origin>,
    request: Request<Incoming>,
) -> Result<Response<Reply>, Infallible> {
    Ok(if grpc::is_grpc(request.headers()) {
        grpc::answer(&intake, &origin, request).await
    } else {
        otlp_http::answer(&intake, &origin, request).await
    })
}
