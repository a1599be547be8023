//! How much of the journal is kept for whom, and what is given up where that is too much.

use super::segment::Segment;
use super::{Journal, Shared, State};

/// Records that a consumer will not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shed {
    /// Position of the first of them.
    pub from: u64,
    /// Position after the last one.
    pub to: u64,
}

impl Journal {
    /// Bytes of the segments that `consumer` still needs something of.
    pub(crate) fn backlog(&self, consumer: &str) -> u64 {
        self.shared.state().backlog(consumer)
    }

    /// The oldest records, whole segments of them, that `consumer` has to let go of where no more than
    /// `budget` bytes may wait for it; it does so with [`Journal::advance`]. The segment in use always
    /// stays. None where nothing has to go.
    pub(crate) fn surplus(&self, consumer: &str, budget: u64) -> Option<Shed> {
        self.shared.state().surplus(consumer, budget)
    }

    /// What was deleted before `consumer` had it, as found when the journal was opened; told once.
    pub(crate) fn take_missed(&self, consumer: &str) -> Option<Shed> {
        self.shared.state().missed.remove(consumer)
    }
}

impl Shared {
    /// Whether a segment of `size` may be added, or why not.
    pub(super) fn room_for(&self, size: u64, max_bytes: u64) -> Result<(), &'static str> {
        let state = self.state();
        // The segment in use cannot be deleted, so beside it there is always room for another.
        if state.segments.len() < 2 {
            return Ok(());
        }
        let total: u64 = state.segments.iter().map(|segment| segment.size).sum();
        if total.saturating_add(size) > max_bytes {
            return Err("the journal is as large as it may be");
        }
        let over =
            |(name, bytes): &(String, u64)| state.backlog(name).saturating_add(size) > *bytes;
        if state.holding.iter().any(over) {
            return Err(
                "a destination that everything is held for has not taken what waits for it",
            );
        }
        Ok(())
    }
}

impl State {
    /// Each segment and the position after its last record, oldest first.
    fn ends(&self) -> impl Iterator<Item = (&Segment, u64)> {
        let next = self.segments.iter().skip(1).map(|next| next.first);
        self.segments.iter().zip(next.chain([self.durable]))
    }

    /// Segments that lie wholly before the cursor are left out; the one in use counts only as far as
    /// anything of it is needed.
    fn needed(&self, consumer: &str) -> impl Iterator<Item = (&Segment, u64)> {
        let cursor = self.cursors.get(consumer).copied().unwrap_or(0);
        self.ends().filter(move |(_, end)| *end > cursor)
    }

    pub(super) fn backlog(&self, consumer: &str) -> u64 {
        self.needed(consumer).map(|(segment, _)| segment.size).sum()
    }

    fn surplus(&self, consumer: &str, budget: u64) -> Option<Shed> {
        let mut bytes = self.backlog(consumer);
        let from = self.cursors.get(consumer).copied().unwrap_or(0);
        let mut to = from;
        let last = self.segments.last().map(|segment| segment.first);
        for (segment, end) in self.needed(consumer) {
            if bytes <= budget || Some(segment.first) == last {
                break;
            }
            bytes = bytes.saturating_sub(segment.size);
            to = end;
        }
        (to > from).then_some(Shed { from, to })
    }
}
