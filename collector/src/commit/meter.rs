//! What is counted of commits.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::operation::histogram::{COMMIT, Histogram};

/// Counts commits, since the start.
#[derive(Debug)]
pub(crate) struct CommitMeter {
    /// From the first attempt until every table has its rows.
    pub latency: Histogram,
    /// Attempts that are made again.
    pub failures: AtomicU64,
    /// Rows written.
    pub rows: AtomicU64,
    /// Milliseconds since the epoch; 0 for none yet.
    last: AtomicU64,
    /// Nothing is written any more until the next start.
    stopped: AtomicBool,
}

impl CommitMeter {
    pub(crate) fn new() -> Self {
        Self {
            latency: Histogram::new(COMMIT),
            failures: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            last: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    pub(super) fn committed(&self, rows: usize, took: Duration) {
        self.latency.observe(took);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        self.last.store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells that nothing more is written.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether it has stopped because of an error.
    pub(crate) fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// When the last commit was complete, in seconds since the epoch; none since the start.
    pub(crate) fn last_unix_seconds(&self) -> Option<f64> {
        let last = self.last.load(Ordering::Relaxed);
        (last > 0).then(|| Duration::from_millis(last).as_secs_f64())
    }
}
