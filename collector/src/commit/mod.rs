//! From the journal to the archive.
//!
//! Two threads: [`collect`] reads the journal behind the writer, decodes, normalises and builds Arrow
//! batches; [`archive_writer`] commits them while the next ones are being made. Both run at a lower
//! priority than everything before the acknowledgement. Neither is ever waited for by a sender. Each
//! is a loop over steps, so that the steps can be taken one by one, in any order.

pub(crate) mod archive_writer;
pub(crate) mod batch;
pub(crate) mod collect;
mod meter;
mod signal;
#[cfg(test)]
mod tests;
mod versions;

use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use collect::Collect;
pub(crate) use meter::CommitMeter;
pub(crate) use signal::{Mode, Signal};

use crate::Error;
use crate::config::Config;
use crate::journal::Journal;

/// Name of the archive writer among the journal's consumers.
pub(crate) const CONSUMER: &str = "archive";
/// How much nicer than the rest the threads are. The kernel then gives the journal's writer a core as
/// soon as it has something to write, instead of after the encoder's time slice of some 4 ms, which is
/// ten times what a sync takes.
const NICENESS: i32 = 10;
/// Pause between looks at whether the threads have ended.
const JOIN_PAUSE: Duration = Duration::from_millis(5);

/// The threads that bring the journal into the archive.
#[derive(Debug)]
pub(crate) struct Committer {
    journal: Arc<Journal>,
    signal: Signal,
    threads: Vec<JoinHandle<()>>,
}

impl Committer {
    /// Opens the archive, compares what it holds with the journal, and goes on where it ends.
    ///
    /// # Errors
    /// When the archive cannot be opened, or holds more than the journal ever had.
    pub(crate) async fn start(
        config: &Config,
        collector_id: &str,
        journal: Arc<Journal>,
        meter: Arc<CommitMeter>,
    ) -> Result<Self, Error> {
        let signal = Signal::new();
        let (ready, opened) = oneshot::channel();
        // No capacity: one batch is being built while one is being committed, and no more.
        let (hand_over, batches) = mpsc::sync_channel(0);
        let writer = archive_writer::Thread {
            location: config.archive.clone(),
            collector_id: collector_id.to_owned(),
            max_backoff: config.commit.max_backoff,
            journal: Arc::clone(&journal),
            signal: signal.clone(),
            meter: Arc::clone(&meter),
        };
        let mut threads = vec![spawn("archive-write", move || writer.run(ready, &batches))?];
        let mut started = Self { journal: Arc::clone(&journal), signal, threads: Vec::new() };
        started.threads.append(&mut threads);
        let versions = opened.await.unwrap_or_else(|_| {
            Err(Error::Thread { thread: "archive-write", reason: "it ended by a panic".to_owned() })
        })?;
        let collect =
            Collect::new(config.commit.clone(), collector_id.to_owned(), versions, journal);
        let signal = started.signal.clone();
        started.threads.push(spawn("normalise", move || collect.run(&signal, &hand_over, &meter))?);
        Ok(started)
    }

    /// Commits what the journal holds and ends; the journal must be closed. Gives up after `timeout`.
    ///
    /// # Errors
    /// [`Error::NotCommitted`] when not everything was committed.
    pub(crate) fn finish(mut self, timeout: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + timeout;
        self.signal.set(Mode::Finish);
        self.journal.wake();
        while !self.threads.iter().all(JoinHandle::is_finished) && Instant::now() < deadline {
            std::thread::sleep(JOIN_PAUSE);
        }
        self.abandon();
        let (from, to) = (self.journal.cursor(CONSUMER), self.journal.end());
        if from < to { Err(Error::NotCommitted { from, to }) } else { Ok(()) }
    }

    /// Ends at once, whatever is left, and waits until the threads have ended.
    fn abandon(&mut self) {
        self.signal.set(Mode::Abandon);
        self.journal.wake();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread behind the journal ended by a panic");
            }
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// Starts a thread at the lower priority of everything behind the journal.
pub(crate) fn spawn(
    name: &'static str,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, Error> {
    let nicely = move || {
        // On Linux this is the priority of the calling thread, and threads inherit it: those that the
        // runtime of the archive writer starts have it too.
        if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
            tracing::warn!("cannot lower the priority of thread {name}: {error}");
        }
        work();
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(nicely)
        .map_err(|error| Error::Thread { thread: name, reason: error.to_string() })
}
