//! The strings of a request, searched together: one search over all of them costs less than one search
//! each, because most of them are short.

use std::ops::ControlFlow;

use crate::beside::Chance;
use crate::prefilter;
use crate::redactor::Redactor;

/// Stands between strings; no UTF-8 has it, so nothing is found across two.
const BETWEEN: u8 = 0xff;

/// Which of the strings of a request, in the order of the walk.
pub(crate) type Index = usize;

/// The strings of a request, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    /// Where each string ends.
    ends: Vec<usize>,
}

/// Which strings need a closer look.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    next: Index,
    /// For every string: whether something may be found in it, and in what stands under it as a key.
    looks: Vec<(bool, bool)>,
}

impl Texts {
    /// Adds a string.
    pub(crate) fn add(&mut self, text: &str) -> Index {
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(self.bytes.len());
        self.bytes.push(BETWEEN);
        self.ends.len() - 1
    }

    /// Searches all strings.
    pub(crate) fn looks(&self, redactor: &Redactor) -> Looks {
        let mut looks = vec![(false, false); self.ends.len()];
        // Places come in order, within each group of literals.
        let mut at = 0;
        let mut index_of = |place: usize| {
            let start = |index: usize| index.checked_sub(1).and_then(|it| self.ends.get(it));
            if start(at).is_some_and(|start| place < *start) {
                at = 0;
            }
            while self.ends.get(at).is_some_and(|end| *end < place) {
                at += 1;
            }
            at
        };
        let _ = redactor.closer(&self.bytes, |place, chance| {
            let index = index_of(place);
            if let Some((text, under)) = looks.get_mut(index) {
                match chance {
                    Chance::No => {}
                    Chance::Yes => *text = true,
                    Chance::AfterKey(end) => *under |= self.ends.get(index) == Some(&end),
                }
            }
            ControlFlow::Continue(())
        });
        for place in prefilter::percent_escapes(&self.bytes) {
            if let Some((text, _)) = looks.get_mut(index_of(place)) {
                *text = true;
            }
        }
        Looks { next: 0, looks }
    }
}

impl Looks {
    /// The index of the string that the walk has come to.
    pub(crate) fn next(&mut self) -> Index {
        self.next += 1;
        self.next - 1
    }

    /// Leaves out strings that the walk does not come to.
    pub(crate) fn pass_over(&mut self, count: usize) {
        self.next += count;
    }

    /// Whether something may be found in a string.
    pub(crate) fn at(&self, index: Index) -> bool {
        self.looks.get(index).is_none_or(|(text, _)| *text)
    }

    /// Whether something may be found in what stands under a string as its key.
    pub(crate) fn under(&self, index: Index) -> bool {
        self.looks.get(index).is_none_or(|(_, under)| *under)
    }
}
