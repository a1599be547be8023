//! Reads the journal and decides when there is enough for a commit.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use super::CONSUMER;
use super::batch::Batch;
use super::meter::CommitMeter;
use super::signal::{Mode, Signal};
use super::versions::Versions;
use crate::Error;
use crate::config::CommitConfig;
use crate::journal::{Journal, Reader};

/// Longest wait for something new; whatever changes wakes us earlier.
const IDLE: Duration = Duration::from_secs(60);

/// Reads the journal behind its writer and makes batches, step by step.
#[derive(Debug)]
pub(crate) struct Collect {
    collector_id: String,
    /// What the tables held when we started.
    versions: Versions,
    config: CommitConfig,
    journal: Arc<Journal>,
    reader: Reader,
    /// Position after the last record that was read.
    position: u64,
    batch: Batch,
}

/// What a step came to.
#[derive(Debug)]
pub(crate) enum Step {
    /// One more request is in the batch that is being made.
    Read,
    /// Nothing is left to read, and no batch is due for this long.
    Idle(Duration),
    /// A batch is to be committed.
    Due(Batch),
    /// Everything the journal holds was handed over; said only when that was asked for.
    End,
}

impl Collect {
    /// Goes on where the consumer's cursor says.
    pub(crate) fn new(
        config: CommitConfig,
        collector_id: String,
        versions: Versions,
        journal: Arc<Journal>,
    ) -> Self {
        let position = journal.cursor(CONSUMER);
        let reader = journal.reader(position);
        let batch = Batch::new(position);
        Self { collector_id, versions, config, journal, reader, position, batch }
    }

    /// Steps until it is told to end, on a thread of its own.
    pub(super) fn run(
        mut self,
        signal: &Signal,
        hand_over: &SyncSender<Batch>,
        meter: &CommitMeter,
    ) {
        loop {
            let mode = signal.get();
            if mode == Mode::Abandon {
                return;
            }
            match self.step(mode == Mode::Finish) {
                Ok(Step::Read) => {}
                Ok(Step::Idle(wait)) => self.journal.wait(self.position, wait),
                // Waits until the archive writer takes the batch; an error says that it has ended.
                Ok(Step::Due(batch)) => {
                    if hand_over.send(batch).is_err() {
                        return;
                    }
                }
                Ok(Step::End) => return,
                Err(error) => {
                    tracing::error!(
                        "{error}; nothing more goes into the archive until this is put right and the collector is restarted; \
                         requests are taken as long as the journal has room"
                    );
                    meter.stop();
                    return;
                }
            }
        }
    }

    /// Reads one request, or says that a batch is due. With `finish`, one is due as soon as nothing
    /// is left to read.
    ///
    /// # Errors
    /// When the journal cannot be read any more, or what it holds does not fit the tables.
    pub(crate) fn step(&mut self, finish: bool) -> Result<Step, Error> {
        let entry = self.reader.next()?;
        let idle = entry.is_none();
        if let Some(entry) = entry {
            self.position = entry.end();
            let pushed = self.batch.push(&entry, &self.collector_id, &self.versions);
            pushed.map_err(|error| self.unfit(&error))?;
        }
        let wait = self.time_left();
        if wait.is_zero() || (idle && finish && self.batch.read.is_some()) {
            let mut batch = std::mem::replace(&mut self.batch, Batch::new(self.position));
            // Built here, so that it overlaps with the commit before.
            batch.build(1).map_err(|error| self.unfit(&error))?;
            return Ok(Step::Due(batch));
        }
        Ok(match (idle, finish) {
            (false, _) => Step::Read,
            (true, false) => Step::Idle(wait),
            (true, true) => Step::End,
        })
    }

    /// How long until the batch should be committed; nothing once it is due.
    fn time_left(&self) -> Duration {
        let batch = &self.batch;
        let Some((first, last)) = batch.read else {
            return IDLE;
        };
        if batch.rows >= self.config.rows || batch.bytes >= self.config.bytes {
            return Duration::ZERO;
        }
        let due = (first + self.config.interval).min(last + self.config.quiet);
        due.saturating_duration_since(Instant::now())
    }

    fn unfit(&self, error: &arrow_schema::ArrowError) -> Error {
        let folder = self.journal.folder().display();
        Error::Mismatch(format!(
            "rows made from the journal {folder} do not fit their table: {error}"
        ))
    }
}
