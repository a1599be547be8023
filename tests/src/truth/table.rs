//! The report: a table by agent, then what is wrong, then what is left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::score::{Compared, Scored, Verdict};

/// The part of the supported facts of an agent that is to be stated, in percent.
pub const STATED_GOAL: f64 = 95.0;

/// What was counted of one agent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Runs.
    pub runs: usize,
    /// Facts stated rightly.
    pub right: usize,
    /// Facts stated wrongly.
    pub wrong: usize,
    /// Facts that the telemetry supports.
    pub supported: usize,
    /// Those of them that are stated rightly.
    pub supported_right: usize,
}

impl Count {
    /// Part of the supported facts that is stated rightly, in percent; 100 where none is supported.
    #[must_use]
    pub fn stated(&self) -> f64 {
        if self.supported == 0 {
            return 100.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "a few thousand facts")]
        let part = self.supported_right as f64 / self.supported as f64;
        part * 100.0
    }

    /// Whether nothing is wrong and enough is stated.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.wrong == 0 && self.stated() >= STATED_GOAL
    }
}

/// The counts of every agent.
#[must_use]
pub fn counts(scores: &[Scored]) -> BTreeMap<&str, Count> {
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    for run in scores {
        let count = counts.entry(&run.agent).or_default();
        count.runs += 1;
        for fact in &run.facts {
            let right = fact.verdict == Verdict::Right;
            count.right += usize::from(right);
            count.wrong += usize::from(matches!(fact.verdict, Verdict::Wrong { .. }));
            count.supported += usize::from(fact.supported);
            count.supported_right += usize::from(fact.supported && right);
        }
    }
    counts
}

/// The whole report.
#[must_use]
pub fn report(scores: &[Scored]) -> String {
    let mut text = String::from(
        "agent          runs  stated  wrong  supported  left out  of the supported are stated\n",
    );
    for (agent, count) in counts(scores) {
        let left_out = count.supported - count.supported_right;
        let _ = writeln!(
            text,
            "{agent:<13} {:>5} {:>7} {:>6} {:>10} {left_out:>9} {:>9.1} %",
            count.runs,
            count.right + count.wrong,
            count.wrong,
            count.supported,
            count.stated(),
        );
    }
    list(&mut text, "\nStated, and wrong:\n", scores, |fact| match &fact.verdict {
        Verdict::Wrong { truth, stated } => Some(format!("is {truth}, stated: {stated}")),
        _ => None,
    });
    list(&mut text, "\nSupported, and left out:\n", scores, |fact| match &fact.verdict {
        Verdict::LeftOut(why) if fact.supported => Some(why.clone()),
        _ => None,
    });
    text
}

fn list(
    text: &mut String,
    heading: &str,
    scores: &[Scored],
    line: impl Fn(&Compared) -> Option<String>,
) {
    let mut first = true;
    for run in scores {
        for fact in &run.facts {
            let Some(line) = line(fact) else { continue };
            if std::mem::take(&mut first) {
                text.push_str(heading);
            }
            let call = fact.call.as_deref().unwrap_or("the run");
            let _ = writeln!(text, "  {}: {call}: {}: {line}", run.run, fact.field);
        }
    }
}
