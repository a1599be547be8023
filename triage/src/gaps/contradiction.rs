//! Records of one call that cannot both be true.

use blotter_schemas::names::blotter::Grade;

use super::Rule;
use super::user_decision_with_nobody_to_ask::is_said_to_be_a_persons;
use crate::fact::{EventId, Fact};
use crate::ledger::Ledger;
use crate::receipt::Receipt;
use crate::receipt::tokens::{Decision, Executed, Sandbox};
use crate::reconstruct::findings::{Finding, Severity};
use crate::reconstruct::model::Call;
use crate::trail::Trail;

pub(super) const RULE: Rule = Rule {
    name: "contradiction",
    severity: Severity::High,
    finds: "Two records of a call cannot both be true: they state one fact differently, or it was refused and \
            ran all the same.",
    false_positive: "An id that the agent used for two calls; a call that was refused only where it asked for \
                     more, after it had run.",
    find,
};

fn find(trail: &Trail<'_>, _: &Ledger) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (call, receipt) in trail.calls() {
        let disputed = disputed(call, receipt);
        if let Some(first) = disputed.first() {
            let names: Vec<&str> = disputed.iter().map(|(name, ..)| *name).collect();
            let why = if names.len() == 1 { format!(" ({})", first.1) } else { String::new() };
            let summary =
                format!("records of {} disagree: {}{why}", receipt.address, names.join(", "));
            let mut finding = RULE.about(trail, call, receipt, summary);
            finding.events =
                disputed.into_iter().flat_map(|(.., events)| events).copied().collect();
            super::rule::bound(&mut finding.events);
            findings.push(finding);
        }
        if refused_and_ran(receipt) {
            let summary =
                format!("{} was refused, and a record shows that it ran", receipt.address);
            let mut finding = RULE.about(trail, call, receipt, summary);
            finding.events.clone_from(&receipt.decision.events);
            finding.events.extend(receipt.executed.events.iter().copied());
            super::rule::bound(&mut finding.events);
            findings.push(finding);
        }
    }
    findings
}

/// A fact that records state differently: its name, why, and its rows.
type Disputed<'a> = (&'static str, &'a str, &'a [EventId]);

fn disputed<'a>(call: &'a Call, receipt: &'a Receipt) -> Vec<Disputed<'a>> {
    fn one<'a, T>(name: &'static str, fact: &'a Fact<T>) -> Option<Disputed<'a>> {
        (fact.grade == Grade::Contradicted).then_some((name, &fact.why, &fact.events))
    }
    let result = call.result.as_ref();
    let cut = result.is_some_and(|result| result.output_truncated.value == Some(true));
    let mut found = vec![
        one("tool", &receipt.tool),
        one("arguments", &receipt.arguments),
        one("approval_policy", &receipt.approval_policy),
        one("decision", &receipt.decision),
        one("sandbox", &receipt.sandbox),
        one("executed", &receipt.executed),
        result.and_then(|result| one("success", &result.success)),
        one("outcome", &receipt.outcome),
        one("exit_code", &receipt.exit_code),
        // One that was cut is not what another record has whole.
        one("output", &receipt.output).filter(|_| !cut),
        one("mcp_server", &receipt.mcp_server),
        one("transport", &receipt.transport),
    ];
    // That a record names a person where nobody is asked is a rule of its own.
    if !is_said_to_be_a_persons(receipt) {
        found.push(one("decided_by", &receipt.decided_by));
    }
    found.into_iter().flatten().collect()
}

/// Whether a call ran that a record says was refused. What was stopped in the sandbox and refused outside of
/// it ran once; a refusal that was concluded from the result is no other record.
fn refused_and_ran(receipt: &Receipt) -> bool {
    let refused = matches!(receipt.decision.value, Some(Decision::Deny | Decision::Cancel));
    let sandboxed = matches!(
        receipt.sandbox.value,
        Some(Sandbox::Denied | Sandbox::Escalated | Sandbox::TimedOut | Sandbox::Signal)
    );
    let stated = matches!(receipt.decision.grade, Grade::Observed | Grade::Contradicted);
    refused && stated && receipt.executed.value == Some(Executed::Yes) && !sandboxed
}
