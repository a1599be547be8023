//! What has become of the records for a destination, counted since the start.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What has become of the records for a destination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DestinationStatus {
    /// Its name.
    pub name: String,
    /// Position of the first record of the journal that it still needs.
    pub position: u64,
    /// Records of the journal that it has not passed yet.
    pub waiting_records: u64,
    /// Bytes of the journal that are kept for it.
    pub waiting_bytes: u64,
    /// Counted since the start.
    pub counts: Counts,
    /// Why it takes nothing at the moment; none while it does.
    pub failing: Option<String>,
}

/// Numbers since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that it has taken.
    pub forwarded: u64,
    /// Records that it said it would not take, in requests that it took otherwise.
    pub rejected: u64,
    /// Records that were set aside as dead letters.
    pub dead_letters: u64,
    /// Dead letters that were removed to make room for newer ones.
    pub dead_letters_removed: u64,
    /// Records that were given up because too much waited.
    pub shed: u64,
    /// Attempts that are made again later.
    pub retries: u64,
}

/// The same, while it changes.
#[derive(Debug, Default)]
pub(crate) struct Status {
    forwarded: AtomicU64,
    rejected: AtomicU64,
    dead_letters: AtomicU64,
    dead_letters_removed: AtomicU64,
    shed: AtomicU64,
    retries: AtomicU64,
    failing: Mutex<Option<String>>,
}

impl Status {
    pub(super) fn add(&self, more: Counts) {
        let add = |counter: &AtomicU64, more| counter.fetch_add(more, Ordering::Relaxed);
        add(&self.forwarded, more.forwarded);
        add(&self.rejected, more.rejected);
        add(&self.dead_letters, more.dead_letters);
        add(&self.dead_letters_removed, more.dead_letters_removed);
        add(&self.shed, more.shed);
        add(&self.retries, more.retries);
    }

    pub(crate) fn counts(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            forwarded: get(&self.forwarded),
            rejected: get(&self.rejected),
            dead_letters: get(&self.dead_letters),
            dead_letters_removed: get(&self.dead_letters_removed),
            shed: get(&self.shed),
            retries: get(&self.retries),
        }
    }

    /// Sets why nothing is taken; what it was before.
    pub(super) fn set_failing(&self, reason: Option<String>) -> Option<String> {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *failing, reason)
    }

    pub(super) fn failing(&self) -> Option<String> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
