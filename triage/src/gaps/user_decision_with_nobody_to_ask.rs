//! A record says that a person decided, where nobody could be asked.

use blotter_schemas::names::blotter::Grade;

use super::Rule;
use crate::ledger::Ledger;
use crate::receipt::Receipt;
use crate::receipt::tokens::{DecidedBy, Decision};
use crate::reconstruct::findings::{Finding, Severity};
use crate::trail::Trail;

pub(super) const RULE: Rule = Rule {
    name: "user_decision_with_nobody_to_ask",
    severity: Severity::High,
    finds: "A record names a person as the one who decided, and under the approval policy nobody is asked; \
            medium where the call was refused.",
    false_positive: "Codex writes `User` also where the policy answered for nobody.",
    find,
};

fn find(trail: &Trail<'_>, _: &Ledger) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (call, receipt) in trail.calls().filter(|(_, receipt)| is_said_to_be_a_persons(receipt)) {
        let refused = matches!(receipt.decision.value, Some(Decision::Deny | Decision::Cancel));
        let what = if refused { "refused" } else { "approved" };
        let policy = receipt.approval_policy.value.as_deref().unwrap_or("(not reported)");
        let summary = format!(
            "{} is said to be {what} by a person, and under the approval policy {policy} nobody is asked",
            receipt.address
        );
        let mut finding = RULE.about(trail, call, receipt, summary);
        if refused {
            finding.severity = Severity::Medium;
        }
        finding.events.clone_from(&receipt.decided_by.events);
        findings.push(finding);
    }
    findings
}

/// Whether records disagree about who decided, and one of them names a person.
pub(super) fn is_said_to_be_a_persons(receipt: &Receipt) -> bool {
    let decided_by = &receipt.decided_by;
    let user = |claim: &crate::fact::Claim<DecidedBy>| claim.value == DecidedBy::User;
    decided_by.grade == Grade::Contradicted
        && decided_by.value != Some(DecidedBy::User)
        && decided_by.claims.iter().any(user)
}
