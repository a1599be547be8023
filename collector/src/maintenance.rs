//! Looking after the archive while the collector runs: small files are gathered, old days removed if
//! that is wanted, and files deleted that nobody needs any more.
//!
//! A thread of its own, at the lowest priority and over a handle of its own on the archive: neither an
//! acknowledgement nor a commit ever waits for it. It waits for them: while the archive is far behind
//! the journal it does not begin.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use blotter_archive::{Amount, Archive, CleanOptions, CompactOptions, Location};
use blotter_schemas::tables::Table;
use chrono::{Days, Utc};
use tokio::sync::watch;

use crate::Error;
use crate::commit::CONSUMER;
use crate::config::MaintenanceConfig;
use crate::journal::Journal;

/// Lower than that of every other thread.
const NICENESS: i32 = 19;
/// The archive is far behind when it lacks so many records of the journal.
const FAR_BEHIND: u64 = 100_000;
/// However far behind it is, after so many rounds without it maintenance is due: too many files slow
/// commits down.
const PATIENCE: u32 = 10;
/// Longest pause after others were faster again and again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// How long a commit that has begun is waited for when everything ends.
const GRACE: Duration = Duration::from_secs(5);

/// The thread that looks after the archive.
#[derive(Debug)]
pub(crate) struct Maintenance {
    /// Dropping it wakes the thread.
    wake: Option<Sender<()>>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Maintenance {
    /// Starts the thread; nothing where the configuration wants nothing done.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(crate) fn start(
        config: &MaintenanceConfig,
        location: &Location,
        journal: Arc<Journal>,
    ) -> Result<Option<Self>, Error> {
        if !config.compaction && config.keep_days.is_none() {
            return Ok(None);
        }
        let (wake, woken) = channel();
        let stop = watch::Sender::new(false);
        let work = Work {
            config: config.clone(),
            location: location.clone(),
            journal,
            stop: stop.subscribe(),
            woken,
        };
        let thread = std::thread::Builder::new()
            .name("maintenance".to_owned())
            .spawn(move || work.run())
            .map_err(|error| Error::Thread { thread: "maintenance", reason: error.to_string() })?;
        Ok(Some(Self { wake: Some(wake), stop, thread: Some(thread) }))
    }

    /// Tells the thread to end, without waiting.
    pub(crate) fn stop(&mut self) {
        self.stop.send_replace(true);
        self.wake = None;
    }
}

impl Drop for Maintenance {
    /// Waits until the thread has ended: a rewrite is given up with the next rows, a commit that has
    /// begun is waited for a few seconds.
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the maintenance thread ended by a panic");
        }
    }
}

struct Work {
    config: MaintenanceConfig,
    location: Location,
    journal: Arc<Journal>,
    stop: watch::Receiver<bool>,
    woken: Receiver<()>,
}

impl Work {
    fn run(self) {
        // On Linux this is the priority of the calling thread, and its threads inherit it.
        if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
            tracing::warn!("cannot lower the priority of the maintenance thread: {error}");
        }
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::error!("the archive is not looked after: {error}");
                return;
            }
        };
        let mut pause = self.config.interval;
        let mut cleaned: Option<Instant> = None;
        let mut waited = 0;
        while matches!(self.woken.recv_timeout(pause), Err(RecvTimeoutError::Timeout)) {
            if self.is_far_behind() && waited < PATIENCE {
                waited += 1;
                continue;
            }
            waited = 0;
            let clean = cleaned.is_none_or(|at| at.elapsed() >= self.config.clean_interval);
            let round = runtime.block_on(async {
                tokio::select! {
                    round = self.round(clean) => Some(round),
                    () = self.stopped() => None,
                }
            });
            // What others do at the same time need not be done twice.
            pause = match round {
                None => return,
                Some(Ok(0)) => self.config.interval,
                Some(Ok(lost)) => {
                    tracing::debug!(lost, "another compaction was faster");
                    pause.saturating_mul(2).min(LONGEST_PAUSE)
                }
                Some(Err(error)) => {
                    tracing::warn!("cannot look after the archive {}: {error}", self.location);
                    pause.saturating_mul(2).min(LONGEST_PAUSE)
                }
            };
            if clean {
                cleaned = Some(Instant::now());
            }
        }
    }

    fn is_far_behind(&self) -> bool {
        self.journal.end().saturating_sub(self.journal.cursor(CONSUMER)) > FAR_BEHIND
    }

    /// Returns some time after everything is to end.
    async fn stopped(&self) {
        let mut stop = self.stop.clone();
        if stop.wait_for(|stop| *stop).await.is_ok() {
            tokio::time::sleep(GRACE).await;
        }
    }

    /// Looks after every table once; how many rewrites were thrown away because others were faster.
    async fn round(&self, clean: bool) -> Result<u64, blotter_archive::Error> {
        // A handle of its own, and a new one each time: the snapshots of an idle table cost nothing.
        let archive = Archive::open(&self.location).await?;
        let mut lost = 0;
        for table in Table::ALL {
            if self.config.compaction {
                lost += self.compact(&archive, table).await?;
            }
            if clean {
                self.retain_and_clean(&archive, table).await?;
            }
            if *self.stop.borrow() {
                break;
            }
        }
        Ok(lost)
    }

    async fn compact(
        &self,
        archive: &Archive,
        table: Table,
    ) -> Result<u64, blotter_archive::Error> {
        let options = CompactOptions { least_files: self.config.least_files, tiered: true };
        let stop = &self.stop;
        let mut go_on =
            |_| if *stop.borrow() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let started = Instant::now();
        let done = archive.compact(table, &options, &mut go_on).await?;
        if done.commits > 0 {
            tracing::info!(
                %table,
                files = done.files_before,
                into = done.files_after,
                rows = done.rows,
                copies_dropped = done.copies_dropped,
                milliseconds = started.elapsed().as_millis(),
                "compacted"
            );
        }
        Ok(done.lost)
    }

    async fn retain_and_clean(
        &self,
        archive: &Archive,
        table: Table,
    ) -> Result<(), blotter_archive::Error> {
        let before = self
            .config
            .keep_days
            .and_then(|days| Utc::now().date_naive().checked_sub_days(Days::new(days.into())));
        if let Some(before) = before {
            let removed = archive.retain(table, before, false).await?;
            if removed.files > 0 {
                let (days, rows) = (removed.days.len(), removed.rows);
                tracing::info!(%table, days, rows, %before, "removed old days");
            }
        }
        let cleaned = archive.clean(table, &CleanOptions::default()).await?;
        let Amount { files, bytes } = cleaned.replaced;
        let orphans = cleaned.orphans.files + cleaned.unfinished.files;
        if files + orphans > 0 {
            tracing::info!(%table, replaced = files, bytes, orphans, "deleted files");
        }
        Ok(())
    }
}
