//! One connection, and which of its requests goes where.

use std::convert::Infallible;
use std::sync::Arc;

use blotter_schemas::otlp::Encoding;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::activity::{Activity, Open};
use super::body::Reply;
use super::origin::Origin;
use super::server::Server;
use super::{grpc, guard, http as otlp_http};
use crate::config::Limits;
use crate::operation::{self, State};

/// Least and most bytes of one HTTP/2 connection that may be on the way before we read them. They are in no
/// other limit.
const WINDOWS: (u32, u32) = (64 << 10, 1 << 20);
/// How many connections may have as many on the way as may be in flight.
const WINDOWS_IN_FLIGHT: usize = 64;
/// Bytes that are read of an HTTP/1 connection before they are looked at: the largest head.
const HTTP1_HEAD: usize = 64 << 10;
/// Requests of one HTTP/2 connection that we may have to withdraw for its faults before it is closed.
const FAULTY_STREAMS: usize = 64;

/// Why a connection is not served any more.
enum Reason {
    Ended(Result<(), Box<dyn std::error::Error + Send + Sync>>),
    Stopping,
    Over,
}

/// Serves a connection until it ends or is to end. `withdrawn` tells that the certificate that was shown at its
/// beginning is not to be relied on any more.
pub(super) async fn serve(
    server: Server,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    origin: Origin,
    activity: Arc<Activity>,
    withdrawn: Option<CancellationToken>,
) {
    let origin = Arc::new(origin);
    let state = Arc::clone(&server.state);
    let begun = Arc::clone(&activity);
    let service = service_fn(move |request| {
        let open = begun.begin();
        let (state, origin) = (Arc::clone(&state), Arc::clone(&origin));
        async move {
            let answer = answer(&state, &origin, &open, request).await;
            drop(open);
            Ok::<_, Infallible>(answer)
        }
    });
    let limits = &server.state.intake.limits;
    let builder = builder(limits);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let is_withdrawn = async {
        match withdrawn {
            Some(withdrawn) => withdrawn.cancelled().await,
            None => std::future::pending().await,
        }
    };
    let reason = tokio::select! {
        ended = connection.as_mut() => Reason::Ended(ended),
        () = server.stop.cancelled() => Reason::Stopping,
        () = activity.is_over(limits.head_time, limits.idle_time) => Reason::Over,
        () = is_withdrawn => Reason::Over,
    };
    let ended = match reason {
        Reason::Ended(ended) => ended,
        Reason::Stopping => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        Reason::Over if activity.is_nobodys() => {
            return tracing::debug!("a connection on which nobody was let in was closed");
        }
        Reason::Over => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = activity.is_let_go(limits.request_time) => {
                    return tracing::debug!("a connection was closed");
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended early: {error}");
    }
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle_time)
        .max_buf_size(HTTP1_HEAD);
    let (least, most) = WINDOWS;
    let window = u32::try_from(limits.bytes_in_flight / WINDOWS_IN_FLIGHT).unwrap_or(most);
    let window = window.clamp(least, most);
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size((window / 4).max(least))
        .initial_connection_window_size(window)
        .max_concurrent_streams(limits.http2_streams)
        .max_pending_accept_reset_streams(limits.http2_pending_resets)
        .max_local_error_reset_streams(FAULTY_STREAMS)
        .max_header_list_size(limits.http2_header_bytes)
        .keep_alive_interval(limits.idle_time);
    builder
}

async fn answer(
    state: &Arc<State>,
    origin: &Origin,
    open: &Open,
    request: Request<Incoming>,
) -> Response<Reply> {
    let intake = &state.intake;
    let version = request.version();
    let mut response = if grpc::is_grpc(request.headers()) {
        grpc::answer(intake, origin, open, request).await
    } else if operation::serves(request.method(), request.uri().path()) {
        let (head, _) = request.into_parts();
        // Whoever restarts a collector that is ill need not show who they are.
        let looked = match head.uri.path() {
            "/healthz" | "/readyz" => Ok(()),
            _ => guard::look(intake, origin, open, &head),
        };
        match looked {
            Ok(()) => operation::answer(state, &head.method, head.uri.path()).await,
            Err(refusal) => otlp_http::refused(intake, &refusal, Encoding::Json),
        }
    } else {
        otlp_http::answer(intake, origin, open, request).await
    };
    // HTTP/2 says it in a frame of its own.
    if version < Version::HTTP_2 && open.is_turned_away() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
