//! Which requests the journal has taken lately, so that one that comes again is acknowledged again and
//! not written again.
//!
//! A sender whose acknowledgement was lost sends the same bytes once more. Two requests are the same
//! when sender, signal, encoding and the body as it was journalled are the same: no sender's request can
//! stand for another's. The address does not count: a retry may come over another connection. Two
//! requests that a sender really meant to send twice are one as well, as their records have the same
//! `event_id`.
//!
//! **How long.** At least [`KEPT`], or until [`ROOM`] newer requests have been taken. Time is that of
//! receipt, as the entries have it, counted from entry to entry: a step back counts as none, so that a
//! clock that was put back keeps nothing for ever, and a step forward counts as [`STEP`] at most, so
//! that a clock that jumps ahead does not forget everything at once. A pause (a night, a collector that
//! was not running) is such a step too: what came before it is then kept longer, never shorter.
//!
//! **Where.** In memory, found again at start in the entries that the journal still has and, for those
//! of deleted segments, in [`files`] that were written before the deletion.

pub(super) mod files;
mod format;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::entry::{self, Entry, Record};

/// How long a request is remembered at least.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Most that one step from a request to the next counts.
const STEP: Duration = Duration::from_secs(60 * 60);
/// Most requests that are remembered: some 60 MB. At 10 requests a second all day none is forgotten
/// early.
pub(super) const ROOM: usize = 900_000;
/// Context of the digest, for key derivation: the same bytes hashed for another purpose give another
/// digest.
const CONTEXT: &str = "blotter 2026-11 digest of a journalled request";

/// Digest of a request: of whose it is, what it is, and its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; 16]);

impl Digest {
    /// Takes as long as the body is long: some 0.3 ms for a MiB.
    pub(crate) fn of(record: &Record) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        // The length keeps what follows apart; none and empty are not the same.
        let sender = record.sender.as_deref();
        let length = sender.map_or(u64::MAX, |sender| sender.len() as u64);
        hasher.update(&length.to_le_bytes());
        hasher.update(sender.unwrap_or_default().as_bytes());
        hasher.update(&[entry::signal_code(record.signal), entry::encoding_code(record.encoding)]);
        hasher.update(&record.body);
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        Self(digest)
    }
}

/// A request that is durable in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub digest: Digest,
    /// Position of its first record.
    pub position: u64,
    /// Time of receipt, nanoseconds since the epoch.
    pub received_unix_nano: i64,
}

impl From<&Entry> for Taken {
    fn from(entry: &Entry) -> Self {
        Self {
            digest: Digest::of(&entry.record),
            position: entry.first,
            received_unix_nano: entry.record.received_unix_nano,
        }
    }
}

/// The requests taken lately.
#[derive(Debug)]
pub(super) struct Digests {
    positions: HashMap<Digest, u64>,
    /// In the order of positions.
    taken: VecDeque<Taken>,
    /// Time from the first to the last of them, as counted here.
    span: Duration,
    room: usize,
    counts: Counts,
}

/// What has happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Requests that were acknowledged again and not written again.
    pub again: u64,
    /// Requests forgotten before their time because too many newer ones came.
    pub crowded_out: u64,
}

impl Digests {
    /// Remembers `room` requests at most.
    pub(super) fn new(room: usize) -> Self {
        Self {
            positions: HashMap::new(),
            taken: VecDeque::new(),
            span: Duration::ZERO,
            room,
            counts: Counts::default(),
        }
    }

    /// Position of the first record of a request that was taken before, and is now acknowledged again.
    pub(super) fn find(&mut self, digest: &Digest, received_unix_nano: i64) -> Option<u64> {
        self.forget(received_unix_nano);
        let position = self.positions.get(digest).copied()?;
        self.counts.again += 1;
        Some(position)
    }

    /// Counts a request that is acknowledged together with an equal one that was not durable yet.
    pub(super) fn count_again(&mut self) {
        self.counts.again += 1;
    }

    /// Remembers a durable request. They come in the order of their positions; one that is not behind
    /// the last is known already.
    pub(super) fn add(&mut self, taken: Taken) {
        if self.taken.back().is_some_and(|last| taken.position <= last.position) {
            return;
        }
        self.forget(taken.received_unix_nano);
        self.span += self.step_to(taken.received_unix_nano);
        self.taken.push_back(taken);
        self.positions.insert(taken.digest, taken.position);
        while self.taken.len() > self.room {
            self.forget_first();
            self.counts.crowded_out += 1;
        }
    }

    /// Those from one position up to before another.
    pub(super) fn between(&self, from: u64, to: u64) -> Vec<Taken> {
        let start = self.taken.partition_point(|taken| taken.position < from);
        let end = self.taken.partition_point(|taken| taken.position < to);
        self.taken.range(start..end.max(start)).copied().collect()
    }

    /// Position of the oldest request that is remembered.
    pub(super) fn first(&self) -> Option<u64> {
        self.taken.front().map(|taken| taken.position)
    }

    /// When the oldest request was received of which a consumer at `position` needs something, as far
    /// as it is remembered, nanoseconds since the epoch.
    pub(super) fn received(&self, position: u64) -> Option<i64> {
        let after = self.taken.partition_point(|taken| taken.position <= position);
        let holds = self.taken.get(after.saturating_sub(1))?;
        Some(holds.received_unix_nano)
    }

    /// What has happened since the start.
    pub(super) const fn counts(&self) -> Counts {
        self.counts
    }

    /// What has happened since the start, or since this was called.
    pub(super) fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Drops what is too old for a request that is received now.
    fn forget(&mut self, received_unix_nano: i64) {
        let step = self.step_to(received_unix_nano);
        while self.span + step > KEPT && !self.taken.is_empty() {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        let Some(first) = self.taken.pop_front() else { return };
        if self.positions.get(&first.digest) == Some(&first.position) {
            self.positions.remove(&first.digest);
        }
        self.span = match self.taken.front() {
            Some(next) => {
                self.span.saturating_sub(step(first.received_unix_nano, next.received_unix_nano))
            }
            None => Duration::ZERO,
        };
    }

    /// What the time from the last request to `received_unix_nano` counts.
    fn step_to(&self, received_unix_nano: i64) -> Duration {
        self.taken
            .back()
            .map_or(Duration::ZERO, |last| step(last.received_unix_nano, received_unix_nano))
    }
}

fn step(from_unix_nano: i64, to_unix_nano: i64) -> Duration {
    let nanos = to_unix_nano.saturating_sub(from_unix_nano);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)).min(STEP)
}
