//! Which step of one run stands for which of the other.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::vec::IntoIter;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::snapshot::model::Step;

/// Steps paired and left over, by their places from 0.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Alignment {
    /// Pairs that stand in the same order in both.
    pub pairs: Vec<(usize, usize)>,
    /// Pairs of the same call at another place.
    pub moved: Vec<(usize, usize)>,
    /// Steps that only the first has.
    pub only_a: Vec<usize>,
    /// Steps that only the second has.
    pub only_b: Vec<usize>,
}

/// What makes two steps the same: the tool, or the tool and its arguments.
type Key<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>);

fn by_tool(step: &Step) -> Key<'_> {
    (step.tool.value.as_deref(), step.mcp_server.value.as_deref(), None)
}

fn by_arguments(step: &Step) -> Key<'_> {
    let (tool, server, _) = by_tool(step);
    (tool, server, step.arguments_digest.value.as_deref())
}

/// Aligns two runs: first steps with the same tool and arguments in the same order, then those at another
/// place, then between all these steps with the same tool. `texts` says whether arguments can be compared.
pub(super) fn align(a: &[Step], b: &[Step], texts: bool) -> Alignment {
    let mut alignment = Alignment::default();
    let whole = Gap { a: (0..a.len()).collect(), b: (0..b.len()).collect() };
    let mut gaps = vec![whole];
    if texts {
        gaps = gaps
            .into_iter()
            .flat_map(|gap| matched(a, b, gap, by_arguments, &mut alignment.pairs))
            .collect();
        alignment.moved = moved(a, b, &mut gaps);
    }
    for gap in gaps {
        for left in matched(a, b, gap, by_tool, &mut alignment.pairs) {
            alignment.only_a.extend(left.a);
            alignment.only_b.extend(left.b);
        }
    }
    alignment.pairs.sort_unstable();
    alignment
}

/// Steps between two pairs, by their places.
struct Gap {
    a: Vec<usize>,
    b: Vec<usize>,
}

/// Takes steps out of the gaps that are the same call at another place, first with first.
fn moved(a: &[Step], b: &[Step], gaps: &mut [Gap]) -> Vec<(usize, usize)> {
    // Whether two calls are the same cannot be told where the arguments are not known.
    let known = |steps: &[Step], index: usize| {
        steps.get(index).is_some_and(|step| step.arguments_digest.value.is_some())
    };
    let mut left: BTreeMap<Key<'_>, Vec<usize>> = BTreeMap::new();
    let in_b = gaps.iter().flat_map(|gap| &gap.b).copied().rev();
    for index in in_b.filter(|index| known(b, *index)) {
        if let Some(step) = b.get(index) {
            left.entry(by_arguments(step)).or_default().push(index);
        }
    }
    let mut moved = Vec::new();
    let in_a = gaps.iter().flat_map(|gap| &gap.a).copied();
    for index in in_a.filter(|index| known(a, *index)) {
        let same = a.get(index).and_then(|step| left.get_mut(&by_arguments(step))?.pop());
        moved.extend(same.map(|same| (index, same)));
    }
    let (of_a, of_b): (BTreeSet<usize>, BTreeSet<usize>) = moved.iter().copied().unzip();
    for gap in gaps {
        gap.a.retain(|index| !of_a.contains(index));
        gap.b.retain(|index| !of_b.contains(index));
    }
    moved
}

