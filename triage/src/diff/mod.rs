//! How two runs differ: first whether they can be compared, then what differs, what matters most for
//! security first.
//!
//! Start reading at [`diff`]. `comparable.rs` holds the headers against each other, `align.rs` pairs the
//! steps, `steps.rs` and `beside.rs` compare them, [`classes`] orders what is found, `width.rs` knows which
//! of two policies is wider. `docs/snapshot.md` describes the JSON.

mod align;
mod beside;
pub mod classes;
mod comparable;
pub mod model;
mod seen;
mod steps;
mod width;

use crate::snapshot::Snapshot;
use crate::snapshot::model::Run;
pub use model::Diff;
use model::{FORMAT, NOTE, Side, Unknowns};
use seen::Seen;

/// Deepest nesting of runs that is followed.
const DEPTH: usize = 64;

/// Compares two snapshots. The names say where each came from.
#[must_use]
pub fn diff(a: (&str, &Snapshot), b: (&str, &Snapshot)) -> Diff {
    let texts = a.1.rules == b.1.rules;
    let mut pairs = Vec::new();
    paired(&a.1.runs, &b.1.runs, "", 0, &mut pairs);
    let comparability = comparable::comparability(texts, &pairs);
    let (seen_a, seen_b) = (Seen::of(&a.1.runs), Seen::of(&b.1.runs));
    let mut unknowns = Unknowns::default();
    let mut found = Vec::new();
    for pair in &pairs {
        let compared = steps::Comparison { texts, seen_a: &seen_a, seen_b: &seen_b, pair };
        compared.run(&mut found, &mut unknowns);
    }
    let differences = classes::grouped(found);
    Diff {
        format: FORMAT,
        a: Side::new(a.0, a.1),
        b: Side::new(b.0, b.1),
        comparability,
        differs: !differences.is_empty(),
        differences,
        not_comparable: unknowns.listed(),
        note: NOTE,
    }
}

/// Two runs that stand at the same place, or one that stands alone.
#[derive(Debug)]
struct Pair<'a> {
    /// Their place: `1`, or `1.2` for the second sub-agent session of the first run.
    place: String,
    a: Option<&'a Run>,
    b: Option<&'a Run>,
}

fn paired<'a>(a: &'a [Run], b: &'a [Run], around: &str, depth: usize, pairs: &mut Vec<Pair<'a>>) {
    if depth == DEPTH {
        return;
    }
    for index in 0..a.len().max(b.len()) {
        let place = format!("{around}{}", index + 1);
        let (a, b) = (a.get(index), b.get(index));
        let within = format!("{place}.");
        pairs.push(Pair { place, a, b });
        let nested = |run: Option<&'a Run>| run.map(|run| &*run.runs).unwrap_or_default();
        paired(nested(a), nested(b), &within, depth + 1, pairs);
    }
}
