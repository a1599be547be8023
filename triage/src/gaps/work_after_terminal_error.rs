//! Work that went on after an error that ends it.

use blotter_schemas::names::blotter::{ErrorClass, EventKind};

use super::Rule;
use crate::ledger::Ledger;
use crate::reconstruct::findings::{Finding, Severity};
use crate::reconstruct::model::{Entry, Note};
use crate::trail::Trail;

pub(super) const RULE: Rule = Rule {
    name: "work_after_terminal_error",
    severity: Severity::Medium,
    finds: "A call was made in a turn after an error that does not go away by trying again: one of that class, \
            or a request that the model's provider answered with 401, 402 or 403.",
    false_positive: "The agent signed in anew or went on with another model or account.",
    find,
};

/// Answers of a provider that trying again does not change: not signed in, not paid, not allowed.
const TERMINAL: [i64; 3] = [401, 402, 403];

fn find(trail: &Trail<'_>, _: &Ledger) -> Vec<Finding> {
    let mut findings = Vec::new();
    for turn in &trail.session.turns {
        let mut notes = turn.entries.iter().filter_map(|entry| match entry {
            Entry::Note(note) => Some(note.as_ref()),
            Entry::Call(_) => None,
        });
        let Some(error) = notes.find(|note| is_terminal(note)) else { continue };
        let after =
            trail.calls_of(turn).find(|(call, _)| call.time_unix_nano > error.time_unix_nano);
        let Some((call, receipt)) = after else { continue };
        let what = match (error.http_status.value, &error.error_class.value) {
            (_, Some(class)) => format!("of class {class}"),
            (Some(status), None) => format!("with status {status}"),
            (None, None) => "that ends it".to_owned(),
        };
        let summary = format!("{} was made after an error {what} in its turn", receipt.address);
        let mut finding = RULE.about(trail, call, receipt, summary);
        finding.events = error.events.iter().chain(&call.events).copied().collect();
        super::rule::bound(&mut finding.events);
        findings.push(finding);
    }
    findings
}

fn is_terminal(note: &Note) -> bool {
    let class = note.error_class.value.as_deref().and_then(ErrorClass::from_value);
    if class.is_some() {
        return matches!(class, Some(ErrorClass::Terminal | ErrorClass::UsageLimit));
    }
    let request = note.kind == EventKind::ApiError.as_str();
    request && note.http_status.value.is_some_and(|status| TERMINAL.contains(&status))
}
