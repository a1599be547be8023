//! Which step of one run stands for which of the other.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

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

/// Aligns two runs: first steps with the same tool and arguments, then between those steps with the same
/// tool, then what was left over and is the same at another place. `texts` says whether arguments can be
/// compared.
pub(super) fn align(a: &[Step], b: &[Step], texts: bool) -> Alignment {
    let mut alignment = Alignment::default();
    let (all_a, all_b) = (0..a.len(), 0..b.len());
    let gaps = if texts {
        matched(a, b, all_a, all_b, by_arguments, &mut alignment.pairs)
    } else {
        vec![(all_a, all_b)]
    };
    let mut left = Vec::new();
    for (gap_a, gap_b) in gaps {
        left.extend(matched(a, b, gap_a, gap_b, by_tool, &mut alignment.pairs));
    }
    alignment.pairs.sort_unstable();
    let mut left_b: BTreeMap<Key<'_>, Vec<usize>> = BTreeMap::new();
    for index in left.iter().flat_map(|(_, gap_b)| gap_b.clone()).rev() {
        if let Some(step) = b.get(index).filter(|_| texts) {
            left_b.entry(by_arguments(step)).or_default().push(index);
        }
    }
    for index in left.iter().flat_map(|(gap_a, _)| gap_a.clone()) {
        let same = a.get(index).and_then(|step| left_b.get_mut(&by_arguments(step))?.pop());
        match same {
            Some(same) => alignment.moved.push((index, same)),
            None => alignment.only_a.push(index),
        }
    }
    let moved: BTreeSet<usize> = alignment.moved.iter().map(|(_, index)| *index).collect();
    let left_b = left.into_iter().flat_map(|(_, gap_b)| gap_b);
    alignment.only_b.extend(left_b.filter(|index| !moved.contains(index)));
    alignment
}

type Gap = (Range<usize>, Range<usize>);

/// Pairs steps of two ranges that have the same key. Returns the ranges that are left between them.
fn matched<'a>(
    a: &'a [Step],
    b: &'a [Step],
    range_a: Range<usize>,
    range_b: Range<usize>,
    key: impl Fn(&'a Step) -> Key<'a>,
    pairs: &mut Vec<(usize, usize)>,
) -> Vec<Gap> {
    let of = |steps: &'a [Step], range: &Range<usize>| -> Vec<(usize, Key<'a>)> {
        let steps = steps.get(range.clone()).unwrap_or_default();
        steps.iter().enumerate().map(|(index, step)| (range.start + index, key(step))).collect()
    };
    let (mut keys_a, mut keys_b) = (of(a, &range_a), of(b, &range_b));
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
    let mut gaps = Vec::new();
    let (mut next_a, mut next_b) = (range_a.start, range_b.start);
    for op in capture_diff_slices(Algorithm::Myers, &numbered(&keys_a), &numbered(&keys_b)) {
        let DiffOp::Equal { old_index, new_index, len } = op else { continue };
        for offset in 0..len {
            let at = |keys: &[(usize, Key<'a>)], index: usize| {
                keys.get(index + offset).map(|(index, _)| *index)
            };
            let (Some(a), Some(b)) = (at(&keys_a, old_index), at(&keys_b, new_index)) else {
                continue;
            };
            gaps.push((next_a..a, next_b..b));
            pairs.push((a, b));
            (next_a, next_b) = (a + 1, b + 1);
        }
    }
    gaps.push((next_a..range_a.end, next_b..range_b.end));
    gaps.retain(|(gap_a, gap_b)| !gap_a.is_empty() || !gap_b.is_empty());
    gaps
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
            .map(|one| step(&one[..1], &one[1..]))
            .collect()
    }

    fn aligned(a: &str, b: &str) -> Alignment {
        align(&steps(a), &steps(b), true)
    }

    #[test]
    fn the_same_call_is_paired_first_then_the_same_tool_then_the_same_call_elsewhere() {
        let found = aligned("a1 a2 b3 c4", "a1 a9 b3 a2 d5");
        assert_eq!(found.pairs, [(0, 0), (2, 2)]);
        assert_eq!(found.moved, [(1, 3)]);
        assert_eq!((found.only_a, found.only_b), (vec![3], vec![1, 4]));
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
