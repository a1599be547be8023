//! Commits batches to the tables, and the thread that does.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use blotter_archive::{Archive, Location, Transaction};
use blotter_schemas::tables::Table;
use tokio::sync::oneshot;

use super::CONSUMER;
use super::batch::Batch;
use super::meter::CommitMeter;
use super::signal::Signal;
use super::versions::{Versions, committed};
use crate::Error;
use crate::journal::Journal;

/// Pause after the first failed attempt; doubled after each further one.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// Commits batches, step by step.
#[derive(Debug)]
pub(crate) struct ArchiveWriter {
    archive: Archive,
    /// Collector and journal: the name under which the archive remembers how far we came.
    app_id: String,
    journal: Arc<Journal>,
}

/// A batch on its way into the tables.
#[derive(Debug)]
pub(crate) struct Commit {
    started: Instant,
    from: u64,
    to: u64,
    rows: usize,
    /// What is not committed yet.
    tables: VecDeque<(Table, Vec<RecordBatch>)>,
    /// Whether the first of them may have been committed by an attempt whose answer was an error.
    uncertain: bool,
}

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It got on; there is more to do.
    Onward,
    /// It did not work; the same step is to be tried again after a pause.
    Failed,
    /// Everything is committed, and the journal was told.
    Done,
}

impl ArchiveWriter {
    /// Opens the archive, creating it where there is none, and reads what it holds of the journal.
    ///
    /// # Errors
    /// When the archive cannot be opened, or holds more than the journal ever had.
    pub(crate) async fn open(
        location: &Location,
        collector_id: &str,
        journal: Arc<Journal>,
    ) -> Result<(Self, Versions), Error> {
        let app_id = format!("{collector_id}/{}", journal.incarnation());
        let archive = Archive::open_or_create(location)
            .await
            .map_err(|error| Error::archive(location, error))?;
        let versions = Versions::read(&archive, location, &app_id, journal.end()).await?;
        Ok((Self { archive, app_id, journal }, versions))
    }

    /// Takes a batch apart for [`ArchiveWriter::step`].
    ///
    /// # Errors
    /// When its rows do not fit their table.
    pub(crate) fn begin(&self, batch: Batch) -> Result<Commit, Error> {
        let (from, to, rows) = (batch.from, batch.to, batch.rows);
        let tables = batch.finish().map_err(|error| {
            Error::archive(self.archive.location(), blotter_archive::Error::Arrow(error))
        })?;
        let tables = tables.collect();
        Ok(Commit { started: Instant::now(), from, to, rows, tables, uncertain: false })
    }

    /// One step: one attempt to commit to one table, or one look at what became of it, or, once every
    /// table has its rows, the cursor.
    ///
    /// # Errors
    /// When it must not go on.
    pub(crate) async fn step(&self, commit: &mut Commit) -> Result<Step, Error> {
        let Commit { from, to, .. } = *commit;
        let Some((table, batches)) = commit.tables.front() else {
            // Every table that had rows holds them: all lie at `to`, so that is the minimum. A cursor
            // that could not be written only means that these records are looked at again.
            if let Err(error) = self.journal.advance(CONSUMER, to) {
                tracing::error!("{error}");
            }
            let milliseconds = commit.started.elapsed().as_millis();
            tracing::debug!(from, to, rows = commit.rows, milliseconds, "committed");
            return Ok(Step::Done);
        };
        let table = *table;
        // After a failed attempt the commit may have been made all the same: only a fresh look says
        // whether to repeat it.
        if commit.uncertain {
            return match committed(&self.archive, table, &self.app_id).await {
                Ok(version) if version >= to => {
                    commit.next_table();
                    Ok(Step::Onward)
                }
                Ok(version) if version <= from => {
                    commit.uncertain = false;
                    Ok(Step::Onward)
                }
                Ok(version) => Err(Error::Mismatch(format!(
                    "table {table} of the archive {} came to hold records up to {version} while this collector \
                     was committing {from} to {to}: another process writes under its name",
                    self.archive.location()
                ))),
                Err(error) => {
                    tracing::warn!("cannot read table {table}: {error}; trying again");
                    Ok(Step::Failed)
                }
            };
        }
        let transaction = Transaction {
            app_id: self.app_id.clone(),
            version: i64::try_from(to).unwrap_or(i64::MAX),
        };
        match self.archive.append(table, batches.clone(), Some(transaction)).await {
            Ok(_) => {
                commit.next_table();
                Ok(Step::Onward)
            }
            Err(error) => {
                tracing::warn!(
                    "cannot commit records {from} to {to} to table {table}: {error}; trying again"
                );
                commit.uncertain = true;
                Ok(Step::Failed)
            }
        }
    }
}

impl Commit {
    fn next_table(&mut self) {
        self.tables.pop_front();
        self.uncertain = false;
    }
}

/// What the thread that commits is started with.
#[derive(Debug)]
pub(super) struct Thread {
    pub location: Location,
    pub collector_id: String,
    pub max_backoff: Duration,
    pub journal: Arc<Journal>,
    pub signal: Signal,
    pub meter: Arc<CommitMeter>,
}

impl Thread {
    /// Opens the archive, says so, and commits what it is given until it is told to end.
    pub(super) fn run(
        self,
        ready: oneshot::Sender<Result<Versions, Error>>,
        batches: &Receiver<Batch>,
    ) {
        // A runtime of its own on this thread: its tasks have this thread's priority and cannot take
        // a turn of those that serve connections.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => {
                let reason = error.to_string();
                let _ = ready.send(Err(Error::Thread { thread: "archive-write", reason }));
                return;
            }
        };
        let open =
            ArchiveWriter::open(&self.location, &self.collector_id, Arc::clone(&self.journal));
        let writer = match runtime.block_on(open) {
            Ok((writer, versions)) => {
                if ready.send(Ok(versions)).is_err() {
                    return;
                }
                writer
            }
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        while let Ok(batch) = batches.recv() {
            let committed = runtime.block_on(async {
                tokio::select! {
                    committed = self.commit(&writer, batch) => committed.map(|()| true),
                    () = self.signal.abandoned() => Ok(false),
                }
            });
            match committed {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::error!(
                        "{error}; nothing more goes into the archive until this is put right and the collector is restarted; \
                         requests are taken as long as the journal has room"
                    );
                    self.meter.stop();
                    return;
                }
            }
        }
    }

    /// Steps until every table has its rows, however long that takes.
    async fn commit(&self, writer: &ArchiveWriter, batch: Batch) -> Result<(), Error> {
        let mut commit = writer.begin(batch)?;
        let mut pause = FIRST_BACKOFF;
        loop {
            match writer.step(&mut commit).await? {
                Step::Onward => {}
                Step::Failed => {
                    self.meter.failed();
                    tokio::time::sleep(with_jitter(pause)).await;
                    pause = pause.saturating_mul(2).min(self.max_backoff);
                }
                Step::Done => {
                    self.meter.committed(commit.rows, commit.started.elapsed());
                    return Ok(());
                }
            }
        }
    }
}

/// Between half and all of `pause`, so that collectors that failed together do not return together.
fn with_jitter(pause: Duration) -> Duration {
    let random = u32::try_from(uuid::Uuid::new_v4().as_u128() & 0xffff).unwrap_or_default();
    pause / 2 + pause.saturating_mul(random) / (2 * 0x1_0000)
}
