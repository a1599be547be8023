//! Forwarding to existing backends: every destination is a consumer of the journal with a durable cursor
//! of its own and a thread of its own.
//!
//! A [`forwarder`] takes steps: it reads the journal, [`prepare`]s what of a request goes to its
//! destination, gathers [`batch`]es, has a [`client`] send them, and moves the cursor when everything
//! of a batch is taken or set aside in the folder of [`dead_letters`]. Start reading there.

mod backoff;
mod batch;
mod check;
mod client;
pub(crate) mod dead_letters;
mod destination;
mod filter;
pub(crate) mod forwarder;
mod halve;
mod health;
mod letter_index;
mod outcome;
mod pause;
mod prepare;
mod response;
mod retry;
mod status;
mod telling;
#[cfg(test)]
mod tests;
mod thread;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use blotter_disk::Disk;
use blotter_schemas::otlp::Signal as OtlpSignal;
use bytes::Bytes;

pub use dead_letters::DeadLetter;
pub use destination::{
    BatchLimits, Compression, Destination, Headers, Protocol, SignalName, Tls, WhenSpent,
};
pub use filter::{Condition, Pattern};
pub use letter_index::KeptLetters;
pub(crate) use outcome::Outcome;
pub(crate) use pause::Pause;
pub(crate) use prepare::Preparation;
pub use retry::{Retried, dead_letters, drop_dead_letter, retry_dead_letter};
pub(crate) use status::Status;
pub use status::{Counts, DestinationStatus};

use client::Client;
use dead_letters::DeadLetters;
use forwarder::{Sheds, UNUSUAL, Work};
use thread::Sender;

use crate::commit::{Mode, Signal, spawn};
use crate::config::JournalConfig;
use crate::effective::without_credentials;
use crate::journal::{Consumer, Journal};
use crate::own_events::OwnEvents;
use crate::redaction::Redaction;
use crate::{Config, Error};

/// Pause between looks at whether the threads have ended.
const JOIN_PAUSE: Duration = Duration::from_millis(5);

/// The threads that forward.
#[derive(Debug)]
pub(crate) struct Forwarding {
    watched: Watched,
    signal: Signal,
    threads: Vec<JoinHandle<()>>,
}

/// The destinations, for whoever wants to know how they are doing.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    journal: Arc<Journal>,
    destinations: Vec<Running>,
}

/// A destination whose thread runs.
#[derive(Debug, Clone)]
struct Running {
    name: String,
    consumer: String,
    budget: u64,
    status: Arc<Status>,
}

/// What forwarding needs of the collector around it.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub disk: Arc<dyn Disk>,
    pub collector_id: String,
    pub journal: Arc<Journal>,
    pub redaction: Arc<Redaction>,
    pub events: OwnEvents,
}

/// The consumers of the journal that destinations are.
pub(crate) fn consumers(config: &Config) -> Vec<Consumer> {
    let consumer = |destination: &Destination| Consumer {
        name: destination.consumer(),
        holds: (destination.when_spent == WhenSpent::Hold)
            .then(|| budget(destination, &config.journal)),
        may_miss: true,
    };
    config.forward.iter().map(consumer).collect()
}

/// The most bytes that may wait for a destination. Where the oldest are given up, it is never more than
/// half of what the journal may have, so that no destination can fill it.
fn budget(destination: &Destination, journal: &JournalConfig) -> u64 {
    let wanted = destination.budget_bytes.unwrap_or(journal.max_bytes / 4);
    match destination.when_spent {
        WhenSpent::Hold => wanted,
        WhenSpent::Shed => wanted.min(journal.max_bytes / 2),
    }
}

/// Looks at all destinations: what each cannot be used for, and whether their names differ. Files that
/// they name are read; nobody is connected to.
///
/// # Errors
/// [`Error::Destination`] with what cannot be used.
pub(crate) fn check(destinations: &[Destination]) -> Result<(), Error> {
    let mut names = Vec::new();
    for destination in destinations {
        let wrong = |reason| Error::Destination { name: destination.name.clone(), reason };
        destination.check().map_err(|it| wrong(format!("{}: {}", it.field, it.reason)))?;
        if names.contains(&&destination.name) {
            return Err(wrong("there are two of this name".to_owned()));
        }
        names.push(&destination.name);
        Client::new(destination).map_err(wrong)?;
    }
    Ok(())
}

impl Forwarding {
    /// Starts a thread for every destination.
    ///
    /// # Errors
    /// When a destination cannot be used, or a thread not be started.
    pub(crate) fn start(config: &Config, around: &Surroundings) -> Result<Self, Error> {
        let journal = Arc::clone(&around.journal);
        let signal = Signal::new();
        let watched = Watched { journal, destinations: Vec::new() };
        let mut started = Self { watched, signal, threads: Vec::new() };
        for destination in &config.forward {
            started.add(destination, config, around)?;
        }
        Ok(started)
    }

