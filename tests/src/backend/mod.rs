//! An OTLP backend that takes what it is sent, over HTTP and gRPC on one port, with TLS if wanted, and
//! answers as badly as it is told to.

mod answer;
mod serve;
mod tls;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use blotter_schemas::normalise::{self, Custody, Rows};
use blotter_schemas::otlp::{Encoding, Request, Signal};
use blotter_schemas::tables::Row as _;
use bytes::Bytes;
use http::HeaderMap;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use answer::Answer;
pub use tls::{certificate, server_settings};

use crate::records::split;

/// Longest wait for something to arrive.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between looks.
const LOOK: Duration = Duration::from_millis(20);

/// A request that arrived, decompressed.
#[derive(Debug, Clone)]
pub struct Received {
    /// What it carries.
    pub signal: Signal,
    /// How its body is encoded.
    pub encoding: Encoding,
    /// The body.
    pub body: Bytes,
    /// How it was compressed.
    pub compression: String,
    /// Whether it came over gRPC.
    pub is_grpc: bool,
    /// All its headers.
    pub headers: HeaderMap,
    /// Whether it was taken, whatever was then answered.
    pub is_taken: bool,
    /// When.
    pub at: Instant,
}

/// A backend; it stops to listen when dropped.
#[derive(Debug)]
pub struct Backend {
    address: SocketAddr,
    state: Arc<State>,
    listening: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    received: Mutex<Vec<Received>>,
    /// What the next requests are answered.
    next: Mutex<VecDeque<Answer>>,
    /// What the others are.
    always: Mutex<Answer>,
}

/// Event ids of records, and how often each was taken.
pub type Ids = BTreeMap<[u8; 16], usize>;

impl Backend {
    /// One on a free port of this machine.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), None).await
    }

    /// One at this address, with these settings of TLS.
    ///
    /// # Errors
    /// When something else listens there.
    pub async fn start_at(
        address: SocketAddr,
        tls: Option<rustls::ServerConfig>,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let listening = tokio::spawn(serve::serve(listener, tls.map(Arc::new), Arc::clone(&state)));
        Ok(Self { address, state, listening })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL without TLS.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers the next requests like this, one after the other.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = Answer>) {
        lock(&self.state.next).extend(answers);
    }

    /// Answers all others like this.
    pub fn answer_always(&self, answer: Answer) {
        *lock(&self.state.always) = answer;
    }

    /// Every request that arrived, taken or not.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        lock(&self.state.received).clone()
    }

    /// Waits until a request arrives for which `wanted` holds.
    ///
    /// # Errors
    /// When none does within a minute.
    pub async fn wait_for(&self, wanted: impl Fn(&Received) -> bool) -> anyhow::Result<Received> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let found = lock(&self.state.received).iter().find(|it| wanted(it)).cloned();
            if let Some(found) = found {
                return Ok(found);
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("it did not arrive within a minute")
    }

    /// The records that were taken, each as a request of its own.
    ///
    /// # Errors
    /// When something cannot be decoded.
    pub fn records(&self, signal: Signal) -> anyhow::Result<Vec<Request>> {
        let mut records = Vec::new();
        for it in self.received().into_iter().filter(|it| it.is_taken && it.signal == signal) {
            records.extend(split(&Request::decode(signal, it.encoding, &it.body)?));
        }
        Ok(records)
    }

    /// Event ids of the records that were taken.
    ///
    /// # Errors
    /// When something cannot be decoded.
    pub fn ids(&self) -> anyhow::Result<Ids> {
        let mut ids = Ids::new();
        for signal in Signal::ALL {
            for record in self.records(signal)? {
                *ids.entry(event_id(&record).context("a record without an id")?).or_default() += 1;
            }
        }
        Ok(ids)
    }

    /// Waits until all of these were taken, and looks whether anything else was.
    ///
    /// # Errors
    /// When some are missing after a minute, or something was taken that is not among them.
    pub async fn has_exactly(&self, expected: &Ids) -> anyhow::Result<Ids> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ids = self.ids()?;
            let missing = expected.keys().filter(|id| !ids.contains_key(*id)).count();
            if missing == 0 {
                let strange = ids.keys().filter(|id| !expected.contains_key(*id)).count();
                if strange > 0 {
                    bail!("{strange} records were taken that nobody sent");
                }
                return Ok(ids);
            }
            if Instant::now() > deadline {
                bail!("{missing} of {} records are missing after a minute", expected.len());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Event ids of single records, as for a sender without a name.
pub fn event_ids<'a>(records: impl IntoIterator<Item = &'a Request>) -> Ids {
    let mut ids = Ids::new();
    for record in records.into_iter().filter_map(event_id) {
        *ids.entry(record).or_default() += 1;
    }
    ids
}

/// Event id of a record that is alone in its request.
fn event_id(record: &Request) -> Option<[u8; 16]> {
    let mut rows = Rows::default();
    normalise::normalise(record, &Custody::default(), &mut rows);
    let Rows { events, spans, metrics } = rows;
    let events = events.iter().filter(|it| it.record.is_some()).map(|it| it.event_id());
    let spans = spans.iter().map(|it| it.event_id());
    let mut all = spans.chain(metrics.iter().map(|it| it.event_id())).chain(events);
    all.next()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
