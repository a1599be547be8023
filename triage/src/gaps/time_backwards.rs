//! Times that run backwards.

use super::Rule;
use crate::ledger::{ClockProblem, Ledger};
use crate::reconstruct::findings::{Finding, Severity};
use crate::trail::Trail;

pub(super) const RULE: Rule = Rule {
    name: "time_backwards",
    severity: Severity::Low,
    finds: "A record has an earlier time than one that its sender numbered before it, a result lies before \
            its call, or a record tells of a time after it was received.",
    false_positive: "The clock of the machine was set; agent and collector are on machines whose clocks \
                     differ.",
    find,
};

fn find(trail: &Trail<'_>, ledger: &Ledger) -> Vec<Finding> {
    let told = [ClockProblem::Backwards, ClockProblem::ResultFirst, ClockProblem::Ahead];
    let clocks = ledger.clocks.iter().filter(|clock| told.contains(&clock.problem));
    clocks.map(|clock| RULE.finding(trail, clock.summary.clone(), clock.events.clone())).collect()
}
