//! A result came of a call that nothing says was asked for.

use blotter_schemas::names::blotter::{EventKind, EventSource};

use super::Rule;
use crate::ledger::Ledger;
use crate::receipt::tokens::Executed;
use crate::reconstruct::findings::{Finding, Severity};
use crate::trail::Trail;

pub(super) const RULE: Rule = Rule {
    name: "outcome_without_call",
    severity: Severity::Low,
    finds: "A call ran, and no record says that it was asked for, although such records came of others.",
    false_positive: "Spans are sent apart from log records: theirs were lost, sampled or are still to come.",
    find,
};

fn find(trail: &Trail<'_>, _: &Ledger) -> Vec<Finding> {
    let Some(coverage) = trail.coverage else { return Vec::new() };
    // Only where the agent tells of calls, by a signal that arrived.
    let told = |source: EventSource| trail.rows_of(EventKind::Call, source).next().is_some();
    if trail.open || !coverage.of_kind(EventKind::Call).any(|event| told(event.source)) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (call, receipt) in trail.calls() {
        // What never ran may well leave no more than its result.
        let ran = call.result.is_some() && receipt.executed.value == Some(Executed::Yes);
        let logged = trail.says(call, EventKind::Result, EventSource::OtlpLog);
        if ran && logged && call.stages.is_empty() && call.decisions.is_empty() {
            let summary =
                format!("{} ran, and no record says that it was asked for", receipt.address);
            findings.push(RULE.about(trail, call, receipt, summary));
        }
    }
    findings
}
