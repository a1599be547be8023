//! A call was asked for, and nothing says what became of it.

use blotter_schemas::names::blotter::Grade;

use super::Rule;
use crate::ledger::Ledger;
use crate::reconstruct::findings::{Finding, Severity};
use crate::trail::Trail;

pub(super) const RULE: Rule = Rule {
    name: "call_without_outcome",
    severity: Severity::Medium,
    finds: "A call was asked for, and no decision, refusal or result of it came.",
    false_positive: "The agent keeps silent about such calls: Codex about one that a hook blocked; or it was \
                     ended before the records were sent.",
    find,
};

fn find(trail: &Trail<'_>, _: &Ledger) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (call, receipt) in trail.calls() {
        // Where records tell what became of it by other means, nothing is missing.
        let unknown = receipt.outcome.grade == Grade::Missing;
        if unknown && call.result.is_none() && call.decisions.is_empty() {
            let summary =
                format!("{} was asked for, and no record says what became of it", receipt.address);
            findings.push(RULE.about(trail, call, receipt, summary));
        }
    }
    findings
}
