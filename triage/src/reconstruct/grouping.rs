//! Which reports make one call.
//!
//! Most records of a call carry its id. One that carries none belongs to the call whose span is around it;
//! else the log record of an end belongs to the call of the same tool and arguments that ended then. What
//! fits no call is a call of its own, without an id.

use std::collections::{BTreeMap, BTreeSet};

use blotter_schemas::names::blotter::{EventKind, EventSource, Grade};
use blotter_schemas::tables::Event;

use super::matching::{self, Candidate};
use super::model::Call;
use super::pairing::{Report, order};
use crate::fact::{EventId, Fact, Join};

/// The reports of one call.
#[derive(Debug, Default)]
pub(crate) struct Group<'r, 'a> {
    /// Its id, where a record carries one.
    pub call_id: Option<String>,
    /// Its reports, in order of time.
    pub reports: Vec<&'r Report<'a>>,
    /// Why reports without the id are said to be about it.
    joined: Option<Join>,
    /// Rows that a rule joined, and not an id or a span.
    by_rule: BTreeSet<EventId>,
    /// Whether a log record of its end is among them.
    ended: bool,
}

/// Furthest that a span is looked for above another.
const HOPS: usize = 8;

/// Sorts reports into calls; returns also those that are about none.
pub(crate) fn group<'r, 'a>(
    reports: &'r [Report<'a>],
) -> (Vec<Group<'r, 'a>>, Vec<&'r Report<'a>>) {
    let mut grouping = Grouping::new(reports);
    let rest = grouping.by_id(reports);
    let rest = grouping.spans_without_id(rest);
    let rest = grouping.below_spans(rest);
    let rest = grouping.log_records(rest);
    let mut groups = grouping.groups;
    for group in &mut groups {
        group.reports.sort_by_key(|report| report.first().map(order));
    }
    let first = |group: &Group<'_, '_>| {
        let row = group.reports.first().and_then(|report| report.first());
        (group.call_id.clone(), row.map(order))
    };
    groups.sort_by_key(first);
    (groups, rest)
}

#[derive(Default)]
struct Grouping<'r, 'a> {
    groups: Vec<Group<'r, 'a>>,
    /// The call that a span is of, or a part of.
    calls: BTreeMap<&'a str, usize>,
    /// The calls right below a span.
    below: BTreeMap<&'a str, Vec<usize>>,
    /// The span above a span.
    above: BTreeMap<&'a str, &'a str>,
}

