//! What is counted of the journal.

use std::sync::atomic::AtomicU64;

use crate::operation::histogram::{DISK, Histogram};

/// Counts writes, since the start.
#[derive(Debug)]
pub(crate) struct JournalMeter {
    /// A group of requests, written and synced.
    pub append: Histogram,
    /// The sync alone.
    pub sync: Histogram,
    /// Bytes written.
    pub bytes: AtomicU64,
}

impl JournalMeter {
    pub(super) fn new() -> Self {
        Self { append: Histogram::new(DISK), sync: Histogram::new(DISK), bytes: AtomicU64::new(0) }
    }
}