/// Pairs steps of a gap that have the same key and stand in the same order. Returns the gaps that are left.
fn matched<'a>(
    a: &'a [Step],
    b: &'a [Step],
    gap: Gap,
    key: impl Fn(&'a Step) -> Key<'a>,
    pairs: &mut Vec<(usize, usize)>,
) -> Vec<Gap> {
    let of = |steps: &'a [Step], places: &[usize]| -> Vec<(usize, Key<'a>)> {
        places.iter().filter_map(|place| Some((*place, key(steps.get(*place)?)))).collect()
    };
    let (mut keys_a, mut keys_b) = (of(a, &gap.a), of(b, &gap.b));
    // A key that the other side lacks has no pair; without those the search is short where much differs.
    let known = |keys: &[(usize, Key<'a>)]| -> BTreeSet<Key<'a>> {
        keys.iter().map(|(_, key)| *key).collect()
    };
    let (known_a, known_b) = (known(&keys_a), known(&keys_b));
    keys_a.retain(|(_, key)| known_b.contains(key));
    keys_b.retain(|(_, key)| known_a.contains(key));
    // Small numbers are compared faster than texts.
    let numbers: BTreeMap<Key<'a>, usize> =
        known_a.into_iter().enumerate().map(|(number, key)| (key, number)).collect();
    let numbered = |keys: &[(usize, Key<'a>)]| -> Vec<Option<usize>> {
        keys.iter().map(|(_, key)| numbers.get(key).copied()).collect()
    };
    let mut found = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, &numbered(&keys_a), &numbered(&keys_b)) {
        let DiffOp::Equal { old_index, new_index, len } = op else { continue };
        let place =
            |keys: &[(usize, Key<'a>)], index: usize| keys.get(index).map(|(place, _)| *place);
        found.extend((0..len).filter_map(|offset| {
            Some((place(&keys_a, old_index + offset)?, place(&keys_b, new_index + offset)?))
        }));
    }
    let (mut left_a, mut left_b) = (gap.a.into_iter().peekable(), gap.b.into_iter().peekable());
    let mut gaps = Vec::new();
    for (place_a, place_b) in &found {
        gaps.push(Gap { a: until(&mut left_a, *place_a), b: until(&mut left_b, *place_b) });
    }
    gaps.push(Gap { a: left_a.collect(), b: left_b.collect() });
    gaps.retain(|gap| !gap.a.is_empty() || !gap.b.is_empty());
    pairs.extend(found);
    gaps
}

/// Takes the places before this one, and drops it.
fn until(places: &mut Peekable<IntoIter<usize>>, end: usize) -> Vec<usize> {
    let mut before = Vec::new();
    while let Some(place) = places.next_if(|place| *place < end) {
        before.push(place);
    }
    places.next_if_eq(&end);
    before
}

#[cfg(test)]
mod tests {
    use blotter_schemas::names::blotter::Grade;

    use super::*;
    use crate::snapshot::{Known, List};

    fn step(tool: &str, digest: &str) -> Step {
        let unknown = || Known::unknown(Grade::Missing);
        let said = |text: &str| Known::new(text.to_owned(), Grade::Observed);
        Step {
            turn: Known::unknown(Grade::Missing),
            within: None,
            tool: said(tool),
            mcp_server: unknown(),
            arguments_digest: said(digest),
            arguments_class: Known::unknown(Grade::Missing),
            decision: unknown(),
            decided_by: unknown(),
            reviews: List::default(),
            profile: unknown(),
            approval_policy: unknown(),
            executed: unknown(),
            sandbox: unknown(),
            executor: unknown(),
            transport: unknown(),
            network: Known::unknown(Grade::Missing),
            outcome: unknown(),
            exit_code: unknown(),
        }
    }

    /// `a1 b2`: tool `a` with arguments `1`, then tool `b` with arguments `2`.
    fn steps(text: &str) -> Vec<Step> {
        text.split(' ')
            .filter(|one| !one.is_empty())
            .filter_map(|one| one.split_at_checked(1))
            .map(|(tool, digest)| step(tool, digest))
            .collect()
    }

    fn aligned(a: &str, b: &str) -> Alignment {
        align(&steps(a), &steps(b), true)
    }

    #[test]
    fn the_same_call_is_paired_first_also_at_another_place_then_the_same_tool() {
        let found = aligned("a1 a2 b3 c4 e5", "a1 a9 b3 c4 a2 d6");
        assert_eq!(found.pairs, [(0, 0), (2, 2), (3, 3)]);
        assert_eq!(found.moved, [(1, 4)]);
        assert_eq!((found.only_a, found.only_b), (vec![4], vec![1, 5]));
        let changed = aligned("a1 b2 a3", "a1 b7 a3");
        assert_eq!(changed.pairs, [(0, 0), (1, 1), (2, 2)]);
    }

    #[test]
    fn every_step_is_paired_once_or_left_over() {
        for (a, b) in
            [("", "a1"), ("a1 a1 a1", "a1"), ("a1 b2 c3", "c3 b2 a1"), ("a1 a2", "b1 b2"), ("", "")]
        {
            let found = aligned(a, b);
            let pairs = || found.pairs.iter().chain(&found.moved);
            let mut all_a: Vec<usize> =
                pairs().map(|(a, _)| *a).chain(found.only_a.clone()).collect();
            let mut all_b: Vec<usize> =
                pairs().map(|(_, b)| *b).chain(found.only_b.clone()).collect();
            all_a.sort_unstable();
            all_b.sort_unstable();
            assert_eq!(all_a, (0..steps(a).len()).collect::<Vec<_>>());
            assert_eq!(all_b, (0..steps(b).len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn without_comparable_texts_only_tools_are_paired() {
        let found = align(&steps("a1 b2"), &steps("a2 b1"), false);
        assert_eq!(found.pairs, [(0, 0), (1, 1)]);
    }
}
