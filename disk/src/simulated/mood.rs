//! Which of the changes that were not synced a power cut leaves.

use super::random::Random;

/// How a power cut treats changes that were made one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mood {
    /// All are lost.
    Nothing,
    /// All are kept.
    Everything,
    /// Each is kept with this chance out of 8.
    Some(u64),
    /// Those before this one are kept.
    Before(usize),
    /// Those from this one on are kept, the ones before are lost.
    From(usize),
}

/// Where moods come from: one seed decides a whole power cut.
#[derive(Debug)]
pub(super) struct Moods {
    always: Option<Mood>,
    pub random: Random,
}

impl Moods {
    /// Seed 0 loses everything, seed 1 keeps everything, the others draw.
    pub(super) const fn new(seed: u64) -> Self {
        let always = match seed {
            0 => Some(Mood::Nothing),
            1 => Some(Mood::Everything),
            _ => None,
        };
        Self { always, random: Random::new(seed) }
    }

    /// One for `changes` changes.
    pub(super) fn draw(&mut self, changes: usize) -> Mood {
        if let Some(always) = self.always {
            return always;
        }
        match self.random.below(8) {
            0 => Mood::Nothing,
            1 => Mood::Everything,
            2 => Mood::Before(self.random.index(changes + 1)),
            3 => Mood::From(self.random.index(changes + 1)),
            4 => Mood::Some(1),
            5 => Mood::Some(7),
            _ => Mood::Some(4),
        }
    }

    /// Whether the change with this index is kept.
    pub(super) fn keeps(&mut self, mood: Mood, index: usize) -> bool {
        match mood {
            Mood::Nothing => false,
            Mood::Everything => true,
            Mood::Some(eighths) => self.random.chance(eighths, 8),
            Mood::Before(end) => index < end,
            Mood::From(start) => index >= start,
        }
    }
}
