//! How the journal stands: for operators, not for the line.

use super::meter::JournalMeter;
use super::{Journal, Shared};

/// How the journal stands at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Position after the last durable record.
    pub end: u64,
    /// Bytes of all segment files.
    pub bytes: u64,
    /// How many they are.
    pub segments: usize,
    /// Its consumers, by name.
    pub consumers: Vec<Waiting>,
    /// Requests that were acknowledged again and not written again, since the start.
    pub again: u64,
}

/// What waits for a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// The consumer.
    pub name: String,
    /// Records that it has not passed.
    pub records: u64,
    /// Bytes of the segments that are kept for it; those of the segment in use only where it needs it.
    pub bytes: u64,
    /// When the oldest of these records was received, nanoseconds since the epoch; of one that waits
    /// for more than a day, perhaps later. None where none waits.
    pub oldest_unix_nano: Option<i64>,
}

impl Journal {
    /// How it stands.
    pub(crate) fn standing(&self) -> Standing {
        let (mut standing, cursors) = {
            let state = self.shared.state();
            let cursors = state.cursors.clone();
            let waiting = |name: &String| Waiting {
                name: name.clone(),
                records: 0,
                bytes: state.backlog(name),
                oldest_unix_nano: None,
            };
            let standing = Standing {
                end: state.durable,
                bytes: state.segments.iter().map(|segment| segment.size).sum(),
                segments: state.segments.len(),
                consumers: cursors.keys().map(waiting).collect(),
                again: 0,
            };
            (standing, cursors)
        };
        let digests = self.shared.digests();
        standing.again = digests.counts().again;
        for waiting in &mut standing.consumers {
            let cursor = cursors.get(&waiting.name).copied().unwrap_or(0);
            waiting.records = standing.end.saturating_sub(cursor);
            if waiting.records > 0 {
                waiting.oldest_unix_nano = digests.received(cursor);
            } else {
                waiting.bytes = 0;
            }
        }
        drop(digests);
        standing
    }

    /// What was counted of its writes.
    pub(crate) fn meter(&self) -> &JournalMeter {
        &self.shared.meter
    }

    /// Why it would not take a request now, as far as is known without writing: the reason in a word,
    /// and in words. `free` is the space on its disk, where that is known.
    pub(crate) fn unwritable(&self, free: Option<u64>) -> Option<(&'static str, String)> {
        let Shared { config, .. } = &*self.shared;
        let (failed, closed, full) = {
            let state = self.shared.state();
            (state.failed.clone(), state.closed, state.full)
        };
        if let Some(reason) = failed {
            return Some(("journal_failed", reason));
        }
        if closed {
            return Some(("stopping", "the collector is stopping".to_owned()));
        }
        // It was full when it was last asked; somebody may have made room since.
        full?;
        let full = |reason: &str| Some(("journal_full", format!("the journal is full: {reason}")));
        if let Err(reason) = self.shared.room_for(config.segment_bytes, config.max_bytes) {
            return full(reason);
        }
        match free {
            Some(free) if free < config.segment_bytes => full("the disk is full"),
            _ => None,
        }
    }
}

impl Shared {
    /// Remembers that a request was refused for want of room, or taken again.
    pub(super) fn set_full(&self, full: Option<&'static str>) {
        self.state().full = full;
    }
}