    fn add(
        &mut self,
        destination: &Destination,
        config: &Config,
        around: &Surroundings,
    ) -> Result<(), Error> {
        let name = destination.name.clone();
        let wrong = |reason| Error::Destination { name: name.clone(), reason };
        let client = Client::new(destination).map_err(wrong)?;
        if destination.shows_credentials() {
            tracing::warn!(destination = name, "its credentials go over the network unencrypted");
        }
        let status = Arc::new(Status::default());
        let work = work(destination, config, around, &config.data, Arc::clone(&status));
        let consumer = work.consumer.clone();
        let (signal, published) = (self.signal.clone(), self.watched.journal.published());
        let sender = Sender { client, redaction: Arc::clone(&around.redaction) };
        let named = name.clone();
        let forward = move || thread::forward(work, sender, &named, published, &signal);
        self.threads.push(spawn("forward", forward)?);
        let endpoint = without_credentials(&destination.endpoint);
        tracing::info!(destination = name, endpoint, "forwarding");
        let budget = budget(destination, &config.journal);
        self.watched.destinations.push(Running { name, consumer, budget, status });
        Ok(())
    }

    /// How each destination is doing.
    pub(crate) fn status(&self) -> Vec<DestinationStatus> {
        self.watched.status()
    }

    /// The same, for somebody else to ask.
    pub(crate) fn watched(&self) -> Watched {
        self.watched.clone()
    }

    /// Sends what the journal holds and ends; a destination that takes nothing just then, or takes
    /// longer than `timeout`, gets the rest after the next start.
    pub(crate) fn finish(mut self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        self.signal.set(Mode::Finish);
        while !self.threads.iter().all(JoinHandle::is_finished) && Instant::now() < deadline {
            std::thread::sleep(JOIN_PAUSE);
        }
        self.abandon();
        for (it, running) in self.status().into_iter().zip(&self.watched.destinations) {
            // Behind what has everything there are only events of ours, which go nowhere.
            if it.waiting_records > 0 && !running.status.is_complete() {
                let (name, waiting) = (it.name, it.waiting_records);
                tracing::info!(
                    destination = name,
                    "up to {waiting} records go there at the next start"
                );
            }
        }
    }

    fn abandon(&mut self) {
        self.signal.set(Mode::Abandon);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread that forwards ended by a panic");
            }
        }
    }
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        self.abandon();
    }
}

impl Watched {
    /// How each destination is doing.
    pub(crate) fn status(&self) -> Vec<DestinationStatus> {
        let end = self.journal.end();
        let status = |it: &Running| {
            let position = self.journal.cursor(&it.consumer);
            DestinationStatus {
                name: it.name.clone(),
                position,
                waiting_records: end.saturating_sub(position),
                waiting_bytes: self.journal.backlog(&it.consumer),
                counts: it.status.counts(),
                kept: it.status.kept(),
                failing: it.status.failing(),
                warning: it.status.warning(),
            }
        };
        self.destinations.iter().map(status).collect()
    }

    /// The most bytes that may wait for each destination.
    pub(crate) fn budgets(&self) -> impl Iterator<Item = (&str, u64)> {
        self.destinations.iter().map(|it| (it.name.as_str(), it.budget))
    }
}

/// What a destination says to an empty request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tried {
    /// It takes requests.
    Taken,
    /// It takes nothing now.
    Later(String),
    /// It refuses such a request for good.
    Never { status: String, reason: String },
}

/// Sends a destination an empty request, once.
pub(crate) async fn try_once(destination: &Destination, signal: OtlpSignal) -> Tried {
    let mut client = match Client::new(destination) {
        Ok(client) => client,
        Err(reason) => return Tried::Later(reason),
    };
    match client.send(signal, &Bytes::new()).await {
        Outcome::Delivered { .. } => Tried::Taken,
        Outcome::Later { reason, .. } => Tried::Later(reason),
        Outcome::Never { status, reason, .. } => Tried::Never { status, reason },
    }
}

/// What a forwarder to `destination` works with.
pub(crate) fn work(
    destination: &Destination,
    config: &Config,
    around: &Surroundings,
    data: &Path,
    status: Arc<Status>,
) -> Work {
    let budget = budget(destination, &config.journal);
    let journal = Arc::clone(&around.journal);
    let dead_letters = DeadLetters::new(
        Arc::clone(&around.disk),
        data,
        &destination.name,
        &journal.incarnation(),
        budget,
        destination.when_spent,
    );
    let pause = Pause::new(Arc::clone(&around.disk), journal.folder(), destination);
    Work {
        name: destination.name.clone(),
        consumer: destination.consumer(),
        preparation: Preparation::new(destination, &around.collector_id),
        limits: destination.batch.clone(),
        sheds: (destination.when_spent == WhenSpent::Shed)
            .then_some(Sheds { budget, at_once: u64::midpoint(budget, config.journal.max_bytes) }),
        journal,
        dead_letters,
        pause,
        patience: UNUSUAL,
        events: around.events.clone(),
        status,
    }
}
