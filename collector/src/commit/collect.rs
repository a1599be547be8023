//! The thread that reads the journal and decides when there is enough for a commit.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use super::CONSUMER;
use super::batch::Batch;
use super::signal::{Mode, Signal};
use super::versions::Versions;
use crate::Error;
use crate::config::CommitConfig;
use crate::journal::Journal;

/// Longest wait for something new; whatever changes wakes us earlier.
const IDLE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Collect {
    pub collector_id: String,
    /// What the tables held when we started.
    pub versions: Versions,
    pub config: CommitConfig,
    pub journal: Arc<Journal>,
    pub signal: Signal,
    pub hand_over: SyncSender<Batch>,
}

impl Collect {
    pub(super) fn run(self) {
        if let Err(error) = self.collect() {
            tracing::error!(
                "{error}; nothing more goes into the archive until this is put right and the collector is restarted; \
                 requests are taken as long as the journal has room"
            );
        }
    }

    fn collect(&self) -> Result<(), Error> {
        let mut position = self.journal.cursor(CONSUMER);
        let mut reader = self.journal.reader(position);
        let mut batch = Batch::new(position);
        loop {
            let mode = self.signal.get();
            if mode == Mode::Abandon {
                return Ok(());
            }
            let entry = reader.next()?;
            let idle = entry.is_none();
            if let Some(entry) = entry {
                position = entry.end();
                batch
                    .push(&entry, &self.collector_id, &self.versions)
                    .map_err(|error| self.unfit(&error))?;
            }
            let wait = self.time_left(&batch);
            if wait.is_zero() || (idle && mode == Mode::Finish) {
                if batch.read.is_some() && !self.hand_over(std::mem::take(&mut batch), position)? {
                    return Ok(());
                }
                batch = Batch::new(position);
                if idle && mode == Mode::Finish {
                    return Ok(());
                }
            } else if idle {
                self.journal.wait(position, wait);
            }
        }
    }

    /// How long until the batch should be committed; nothing once it is due.
    fn time_left(&self, batch: &Batch) -> Duration {
        let Some((first, last)) = batch.read else {
            return IDLE;
        };
        if batch.rows >= self.config.rows || batch.bytes >= self.config.bytes {
            return Duration::ZERO;
        }
        let due = (first + self.config.interval).min(last + self.config.quiet);
        due.saturating_duration_since(Instant::now())
    }

    /// Waits until the archive writer takes the batch; false when it has ended.
    fn hand_over(&self, mut batch: Batch, to: u64) -> Result<bool, Error> {
        // Built here, so that it overlaps with the commit before.
        batch.build(1).map_err(|error| self.unfit(&error))?;
        debug_assert_eq!(batch.to, to);
        Ok(self.hand_over.send(batch).is_ok())
    }

    fn unfit(&self, error: &arrow_schema::ArrowError) -> Error {
        let folder = self.journal.folder().display();
        Error::Mismatch(format!(
            "rows made from the journal {folder} do not fit their table: {error}"
        ))
    }
}
