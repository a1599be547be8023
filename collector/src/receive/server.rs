//! Connections.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use blotter_schemas::otlp::Encoding;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body::Reply;
use super::idle::{Activity, Idle};
use super::origin::{self, Origin, Origins};
use super::{grpc, guard, http as otlp_http};
use crate::access::CertificateNames;
use crate::access::tls::Tls;
use crate::operation::{self, State};

/// How long a connection that is to end may take to.
const GRACE: Duration = Duration::from_secs(2);
/// Bytes of one HTTP/2 stream, and of one connection, that may be on the way before we read them.
const WINDOWS: (u32, u32) = (2 << 20, 4 << 20);
/// Pause before another idle connection is closed for one that waits.
const CLOSE_PAUSE: Duration = Duration::from_millis(20);
/// Requests of one HTTP/2 connection that we may have to withdraw for its faults before it is closed.
const FAULTY_STREAMS: usize = 64;
/// Pause after a connection could not be accepted (no file descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What every listener of a collector shares.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub state: Arc<State>,
    /// Finds out who connected.
    pub origins: Origins,
    /// TLS of the ports.
    pub tls: Option<Arc<Tls>>,
    /// Connections on which nothing happens.
    pub idle: Idle,
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
        match listener.accept().await {
            Ok(accepted) => {
                let Some(permit) = room(&server).await else { return };
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

/// Room for a connection; where there is none, those are closed that have been idle longest.
async fn room(server: &Server) -> Option<OwnedSemaphorePermit> {
    if let Ok(permit) = Arc::clone(&server.connections).try_acquire_owned() {
        return Some(permit);
    }
    loop {
        server.idle.close_longest();
        let permit = Arc::clone(&server.connections).acquire_owned();
        if let Ok(permit) = tokio::time::timeout(CLOSE_PAUSE, permit).await {
            return permit.ok();
        }
    }
}

/// Finds out who connected, once it speaks, and serves the connection. What waits here holds one of the places
/// for connections, like what is served.
async fn take(server: Server, accepted: Accepted) {
    let activity = Arc::new(Activity::new(&server.idle));
    match accepted {
        Accepted::Tcp(stream, far) => {
            // Answers are small: waiting to fill a packet would only delay them.
            let _ = stream.set_nodelay(true);
            // Looking for a process reads the files of all of them. Those who say nothing are not looked
            // for: a thousand of them would stand before the one who speaks.
            let limits = &server.state.intake.limits;
            tokio::select! {
                speaks = stream.readable() => {
                    if speaks.is_err() {
                        return;
                    }
                }
                () = activity.is_over(limits.head_time, limits.idle_time) => return,
                () = server.stop.cancelled() => return,
            }
            let origin = server.origins.tcp(far, stream.local_addr().ok()).await;
            let Some(tls) = server.tls.clone() else {
                return connection(server, stream, origin, activity).await;
            };
            if let Some((stream, origin)) = secure(&server, &tls, stream, origin, &activity).await {
                connection(server, stream, origin, activity).await;
            }
        }
        Accepted::Unix(stream) => {
            let origin = origin::unix(stream.peer_cred().ok());
            connection(server, stream, origin, activity).await;
        }
    }
}

/// TLS of a new connection, and what the far end showed in it.
async fn secure(
    server: &Server,
    tls: &Tls,
    stream: TcpStream,
    mut origin: Origin,
    activity: &Activity,
) -> Option<(TlsStream<TcpStream>, Origin)> {
    let limits = &server.state.intake.limits;
    let handshake = tokio::select! {
        handshake = tls.acceptor().accept(stream) => handshake,
        () = activity.is_over(limits.head_time, limits.idle_time) => return None,
        () = server.stop.cancelled() => return None,
    };
    match handshake {
        Ok(stream) => {
            let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            origin.certificate = shown.map(|shown| Arc::new(CertificateNames::read(shown)));
            Some((stream, origin))
        }
        Err(error) => {
            if let Some(address) = origin.address
                && let Some(reason) = certificate_fault(&error)
            {
                let _ = server.state.intake.gate.failed(address, reason);
            }
            tracing::debug!(peer = origin.peer, "no TLS: {error}");
            None
        }
    }
}

/// What was wrong with a client's certificate, if that is why there is no TLS.
fn certificate_fault(error: &std::io::Error) -> Option<&'static str> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::NoCertificatesPresented => Some("no client certificate was shown"),
        rustls::Error::InvalidCertificate(_) => Some("the client certificate is not valid here"),
        _ => None,
    }
}

async fn connection(
    server: Server,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    origin: Origin,
    activity: Arc<Activity>,
) {
    let origin = Arc::new(origin);
    let state = Arc::clone(&server.state);
    let begun = Arc::clone(&activity);
    let service = service_fn(move |request| {
        let open = begun.begin();
        let answer = answer(Arc::clone(&state), Arc::clone(&origin), request);
        async move {
            let answer = answer.await;
            drop(open);
            answer
        }
    });
    let limits = &server.state.intake.limits;
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.idle_time);
    let (stream_window, connection_window) = WINDOWS;
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(stream_window)
        .initial_connection_window_size(connection_window)
        .max_concurrent_streams(limits.http2_streams)
        .max_pending_accept_reset_streams(limits.http2_pending_resets)
        .max_local_error_reset_streams(FAULTY_STREAMS)
        .max_header_list_size(limits.http2_header_bytes)
        .keep_alive_interval(limits.idle_time);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = server.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = activity.is_over(limits.head_time, limits.idle_time) => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(GRACE, connection).await {
                Ok(ended) => ended,
                Err(_) => return tracing::debug!("an idle connection was closed"),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended early: {error}");
    }
}

async fn answer(
    state: Arc<State>,
    origin: Arc<Origin>,
    request: Request<Incoming>,
) -> Result<Response<Reply>, Infallible> {
    let intake = &state.intake;
    Ok(if grpc::is_grpc(request.headers()) {
        grpc::answer(intake, &origin, request).await
    } else if operation::serves(request.method(), request.uri().path()) {
        // Whoever restarts a collector that is ill need not show who they are.
        let looked = match request.uri().path() {
            "/healthz" | "/readyz" => Ok(()),
            _ => guard::look(intake, &origin, request.headers()),
        };
        match looked {
            Ok(()) => operation::answer(&state, request.method(), request.uri().path()).await,
            Err(refusal) => otlp_http::refused(intake, &refusal, Encoding::Json),
        }
    } else {
        otlp_http::answer(intake, &origin, request).await
    })
}
