//! Which call a log record of an end is of, where neither an id nor a span says so.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::pairing::{PAIR_WINDOW_NS, Report};

/// The rule.
pub(crate) const RULE: &str = "the call of the same tool and arguments that ended then";

/// Longest time that a log record of an end comes after its span, in nanoseconds. The records of Gemini CLI
/// come up to 5 ms after.
const LATE_NS: i64 = 100_000_000;
/// Longest arguments that are compared as JSON, in bytes.
const LIMIT: usize = 1 << 20;

/// A call with spans that lacks a log record of its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'c> {
    /// Its number.
    pub group: usize,
    /// Number of the speaker who told of it: nobody's record is joined to another's by a rule.
    pub speaker: usize,
    /// Its tool.
    pub tool: &'c str,
    /// Its arguments, where a span has them.
    pub arguments: Option<&'c str>,
    /// When it began, nanoseconds since the epoch.
    pub start: i64,
    /// When it ended, nanoseconds since the epoch.
    pub end: i64,
}

impl Candidate<'_> {
    fn may_end_at(&self, time: i64) -> bool {
        self.start <= time
            && self.end <= time.saturating_add(PAIR_WINDOW_NS)
            && time <= self.end.saturating_add(LATE_NS)
    }
}

/// Records of one class, by place and time, and the calls that they may be of.
type Alike<'a> = (Vec<(usize, i64)>, Vec<Candidate<'a>>);

/// What makes a record and a call alike.
type Class = (usize, String, Option<String>);

/// The call of each record, by the record's place; each call and each record once. Of as many records as
/// calls that are alike, the k-th is the k-th's; else each is that of the call that ended closest before.
pub(crate) fn by_end(
    records: &[(usize, &Report<'_>)],
    candidates: &[Candidate<'_>],
) -> BTreeMap<usize, usize> {
    // Where a call's spans keep its arguments back, those of the same tool cannot be told apart by them.
    let kept_back: BTreeSet<&str> =
        candidates.iter().filter(|it| it.arguments.is_none()).map(|it| it.tool).collect();
    let class = |speaker, tool: &str, arguments: Option<&str>| -> Class {
        let arguments = arguments.filter(|_| !kept_back.contains(tool)).map(canonical);
        (speaker, tool.to_owned(), arguments)
    };
    let mut classes: BTreeMap<Class, Alike<'_>> = BTreeMap::new();
    for (place, report) in records {
        let Some(tool) = report.text(|row| &row.tool_name) else { continue };
        let arguments = report.text(|row| &row.arguments);
        let class = class(report.speaker, &tool, arguments.as_deref());
        classes.entry(class).or_default().0.push((*place, report.time()));
    }
    for candidate in candidates {
        let class = class(candidate.speaker, candidate.tool, candidate.arguments);
        classes.entry(class).or_default().1.push(*candidate);
    }
    let mut found = BTreeMap::new();
    for (mut ends, mut calls) in classes.into_values() {
        ends.sort_by_key(|(place, time)| (*time, *place));
        calls.sort_by_key(|call| (call.end, call.group));
        found.extend(pairs(&ends, &calls));
    }
    found
}

fn pairs(ends: &[(usize, i64)], calls: &[Candidate<'_>]) -> Vec<(usize, usize)> {
    let in_order = || ends.iter().zip(calls);
    if ends.len() == calls.len() && in_order().all(|((_, time), call)| call.may_end_at(*time)) {
        return in_order().map(|((place, _), call)| (*place, call.group)).collect();
    }
    let mut taken = BTreeSet::new();
    let mut pairs = Vec::new();
    for (place, time) in ends {
        let free = calls.iter().filter(|call| !taken.contains(&call.group));
        let closest = free.filter(|call| call.may_end_at(*time)).max_by_key(|call| call.end);
        if let Some(call) = closest {
            taken.insert(call.group);
            pairs.push((*place, call.group));
        }
    }
    pairs
}

/// Arguments in one spelling, where they are JSON.
fn canonical(arguments: &str) -> String {
    let value = if arguments.len() > LIMIT { None } else { serde_json::from_str(arguments).ok() };
    // Without the feature `preserve_order` a map is sorted by its keys.
    value.map_or_else(|| arguments.to_owned(), |value: Value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(group: usize, start: i64, end: i64) -> Candidate<'static> {
        Candidate { group, speaker: 1, tool: "sh", arguments: None, start, end }
    }

    #[test]
    fn as_many_ends_as_calls_are_paired_in_order() {
        let calls = [call(7, 0, 10_000_000), call(8, 0, 11_000_000)];
        assert_eq!(pairs(&[(0, 12_000_000), (1, 13_000_000)], &calls), [(0, 7), (1, 8)]);
    }

    #[test]
    fn an_end_before_a_call_ended_is_another_calls() {
        let calls = [call(7, 0, 50_000_000)];
        let (refused, ran) = ((0, 10_000_000), (1, 51_000_000));
        assert_eq!(pairs(&[refused, ran], &calls), [(1, 7)]);
    }

    #[test]
    fn an_end_whose_own_call_is_alone_left_takes_the_closest() {
        let calls = [call(7, 0, 10_000_000), call(8, 0, 50_000_000)];
        assert_eq!(pairs(&[(0, 51_000_000)], &calls), [(0, 8)]);
    }

    #[test]
    fn an_end_long_after_is_of_no_call() {
        assert_eq!(pairs(&[(0, 10_000_000_000)], &[call(7, 0, 10_000_000)]), []);
    }

    #[test]
    fn arguments_are_the_same_however_they_are_spelled() {
        assert_eq!(canonical("{\n \"b\": 1, \"a\": 2}"), canonical("{\"a\":2,\"b\":1}"));
        assert_ne!(canonical("{\"a\":1}"), canonical("{\"a\":2}"));
        assert_eq!(canonical("no json"), "no json");
    }
}
