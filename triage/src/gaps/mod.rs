//! Gaps and contradictions: rules over the trail of a session, one file each.
//!
//! A rule says that something is missing, or that records do not fit; never what happened. What an agent
//! leaves out by design is no gap: receipts and coverage tables tell what that is. [`RULES`] lists the
//! rules, `docs/gaps.md` explains them.

mod call_without_outcome;
mod contradiction;
mod decision_without_result;
mod outcome_without_call;
mod policy_changed;
mod quiet_window;
mod result_without_decision;
mod rule;
mod sandbox_denied_with_success;
mod sequence_hole;
mod several_speakers;
mod span_without_parent;
mod sub_agent_limits;
mod success_with_nonzero_exit;
mod telemetry_changed;
mod time_backwards;
mod turn_without_end;
mod user_decision_with_nobody_to_ask;
mod work_after_terminal_error;

use std::cmp::Reverse;
use std::fmt::Write as _;

pub use rule::Rule;
pub use several_speakers::SEVERAL_SPEAKERS;

use crate::ledger::Ledger;
use crate::reconstruct::Session;
use crate::reconstruct::findings::Finding;
use crate::trail::Trail;

/// Every rule, in the order in which findings of one severity are told.
pub const RULES: [Rule; 18] = [
    several_speakers::RULE,
    contradiction::RULE,
    user_decision_with_nobody_to_ask::RULE,
    policy_changed::RULE,
    telemetry_changed::RULE,
    sequence_hole::RULE,
    call_without_outcome::RULE,
    decision_without_result::RULE,
    result_without_decision::RULE,
    outcome_without_call::RULE,
    turn_without_end::RULE,
    work_after_terminal_error::RULE,
    sub_agent_limits::RULE,
    sandbox_denied_with_success::RULE,
    success_with_nonzero_exit::RULE,
    time_backwards::RULE,
    span_without_parent::RULE,
    quiet_window::RULE,
];

/// What the rules find in one session, without those nested in it: the most severe first.
pub(crate) fn find(trail: &Trail<'_>, ledger: &Ledger) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        RULES.iter().flat_map(|rule| (rule.find)(trail, ledger)).collect();
    // The sort is stable: findings of one severity stay in the order of rules, and of time within one.
    findings.sort_by_key(|finding| Reverse(finding.severity));
    findings
}

/// Whether several speakers claim the session: the one finding that needs neither rows nor receipts.
#[must_use]
pub fn of_speakers(session: &Session) -> Option<Finding> {
    several_speakers::of(session)
}

/// The findings of a session and of those nested in it, each session's together.
#[must_use]
pub fn family(session: &Session) -> Vec<&Finding> {
    let nested = session.sessions.iter().flat_map(family);
    session.findings.iter().chain(nested).collect()
}

/// The rules as a table in Markdown, as it stands in `docs/gaps.md`.
#[must_use]
pub fn table() -> String {
    let mut table = String::from(
        "| rule | severity | what it finds | found without harm |\n|---|---|---|---|\n",
    );
    for Rule { name, severity, finds, false_positive, .. } in &RULES {
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| `{name}` | {severity} | {finds} | {false_positive} |");
    }
    table
}
