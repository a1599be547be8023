//! What a file holds: what reads see, what is on the disk, and what lies between.

use super::mood::Moods;

/// Bytes that are written whole or not at all.
const SECTOR: usize = 512;

/// The content of one file.
#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    /// What reads see.
    cached: Vec<u8>,
    /// What is on the disk for certain.
    durable: Vec<u8>,
    /// What was done since, in order.
    pending: Vec<Change>,
    /// A sync failed: reads may see what is on no disk and is not pending either.
    doubtful: bool,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                if let Some(place) = content.get_mut(*offset..end) {
                    place.copy_from_slice(bytes);
                }
            }
            Self::Length(length) => content.resize(*length, 0),
        }
    }

    /// The bytes it may change: first, and after the last.
    const fn range(&self) -> (usize, usize) {
        match self {
            Self::Write { offset, bytes } => (*offset, *offset + bytes.len()),
            Self::Length(length) => (*length, usize::MAX),
        }
    }

    /// Does to the sector that begins at `start` what it does to the file.
    fn apply_to_sector(&self, start: usize, sector: &mut [u8]) {
        let (from, to) = self.range();
        let (from, to) = (from.max(start), to.min(start + sector.len()));
        let Some(place) = sector.get_mut(from.saturating_sub(start)..to - start) else { return };
        match self {
            Self::Write { offset, bytes } => {
                place.copy_from_slice(bytes.get(from - offset..to - offset).unwrap_or_default());
            }
            Self::Length(_) => place.fill(0),
        }
    }
}

impl Content {
    fn of(bytes: Vec<u8>) -> Self {
        Self { cached: bytes.clone(), durable: bytes, ..Self::default() }
    }

    pub(super) fn cached(&self) -> &[u8] {
        &self.cached
    }

    pub(super) fn write(&mut self, offset: usize, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.change(Change::Write { offset, bytes });
        }
    }

    pub(super) fn set_len(&mut self, length: usize) {
        if self.cached.len() != length {
            self.change(Change::Length(length));
        }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.cached);
        self.pending.push(change);
    }

    /// Puts everything on the disk.
    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// A sync that fails: some of it reaches the disk, the rest is given up, yet still read.
    pub(super) fn fail_to_sync(&mut self, moods: &mut Moods) {
        self.durable = self.survivor(moods);
        self.doubtful |= !self.pending.is_empty();
        self.pending.clear();
    }

    /// As it is found by the next process. Memory that was given up may have been needed for
    /// something else meanwhile.
    pub(super) fn after_process_death(&self, moods: &mut Moods) -> Self {
        let mut found = self.clone();
        if self.doubtful && moods.random.chance(1, 2) {
            found.cached.clone_from(&self.durable);
            for change in &self.pending {
                change.apply(&mut found.cached);
            }
            found.doubtful = false;
        }
        found
    }

    /// As it is found after a power cut.
    pub(super) fn after_power_cut(&self, moods: &mut Moods) -> Self {
        Self::of(self.survivor(moods))
    }

    /// What a power cut leaves: of every sector any of the states it had since the last sync,
    /// independently of the others, and of the length as well.
    fn survivor(&self, moods: &mut Moods) -> Vec<u8> {
        if self.pending.is_empty() {
            return self.durable.clone();
        }
        let mood = moods.draw(self.pending.len());
        let mut length = self.durable.len();
        let mut reached = length;
        let mut most = length;
        for (index, change) in self.pending.iter().enumerate() {
            let next = match change {
                Change::Write { .. } => reached.max(change.range().1),
                Change::Length(next) => *next,
            };
            if next != reached && moods.keeps(mood, index) {
                // A file may have grown by a part.
                let part = next > reached && moods.random.chance(1, 8);
                length = if part {
                    let sectors = (next - reached).div_ceil(SECTOR);
                    (reached + moods.random.index(sectors + 1) * SECTOR).min(next)
                } else {
                    next
                };
            }
            reached = next;
            most = most.max(next);
        }
        let mut left = self.durable.clone();
        left.resize(most, 0);
        for (number, sector) in left.chunks_mut(SECTOR).enumerate() {
            let start = number * SECTOR;
            let end = start + sector.len();
            let touches = |change: &Change| {
                let (from, to) = change.range();
                from < end && to > start
            };
            let mut kept = 0;
            for (index, change) in self.pending.iter().enumerate() {
                if touches(change) && moods.keeps(mood, index) {
                    kept = index + 1;
                }
            }
            for change in self.pending.iter().take(kept) {
                if touches(change) {
                    change.apply_to_sector(start, sector);
                }
            }
        }
        left.resize(length, 0);
        left
    }
}
