//! The thread that commits.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use blotter_archive::{Archive, Location, Transaction};
use blotter_schemas::tables::Table;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::CONSUMER;
use super::batch::Batch;
use super::signal::Signal;
use super::versions::{Versions, committed};
use crate::Error;
use crate::config::CommitConfig;
use crate::journal::Journal;

/// Pause after the first failed attempt; doubled after each further one.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct ArchiveWriter {
    pub location: Location,
    /// Collector and journal: the name under which the archive remembers how far we came.
    pub app_id: String,
    pub config: CommitConfig,
    pub journal: Arc<Journal>,
    pub signal: Signal,
}

/// Why the writer ends before its time.
enum End {
    /// It was told to.
    Abandoned,
    /// It must not go on.
    Error(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl ArchiveWriter {
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
        let archive = match runtime.block_on(self.open()) {
            Ok((archive, versions)) => {
                if ready.send(Ok(versions)).is_err() {
                    return;
                }
                archive
            }
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        match self.work(&runtime, &archive, batches) {
            Ok(()) | Err(End::Abandoned) => {}
            Err(End::Error(error)) => tracing::error!(
                "{error}; nothing more goes into the archive until this is put right and the collector is restarted; \
                 requests are taken as long as the journal has room"
            ),
        }
    }

    async fn open(&self) -> Result<(Archive, Versions), Error> {
        let archive = Archive::open_or_create(&self.location)
            .await
            .map_err(|error| Error::archive(&self.location, error))?;
        let end = self.journal.end();
        let versions = Versions::read(&archive, &self.location, &self.app_id, end).await?;
        Ok((archive, versions))
    }

    fn work(
        &self,
        runtime: &Runtime,
        archive: &Archive,
        batches: &Receiver<Batch>,
    ) -> Result<(), End> {
        while let Ok(batch) = batches.recv() {
            let started = Instant::now();
            let (from, to, rows) = (batch.from, batch.to, batch.rows);
            let tables = batch.finish().map_err(|error| {
                End::Error(Error::archive(&self.location, blotter_archive::Error::Arrow(error)))
            })?;
            for (table, batches) in tables {
                let commit = self.commit(archive, table, &batches, from, to);
                runtime.block_on(async {
                    tokio::select! {
                        committed = commit => committed,
                        () = self.signal.abandoned() => Err(End::Abandoned),
                    }
                })?;
            }
            // Every table that had rows holds them: all lie at `to`, so that is the minimum. A cursor
            // that could not be written only means that these records are looked at again.
            if let Err(error) = self.journal.advance(CONSUMER, to) {
                tracing::error!("{error}");
            }
            let milliseconds = started.elapsed().as_millis();
            tracing::debug!(from, to, rows, milliseconds, "committed");
        }
        Ok(())
    }

    /// Appends rows until the table has them, however long that takes.
    async fn commit(
        &self,
        archive: &Archive,
        table: Table,
        batches: &[RecordBatch],
        from: u64,
        to: u64,
    ) -> Result<(), End> {
        let mut pause = FIRST_BACKOFF;
        loop {
            let transaction = Transaction {
                app_id: self.app_id.clone(),
                version: i64::try_from(to).unwrap_or(i64::MAX),
            };
            let failed = match archive.append(table, batches.to_vec(), Some(transaction)).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            tracing::warn!(
                "cannot commit records {from} to {to} to table {table}: {failed}; trying again"
            );
            // The commit may have been made all the same: only a fresh look says whether to repeat it.
            loop {
                tokio::time::sleep(with_jitter(pause)).await;
                pause = pause.saturating_mul(2).min(self.config.max_backoff);
                match committed(archive, table, &self.app_id).await {
                    Ok(version) if version >= to => return Ok(()),
                    Ok(version) if version <= from => break,
                    Ok(version) => {
                        return Err(End::Error(Error::Mismatch(format!(
                            "table {table} of the archive {} came to hold records up to {version} while this collector \
                             was committing {from} to {to}: another process writes under its name",
                            self.location
                        ))));
                    }
                    Err(error) => {
                        tracing::warn!("cannot read table {table}: {error}; trying again")
                    }
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
