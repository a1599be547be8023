//! A call was let through, and no result of it came.

use blotter_schemas::names::blotter::Grade;

use super::Rule;
use crate::ledger::Ledger;
use crate::receipt::tokens::Decision;
use crate::reconstruct::findings::{Finding, Severity};
use crate::trail::Trail;

pub(super) const RULE: Rule = Rule {
    name: "decision_without_result",
    severity: Severity::Medium,
    finds: "A decision about a call came that does not refuse it, and no result.",
    false_positive: "The agent was ended while the call ran, or lost the batch with the result.",
    find,
};

fn find(trail: &Trail<'_>, _: &Ledger) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (call, receipt) in trail.calls() {
        let refused = matches!(receipt.decision.value, Some(Decision::Deny | Decision::Cancel));
        let unknown = receipt.outcome.grade == Grade::Missing;
        // A decision that names no call, and stands in none's span, need not be about one.
        if call.call_id.is_none() && call.stages.is_empty() {
            continue;
        }
        if unknown && !refused && call.result.is_none() && !call.decisions.is_empty() {
            let what = match receipt.decision.value {
                Some(Decision::Allow) => "was let through",
                _ => "was decided about",
            };
            let summary = format!("{} {what}, and no result came", receipt.address);
            findings.push(RULE.about(trail, call, receipt, summary));
        }
    }
    findings
}