impl<'r, 'a> Grouping<'r, 'a> {
    fn new(reports: &'r [Report<'a>]) -> Self {
        let mut above = BTreeMap::new();
        for row in reports.iter().filter(|report| is_span(report)).filter_map(Report::first) {
            if let (Some(span), Some(parent)) = (&row.span_id, &row.parent_span_id) {
                above.entry(span.as_str()).or_insert(parent.as_str());
            }
        }
        Self { above, ..Self::default() }
    }

    fn add(&mut self, call_id: Option<String>) -> usize {
        self.groups.push(Group { call_id, ..Group::default() });
        self.groups.len() - 1
    }

    /// Puts a report into a group, and remembers the span that is the call's own.
    fn put(&mut self, group: usize, report: &'r Report<'a>) {
        let Some(row) = report.first() else { return };
        let of_the_call = matches!(report.kind(), EventKind::Call | EventKind::Result);
        if let Some(span) = row.span_id.as_ref().filter(|_| of_the_call && is_span(report)) {
            self.calls.entry(span).or_insert(group);
            if let Some(parent) = &row.parent_span_id {
                let below = self.below.entry(parent).or_default();
                if !below.contains(&group) {
                    below.push(group);
                }
            }
        }
        if let Some(group) = self.groups.get_mut(group) {
            group.ended |= report.kind() == EventKind::Result && is_log(report);
            group.reports.push(report);
        }
    }

    fn join(&mut self, group: usize, report: &'r Report<'a>, join: Join) {
        let by_rule = join == Join::inferred(matching::RULE) || join == Join::inferred(ONLY_OPEN);
        if let Some(group) = self.groups.get_mut(group) {
            if by_rule {
                group.by_rule.extend(report.ids());
            }
            if group.joined.is_none() || by_rule {
                group.joined = Some(join);
            }
        }
        self.put(group, report);
    }

    /// Reports that carry a call's id.
    fn by_id(&mut self, reports: &'r [Report<'a>]) -> Vec<&'r Report<'a>> {
        let mut ids: BTreeMap<String, usize> = BTreeMap::new();
        let mut rest = Vec::new();
        for report in reports {
            match report.text(|row| &row.call_id).filter(|_| names_a_call(report.kind())) {
                Some(call_id) => {
                    let group = match ids.get(&call_id) {
                        Some(group) => *group,
                        None => {
                            let group = self.add(Some(call_id.clone()));
                            ids.insert(call_id, group);
                            group
                        }
                    };
                    self.put(group, report);
                }
                None => rest.push(report),
            }
        }
        rest
    }

    /// A span of a call without an id is a call.
    fn spans_without_id(&mut self, reports: Vec<&'r Report<'a>>) -> Vec<&'r Report<'a>> {
        let mut rest = Vec::new();
        for report in reports {
            let span = report.first().and_then(|row| row.span_id.as_deref());
            match span.filter(|_| is_span(report) && report.kind() == EventKind::Call) {
                Some(span) => {
                    let group = match self.calls.get(span) {
                        Some(group) => *group,
                        None => self.add(None),
                    };
                    self.put(group, report);
                }
                None => rest.push(report),
            }
        }
        rest
    }

    /// What was written within the span of a call is about that call. A span that tells of an end and is
    /// within none is a call.
    fn below_spans(&mut self, reports: Vec<&'r Report<'a>>) -> Vec<&'r Report<'a>> {
        let mut rest = Vec::new();
        for report in reports {
            if !is_part(report.kind()) {
                rest.push(report);
            } else if let Some(group) = self.around(report) {
                self.join(group, report, Join::explicit("the span of the call is around it"));
            } else if is_span(report) && report.kind() == EventKind::Result {
                let group = self.add(None);
                self.put(group, report);
            } else {
                rest.push(report);
            }
        }
        rest
    }

    /// The call whose span is the report's own or is around it.
    fn around(&self, report: &Report<'a>) -> Option<usize> {
        let row = report.first()?;
        let mut span = row.span_id.as_deref().or(row.parent_span_id.as_deref());
        for _ in 0..HOPS {
            let at = span?;
            if let Some(group) = self.calls.get(at) {
                return Some(*group);
            }
            span = self.above.get(at).copied();
        }
        None
    }

    /// Log records of ends and decisions that name no call and stand in no call's span.
    fn log_records(&mut self, reports: Vec<&'r Report<'a>>) -> Vec<&'r Report<'a>> {
        let (mut ends, mut decisions, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        for report in reports {
            match report.kind() {
                EventKind::Result if is_log(report) => ends.push(report),
                EventKind::Decision if is_log(report) => decisions.push(report),
                _ => rest.push(report),
            }
        }
        for (report, group) in self.matched(ends) {
            match group {
                Some(group) => self.join(group, report, Join::inferred(matching::RULE)),
                None => {
                    let group = self.add(None);
                    self.put(group, report);
                }
            }
        }
        rest.extend(self.decisions(decisions));
        rest
    }

    /// The call that each of these ends is of. The calls right below the span that a record was written in
    /// are asked first, then all.
    fn matched(&self, ends: Vec<&'r Report<'a>>) -> Vec<(&'r Report<'a>, Option<usize>)> {
        let mut taken: BTreeSet<usize> = BTreeSet::new();
        let mut matches: BTreeMap<usize, usize> = BTreeMap::new();
        let mut by_span: BTreeMap<Option<&str>, Vec<(usize, &Report<'_>)>> = BTreeMap::new();
        for (place, report) in ends.iter().enumerate() {
            let span = report.first().and_then(|row| row.span_id.as_deref());
            let span = span.filter(|span| self.below.contains_key(span));
            by_span.entry(span).or_default().push((place, report));
        }
        // The records in no span that is known come first in the map, and have to come last.
        let nowhere = by_span.remove(&None);
        for (span, records) in by_span {
            let below = span.and_then(|span| self.below.get(span)).into_iter().flatten();
            let candidates: Vec<Candidate<'_>> =
                below.filter_map(|group| self.candidate(*group)).collect();
            for (place, group) in matching::by_end(&records, &candidates) {
                taken.insert(group);
                matches.insert(place, group);
            }
        }
        if let Some(records) = nowhere {
            let free = (0..self.groups.len()).filter(|group| !taken.contains(group));
            let candidates: Vec<Candidate<'_>> =
                free.filter_map(|group| self.candidate(group)).collect();
            matches.extend(matching::by_end(&records, &candidates));
        }
        let found = |(place, report)| (report, matches.get(&place).copied());
        ends.into_iter().enumerate().map(found).collect()
    }

    /// A call as one that a log record of an end may be of; none where it has such a record, or no span.
    fn candidate(&self, group: usize) -> Option<Candidate<'_>> {
        let number = group;
        let group = self.groups.get(group).filter(|group| !group.ended)?;
        let spans = || group.reports.iter().filter(|report| is_span(report));
        let text = |field: fn(&'a Event) -> Option<&'a str>| {
            spans().filter_map(|report| report.first()).find_map(field)
        };
        // The row of a span's end stands at its end, with the duration of all of it.
        let whole = spans().filter(|report| report.kind() == EventKind::Call);
        let end = whole.map(|report| report.end()).max();
        let end = end.or_else(|| spans().map(|report| report.time()).max())?;
        Some(Candidate {
            group: number,
            speaker: spans().map(|report| report.speaker).min()?,
            tool: text(|row| row.tool_name.as_deref())?,
            arguments: text(|row| row.arguments.as_deref()),
            start: spans().map(|report| report.time()).min()?,
            end,
        })
    }

    /// Decisions belong to the only call open then. Where none was, those of one span are one call's;
    /// where several were, it cannot be told whose they are, and they are returned.
    fn decisions(&mut self, reports: Vec<&'r Report<'a>>) -> Vec<&'r Report<'a>> {
        let calls: Vec<(usize, usize, i64, i64)> = (0..self.groups.len())
            .filter_map(|group| self.candidate(group))
            .map(|call| (call.group, call.speaker, call.start, call.end))
            .collect();
        let mut alone: BTreeMap<&str, usize> = BTreeMap::new();
        let mut rest = Vec::new();
        for report in reports {
            let time = report.time();
            let open = calls.iter().filter(|(_, speaker, start, end)| {
                *speaker == report.speaker && *start <= time && time <= *end
            });
            let open: Vec<usize> = open.map(|(group, ..)| *group).collect();
            match open.as_slice() {
                [only] => self.join(*only, report, Join::inferred(ONLY_OPEN)),
                [] => {
                    let span = report.first().and_then(|row| row.span_id.as_deref());
                    let known = span.and_then(|span| alone.get(span).copied());
                    let group = known.unwrap_or_else(|| self.add(None));
                    if let Some(span) = span {
                        alone.insert(span, group);
                    }
                    self.put(group, report);
                }
                _ => rest.push(report),
            }
        }
        rest
    }
}

/// The rule by which a decision is joined to a call.
const ONLY_OPEN: &str = "the only call open then";

impl Group<'_, '_> {
    /// Tells the call why reports without its id are said to be about it. What rests on a rule's join
    /// alone is inferred.
    pub(crate) fn mark(self, call: &mut Call) {
        let Some(join) = self.joined else { return };
        let rows = &self.by_rule;
        let why = &join.by;
        macro_rules! facts {
            ($of:ident: $($field:ident),*) => { $( lower(&mut $of.$field, rows, why); )* };
        }
        facts!(call: tool, namespace, mcp_server, agent, arguments, error_type, model, sandbox, mcp_method,
            transport, executor);
        for decision in &mut call.decisions {
            facts!(decision: decision, source, reason);
        }
        if let Some(result) = &mut call.result {
            facts!(result: success, exit_code, duration_ns, output, output_truncated, error_type,
                error_message, detail);
        }
        call.joined = Some(join);
    }
}

fn lower<T>(fact: &mut Fact<T>, rows: &BTreeSet<EventId>, why: &str) {
    let rests = !fact.events.is_empty() && fact.events.iter().all(|event| rows.contains(event));
    if rests && fact.grade == Grade::Observed {
        fact.grade = Grade::Inferred;
        fact.why = format!("joined to the call: {why}").into();
    }
}

/// Whether a report of this kind that carries a call id is part of the call.
fn names_a_call(kind: EventKind) -> bool {
    !matches!(kind, EventKind::AgentMessage | EventKind::Usage | EventKind::Response)
}

/// Whether a report of this kind within the span of a call is part of the call.
fn is_part(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Decision
            | EventKind::Result
            | EventKind::ApprovalRequest
            | EventKind::Hook
            | EventKind::McpCall
            | EventKind::Sandbox
    )
}

fn is_span(report: &Report<'_>) -> bool {
    source(report) == Some(EventSource::OtlpSpan)
}

fn is_log(report: &Report<'_>) -> bool {
    source(report) == Some(EventSource::OtlpLog)
}

fn source(report: &Report<'_>) -> Option<EventSource> {
    report.first()?.source.as_deref().and_then(EventSource::from_value)
}
