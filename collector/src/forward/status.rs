//! What has become of the records for a destination, counted since the start, and how it is doing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::letter_index::KeptLetters;

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
    /// Dead letters that lie in its folder, whoever set them aside.
    pub kept: KeptLetters,
    /// Why nothing goes there at the moment; none while something does.
    pub failing: Option<String>,
    /// What is odd although it takes requests.
    pub warning: Option<String>,
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
    /// Requests that it took with an answer that is none of OTLP.
    pub unexpected_answers: u64,
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
    unexpected_answers: AtomicU64,
    kept: Mutex<KeptLetters>,
    failing: Mutex<Option<String>>,
    warning: Mutex<Option<String>>,
    /// Whether it got everything before its thread ended.
    complete: AtomicBool,
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
        add(&self.unexpected_answers, more.unexpected_answers);
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
            unexpected_answers: get(&self.unexpected_answers),
        }
    }

    /// Sets why nothing goes there; what it was before.
    pub(super) fn set_failing(&self, reason: Option<String>) -> Option<String> {
        std::mem::replace(&mut *lock(&self.failing), reason)
    }

    pub(super) fn failing(&self) -> Option<String> {
        lock(&self.failing).clone()
    }

    /// Sets what is odd; what it was before.
    pub(super) fn set_warning(&self, warning: Option<String>) -> Option<String> {
        std::mem::replace(&mut *lock(&self.warning), warning)
    }

    pub(super) fn warning(&self) -> Option<String> {
        lock(&self.warning).clone()
    }

    pub(super) fn set_kept(&self, kept: KeptLetters) {
        *lock(&self.kept) = kept;
    }

    pub(super) fn kept(&self) -> KeptLetters {
        *lock(&self.kept)
    }

    /// Everything that the journal held at the end went there.
    pub(super) fn set_complete(&self) {
        self.complete.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Relaxed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nobody panics with it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
