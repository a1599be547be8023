//! What a scan had to read.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a scan had to read, next to what there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanStatistics {
    /// Files of the table.
    pub files_total: u64,
    /// Files of which anything was read.
    pub files_read: u64,
    /// Row groups of the files that were opened.
    pub row_groups_total: u64,
    /// Row groups of which pages were read.
    pub row_groups_read: u64,
    /// Data pages of the wanted columns in the files of which row groups were read.
    pub pages_total: u64,
    /// Data pages that were read.
    pub pages_read: u64,
    /// Bytes of the files of the table.
    pub bytes_total: u64,
    /// Bytes that were asked of the store, footers, indexes and Bloom filters included.
    pub bytes_read: u64,
    /// Rows that statistics could not rule out: they were decoded and tested.
    pub rows_read: u64,
    /// Rows that were handed out.
    pub rows_returned: u64,
    /// Rows that were left out as copies of others.
    pub copies_dropped: u64,
}

/// A number that grows while files are read.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The statistics while they are made.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) files_total: Counter,
    pub(crate) files_read: Counter,
    pub(crate) row_groups_total: Counter,
    pub(crate) row_groups_read: Counter,
    pub(crate) pages_total: Counter,
    pub(crate) pages_read: Counter,
    pub(crate) bytes_total: Counter,
    pub(crate) bytes_read: Counter,
    pub(crate) rows_read: Counter,
    pub(crate) rows_returned: Counter,
    pub(crate) copies_dropped: Counter,
}

impl Counters {
    pub(crate) fn snapshot(&self) -> ScanStatistics {
        ScanStatistics {
            files_total: self.files_total.get(),
            files_read: self.files_read.get(),
            row_groups_total: self.row_groups_total.get(),
            row_groups_read: self.row_groups_read.get(),
            pages_total: self.pages_total.get(),
            pages_read: self.pages_read.get(),
            bytes_total: self.bytes_total.get(),
            bytes_read: self.bytes_read.get(),
            rows_read: self.rows_read.get(),
            rows_returned: self.rows_returned.get(),
            copies_dropped: self.copies_dropped.get(),
        }
    }
}
