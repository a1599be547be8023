//! A result that the agent calls a success, of a call that the sandbox stopped.

use super::Rule;
use crate::ledger::Ledger;
use crate::receipt::tokens::Sandbox;
use crate::reconstruct::findings::{Finding, Severity};
use crate::trail::Trail;

pub(super) const RULE: Rule = Rule {
    name: "sandbox_denied_with_success",
    severity: Severity::Medium,
    finds: "The agent calls a result a success, and says that the sandbox denied the call something.",
    false_positive: "Codex calls the end of a command a success, also of one that the sandbox stopped; the \
                     command may have done the rest of its work.",
    find,
};

fn find(trail: &Trail<'_>, _: &Ledger) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (call, receipt) in trail.calls() {
        let success = call.result.as_ref().and_then(|result| result.success.value);
        if success == Some(true) && receipt.sandbox.value == Some(Sandbox::Denied) {
            let summary = format!(
                "{} is called a success, and the sandbox denied it something",
                receipt.address
            );
            findings.push(RULE.about(trail, call, receipt, summary));
        }
    }
    findings
}
