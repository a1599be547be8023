//! A result that the agent calls a success, of a command that failed.

use super::Rule;
use super::rule::listed;
use crate::fact::EventId;
use crate::ledger::Ledger;
use crate::receipt::{Receipt, readings};
use crate::reconstruct::findings::{Finding, Severity};
use crate::reconstruct::model::Call;
use crate::trail::Trail;

pub(super) const RULE: Rule = Rule {
    name: "success_with_nonzero_exit",
    severity: Severity::Medium,
    finds: "The agent calls a result a success, and the exit code is not 0; info where the agent is known to \
            call any end of a command a success.",
    false_positive: "Codex and Gemini CLI call any end of a command a success; programs such as grep and \
                     diff end with 1 when they find nothing or a difference.",
    find,
};

fn find(trail: &Trail<'_>, _: &Ledger) -> Vec<Finding> {
    let agent = trail.session.agent.value.as_deref().unwrap_or_default();
    let reading = readings::of(agent);
    let unlike = |(call, receipt): &(&Call, &Receipt)| {
        let success = call.result.as_ref().and_then(|result| result.success.value);
        success == Some(true) && receipt.exit_code.value.is_some_and(|code| code != 0)
    };
    let found: Vec<(&Call, &Receipt)> = trail.calls().filter(unlike).collect();
    let (by_design, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|(call, _)| !reading.success_is_the_outcome(call));
    let mut findings: Vec<Finding> = Vec::new();
    for (call, receipt) in others {
        let code = receipt.exit_code.value.unwrap_or_default();
        let summary = format!("{} is called a success, with exit code {code}", receipt.address);
        findings.push(RULE.about(trail, call, receipt, summary));
    }
    findings.extend(together(trail, &by_design));
    findings
}

/// One finding for all calls of an agent that means nothing by it.
fn together(trail: &Trail<'_>, calls: &[(&Call, &Receipt)]) -> Option<Finding> {
    let addresses: Vec<String> = calls.iter().map(|(_, receipt)| receipt.address.clone()).collect();
    let (is, codes) = match calls.len() {
        0 => return None,
        1 => ("is", "an exit code"),
        _ => ("are", "exit codes"),
    };
    let summary =
        format!("{} {is} called a success, with {codes} other than 0", listed(&addresses));
    let events: Vec<EventId> =
        calls.iter().flat_map(|(_, receipt)| receipt.exit_code.events.iter().copied()).collect();
    let mut finding = RULE.finding(trail, summary, events);
    finding.severity = Severity::Info;
    finding.calls = addresses;
    Some(finding)
}
