//! The structure that `triage diff --format json` writes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::classes::Class;
use crate::snapshot::Snapshot;
use crate::snapshot::model::Run;

/// Name and version of the document. A field may be added within a version; none is taken away or given
/// another meaning.
pub const FORMAT: &str = "blotter.diff/1";

/// What two runs cannot tell.
pub const NOTE: &str = "Two runs cannot tell behaviour from luck: a model may act differently every time. \
                        What is listed differs between these two, and nothing is said about other runs.";

/// How two runs differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    /// [`FORMAT`].
    pub format: &'static str,
    /// The first side.
    pub a: Side,
    /// The second side.
    pub b: Side,
    /// Whether they can be compared.
    pub comparability: Comparability,
    /// Whether anything differs that is known on both sides.
    pub differs: bool,
    /// What differs, by class, what matters most for security first.
    pub differences: Vec<Difference>,
    /// What cannot be compared, because it is not known on a side.
    pub not_comparable: Vec<NotComparable>,
    /// [`NOTE`].
    pub note: &'static str,
}

/// One of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// The session or the file.
    pub source: String,
    /// Its runs, those of sub-agents included.
    pub runs: usize,
    /// Their steps.
    pub steps: usize,
}

impl Side {
    pub(super) fn new(source: &str, snapshot: &Snapshot) -> Self {
        let (mut runs, mut steps) = (0, 0);
        let mut next: Vec<&Run> = snapshot.runs.iter().collect();
        while let Some(run) = next.pop() {
            runs += 1;
            steps += run.steps.len();
            next.extend(&run.runs);
        }
        Self { source: source.to_owned(), runs, steps }
    }
}

/// Whether two runs can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparability {
    /// The sum of it.
    pub verdict: Verdict,
    /// What was looked at.
    pub aspects: Vec<Aspect>,
}

/// How well two runs can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing that is known of how they ran differs.
    Yes,
    /// Something differs, or is known of one only: a difference may come from it.
    Limited,
    /// They are runs of different agents.
    No,
}

/// Something that decides whether two runs can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Aspect {
    /// The runs' place; absent for what concerns the whole.
    pub run: Option<String>,
    /// What it is.
    pub name: &'static str,
    /// What is said of the first; absent where it is not known.
    pub a: Option<String>,
    /// What is said of the second; absent where it is not known.
    pub b: Option<String>,
    /// How they compare.
    pub state: State,
    /// What it means that they are not the same; empty where they are.
    pub means: &'static str,
}

/// How an aspect of two runs compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The same.
    Same,
    /// Different.
    Differs,
    /// Known of one only.
    Unknown,
    /// Known of neither.
    UnknownInBoth,
}

/// Something that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Its class.
    pub class: Class,
    /// The runs' place.
    pub run: String,
    /// The fact that differs.
    pub fact: &'static str,
    /// The tool of the steps; absent where its name was not reported, and for what is new, gone, more or
    /// fewer.
    pub tool: Option<String>,
    /// What is said in the first; absent where only the second has it.
    pub a: Option<String>,
    /// What is said in the second; absent where only the first has it.
    pub b: Option<String>,
    /// In words, for what the values leave open.
    pub says: String,
    /// The steps, by their places in both runs, from 1; empty where it concerns the run as a whole.
    pub steps: Vec<Steps>,
}

/// A step of the first, of the second, or one of each that were paired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Steps {
    /// Place in the first run.
    pub a: Option<usize>,
    /// Place in the second run.
    pub b: Option<usize>,
}

/// A fact that cannot be compared in some steps that were paired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotComparable {
    /// The runs' place.
    pub run: String,
    /// The fact.
    pub fact: &'static str,
    /// How many pairs of steps know it in the second run only.
    pub unknown_in_a: usize,
    /// How many know it in the first run only.
    pub unknown_in_b: usize,
    /// How many know it in neither.
    pub unknown_in_both: usize,
    /// How many know it in both, but records of one disagree, or it was normalised by other rules.
    pub unclear: usize,
    /// What the one side says that knows it, each once.
    pub said: BTreeSet<String>,
    /// The grades of what is not known.
    pub grades: BTreeSet<&'static str>,
}

/// Most sayings that are kept of one fact.
const SAID: usize = 100;

/// What cannot be compared, gathered.
#[derive(Debug, Default)]
pub(super) struct Unknowns(BTreeMap<(String, usize), NotComparable>);

impl Unknowns {
    /// Counts one pair of steps. `order` is the place of the fact among all.
    pub(super) fn add(
        &mut self,
        run: &str,
        order: usize,
        fact: &'static str,
    ) -> &mut NotComparable {
        self.0.entry((run.to_owned(), order)).or_insert_with(|| NotComparable {
            run: run.to_owned(),
            fact,
            unknown_in_a: 0,
            unknown_in_b: 0,
            unknown_in_both: 0,
            unclear: 0,
            said: BTreeSet::new(),
            grades: BTreeSet::new(),
        })
    }

    pub(super) fn listed(self) -> Vec<NotComparable> {
        self.0.into_values().collect()
    }
}

impl NotComparable {
    /// Keeps what the side that knows it says.
    pub(super) fn say(&mut self, said: impl IntoIterator<Item = String>) {
        for said in said {
            if self.said.len() < SAID {
                self.said.insert(said);
            }
        }
    }
}
