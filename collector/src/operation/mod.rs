//! What an operator sees of a running collector, and how it is steered.
//!
//! [`State`] knows all its parts; [`answer`] is everything that is served beside OTLP: `/metrics`,
//! `/healthz`, `/readyz` and `/status`. What is counted lies with what counts it ([`counters`], the
//! meters of journal and commits); [`report`] and [`metrics`] put it together.

mod access_check;
mod asked;
pub(crate) mod counters;
mod draining;
pub(crate) mod exposition;
pub(crate) mod histogram;
mod metrics;
mod pinned;
mod readiness;
mod report;
mod run_file;
mod space;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};
use tokio::sync::Semaphore;

pub use asked::{Asked, NotAsked};
pub use draining::{Drain, Drained};
pub use report::{
    ConsumerReport, DestinationReport, JournalReport, Problem, ReceivedReport, Report,
};
pub(crate) use run_file::RunFile;
pub use verify::{Finding, Grade, verify};

use crate::commit::CommitMeter;
use crate::config::Config;
use crate::forward::Watched;
use crate::journal::Journal;
use crate::own_events::Tally;
use crate::receive::{Intake, Reply};

/// The parts of a running collector that an operator wants to know of.
#[derive(Debug)]
pub(crate) struct State {
    pub config: Config,
    pub collector_id: String,
    pub started: SystemTime,
    pub intake: Arc<Intake>,
    /// Of which a connection takes one.
    pub connections: Arc<Semaphore>,
    pub journal: Arc<Journal>,
    pub commits: Arc<CommitMeter>,
    pub destinations: Watched,
    pub events: Arc<Tally>,
}

impl State {
    fn data(&self) -> PathBuf {
        self.config.data.clone()
    }
}

/// Whether [`answer`] is for this request.
pub(crate) fn serves(method: &Method, path: &str) -> bool {
    matches!(path, "/metrics" | "/healthz" | "/readyz" | "/status")
        && matches!(*method, Method::GET | Method::HEAD)
}

/// Answers what an operator asks. What it says holds names of rules, destinations and folders, and
/// numbers; nothing that a sender sent.
pub(crate) async fn answer(state: &Arc<State>, method: &Method, path: &str) -> Response<Reply> {
    let text = "text/plain; charset=utf-8";
    let (status, content_type, body) = match path {
        "/healthz" => (StatusCode::OK, text, "ok\n".to_owned()),
        "/readyz" => match readiness::unready(state).await {
            None => (StatusCode::OK, text, "ok\n".to_owned()),
            Some(unready) => (StatusCode::SERVICE_UNAVAILABLE, text, format!("{unready}\n")),
        },
        "/metrics" => (StatusCode::OK, exposition::CONTENT_TYPE, metrics::render(state).await),
        "/status" => {
            let report = report::of(state).await;
            let body = serde_json::to_string(&report).unwrap_or_default();
            (StatusCode::OK, "application/json", body)
        }
        _ => (StatusCode::NOT_FOUND, text, "nothing is served here\n".to_owned()),
    };
    let body = Bytes::from(body);
    let length = body.len();
    let body = if method == Method::HEAD { Bytes::new() } else { body };
    let mut response = Response::new(Reply::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    headers.insert(CONTENT_LENGTH, length.into());
    response
}
