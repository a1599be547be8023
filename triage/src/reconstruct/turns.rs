//! Which turn a report belongs to.

use std::collections::BTreeMap;

use blotter_schemas::names::blotter::EventKind;

use super::pairing::Report;
use crate::fact::Join;

/// A turn before its contents are known.
#[derive(Debug, Default)]
pub(crate) struct Frame<'r, 'a> {
    /// The prompt that began it, where one was reported.
    pub prompt: Option<&'r Report<'a>>,
    /// Its id, where a record that belongs to it carries one.
    pub turn_id: Option<String>,
    /// When it began.
    pub start: i64,
    traces: Vec<String>,
}

/// The turns of a session and which one a report belongs to.
#[derive(Debug, Default)]
pub(crate) struct Frames<'r, 'a> {
    /// Turns in order.
    pub all: Vec<Frame<'r, 'a>>,
    by_turn_id: BTreeMap<String, usize>,
    by_trace: BTreeMap<String, Option<usize>>,
}

impl<'r, 'a> Frames<'r, 'a> {
    /// Finds the turns: one begins at every prompt, and at every turn id that no prompt accounts for.
    pub(crate) fn new(reports: &'r [Report<'a>]) -> Self {
        let mut frames = Self::default();
        for report in reports {
            if report.kind() != EventKind::Prompt {
                continue;
            }
            let turn_id = report.text(|row| &row.turn_id);
            frames.all.push(Frame {
                prompt: Some(report),
                turn_id,
                start: report.time(),
                traces: report.rows.iter().filter_map(|row| row.trace_id.clone()).collect(),
            });
        }
        frames.index();
        frames.name_turns(reports);
        frames
    }

    fn index(&mut self) {
        self.all.sort_by_key(|frame| frame.start);
        self.by_turn_id.clear();
        self.by_trace.clear();
        for (number, frame) in self.all.iter().enumerate() {
            if let Some(turn_id) = &frame.turn_id {
                self.by_turn_id.entry(turn_id.clone()).or_insert(number);
            }
            for trace in &frame.traces {
                // A trace with several prompts cannot tell them apart.
                self.by_trace
                    .entry(trace.clone())
                    .and_modify(|turn| {
                        if *turn != Some(number) {
                            *turn = None;
                        }
                    })
                    .or_insert(Some(number));
            }
        }
    }

    /// Gives turns the ids that other records of their trace or their time carry, and adds the turns
    /// that no prompt began.
    fn name_turns(&mut self, reports: &[Report<'a>]) {
        let mut first: BTreeMap<String, (i64, Option<String>)> = BTreeMap::new();
        for report in reports {
            if let Some(turn_id) = report.text(|row| &row.turn_id) {
                let trace = report.text(|row| &row.trace_id);
                first
                    .entry(turn_id)
                    .and_modify(|(time, known)| {
                        *time = (*time).min(report.time());
                        if known.is_none() {
                            known.clone_from(&trace);
                        }
                    })
                    .or_insert((report.time(), trace));
            }
        }
        let mut added = false;
        let mut unnamed: Vec<(i64, String, Option<String>)> =
            first.into_iter().map(|(turn_id, (time, trace))| (time, turn_id, trace)).collect();
        unnamed.sort();
        for (time, turn_id, trace) in unnamed {
            if self.by_turn_id.contains_key(&turn_id) {
                continue;
            }
            let by_trace = trace.as_ref().and_then(|trace| self.by_trace.get(trace).copied());
            let free = by_trace.flatten().and_then(|number| self.all.get_mut(number));
            match free.filter(|frame| frame.turn_id.is_none()) {
                Some(frame) => frame.turn_id = Some(turn_id),
                None => {
                    self.all.push(Frame {
                        prompt: None,
                        turn_id: Some(turn_id),
                        start: time,
                        traces: trace.into_iter().collect(),
                    });
                    added = true;
                }
            }
        }
        if added {
            self.all.sort_by_key(|frame| frame.start);
        }
        self.index();
    }

    /// The turn that reports belong to: by turn id, by trace, else by time.
    pub(crate) fn turn_of(&self, reports: &[&Report<'_>]) -> Option<(usize, Join)> {
        let rows = || reports.iter().flat_map(|report| &report.rows);
        if let Some(number) = rows()
            .filter_map(|row| row.turn_id.as_ref())
            .find_map(|turn_id| self.by_turn_id.get(turn_id))
        {
            return Some((*number, Join::explicit("turn id")));
        }
        if let Some(number) = rows()
            .filter_map(|row| row.trace_id.as_ref())
            .find_map(|trace| self.by_trace.get(trace).copied().flatten())
        {
            return Some((number, Join::explicit("trace id of the prompt")));
        }
        let time = reports.iter().map(|report| report.time()).min()?;
        let number = self.all.iter().rposition(|frame| frame.start <= time)?;
        Some((number, Join::inferred("after this prompt and before the next")))
    }
}
