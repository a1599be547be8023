//! Listening: who connects, over what, and who that is.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::activity::Activity;
use super::connection;
use super::origin::{self, Origin, Origins};
use super::places::Places;
use crate::access::Certificate;
use crate::access::tls::Tls;
use crate::operation::State;

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
    /// Places for connections.
    pub places: Places,
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

impl Accepted {
    fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(_, far) => Some(far.ip().to_canonical()),
            Self::Unix(_) => None,
        }
    }
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
            // Nothing is waited for here: whoever comes is heard, at least to be told that we are well.
            Ok(accepted) => {
                let activity = Arc::new(Activity::new(&server.places, accepted.address()));
                let connection = take(server.clone(), accepted, Arc::clone(&activity));
                let abandon = server.abandon.clone();
                server.tasks.spawn(async move {
                    tokio::select! {
                        () = connection => {}
                        () = activity.pushed_out() => {}
                        () = abandon.cancelled() => {}
                    }
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
async fn take(server: Server, accepted: Accepted, activity: Arc<Activity>) {
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
                return connection::serve(server, stream, origin, activity, None).await;
            };
            let secured = secure(&server, &tls, stream, origin, &activity).await;
            if let Some(Secured { stream, origin, withdrawn }) = secured {
                connection::serve(server, stream, origin, activity, withdrawn).await;
            }
        }
        Accepted::Unix(stream) => {
            let origin = origin::unix(stream.peer_cred().ok());
            connection::serve(server, stream, origin, activity, None).await;
        }
    }
}

/// A connection with TLS.
struct Secured {
    stream: TlsStream<TcpStream>,
    origin: Origin,
    /// Tells that the authority of the certificate that was shown is none any more, where one was shown.
    withdrawn: Option<CancellationToken>,
}

/// TLS of a new connection, and what the far end showed in it.
async fn secure(
    server: &Server,
    tls: &Tls,
    stream: TcpStream,
    mut origin: Origin,
    activity: &Activity,
) -> Option<Secured> {
    let limits = &server.state.intake.limits;
    let (acceptor, withdrawn) = tls.acceptor();
    let handshake = tokio::select! {
        handshake = acceptor.accept(stream) => handshake,
        () = activity.is_over(limits.head_time, limits.idle_time) => return None,
        () = server.stop.cancelled() => return None,
    };
    match handshake {
        Ok(stream) => {
            let shown = stream.get_ref().1.peer_certificates().and_then(Certificate::read);
            origin.certificate = shown.map(Arc::new);
            let withdrawn = origin.certificate.is_some().then_some(withdrawn);
            Some(Secured { stream, origin, withdrawn })
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
        rustls::Error::InvalidCertificate(_) => Some("the client certificate is not valid here"),
        _ => None,
    }
}
