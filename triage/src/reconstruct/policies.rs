//! The policies over a session: what was stated first, what the agent's session file states for each turn,
//! and every change that was reported.

use blotter_schemas::names::blotter::EventKind;
use blotter_schemas::tables::Event;

use super::model::{Context, Policy};
use super::pairing::{Report, told};
use super::rollout::{OTHERWISE, SESSION_FILE, is_filed};
use crate::fact::{Claim, EventId, Fact};

const NOT_REPORTED: &str = "not reported";
const FOR_SESSION: &str = "stated for the session; a later change need not be reported";
const FOR_TURN: &str = "stated for the turn that began before";

/// A policy that a row can state.
type Field = fn(&Event) -> &Option<String>;

const PROFILE: Field = |row| &row.profile_name;
const APPROVAL: Field = |row| &row.approval_policy;
const SANDBOX: Field = |row| &row.sandbox_policy;

/// Policies of a session by time.
#[derive(Debug)]
pub(crate) struct Policies<'p> {
    first: &'p Policy,
    changes: Vec<Change>,
    turns: Vec<OfTurn>,
}

/// A change that a record tells of.
#[derive(Debug)]
struct Change {
    time: i64,
    from: Option<String>,
    to: String,
    events: Vec<EventId>,
}

/// What was stated for one turn.
#[derive(Debug)]
struct OfTurn {
    turn_id: Option<String>,
    time: i64,
    context: Context,
}

/// What the session states first. Of a session file only the first word counts, for it states the policy
/// anew for every turn.
pub(crate) fn first(reports: &[&Report<'_>]) -> Policy {
    let (filed, sent): (Vec<&Report<'_>>, Vec<&Report<'_>>) =
        reports.iter().copied().partition(|report| is_filed(report));
    let first = |field: Field| {
        let told = |reports: &[&Report<'_>]| {
            let mut fact = told(reports, |row| field(row).clone(), NOT_REPORTED);
            fact.events.truncate(1);
            fact
        };
        let stated = filed.iter().copied().find(|report| report.text(field).is_some());
        let (sent, filed) = (told(&sent), told(stated.as_slice()));
        match (&sent.value, &filed.value) {
            (None, _) => filed,
            (Some(words), Some(file)) if words != file => {
                let filed = filed.claim().map(|claim| Claim { why: SESSION_FILE.into(), ..claim });
                let claims = sent.claim().into_iter().chain(filed).collect();
                Fact::contradicted(OTHERWISE, claims)
            }
            (Some(_), Some(_)) => {
                let mut sent = sent;
                sent.events.extend(filed.events);
                sent
            }
            (Some(_), None) => sent,
        }
    };
    Policy { profile: first(PROFILE), approval: first(APPROVAL), sandbox: first(SANDBOX) }
}

impl<'p> Policies<'p> {
    /// Finds the changes. `first` is what the session stated first, `reports` are in order of time.
    pub(crate) fn new(first: &'p Policy, reports: &[Report<'_>]) -> Self {
        let changes = reports.iter().filter(|report| report.kind() == EventKind::ModeChange);
        let change = |report: &Report<'_>| {
            Some(Change {
                time: report.time(),
                from: report.text(|row| &row.detail),
                to: report.text(|row| &row.approval_policy)?,
                events: report.ids(),
            })
        };
        let stated =
            reports.iter().filter(|report| report.kind() == EventKind::Profile && is_filed(report));
        let turns = stated.enumerate().map(|(index, report)| OfTurn {
            turn_id: report.text(|row| &row.turn_id),
            time: report.time(),
            context: of_turn(report, first, index == 0),
        });
        Self { first, changes: changes.filter_map(change).collect(), turns: turns.collect() }
    }

    /// What the agent's session file states for a turn.
    pub(crate) fn context(&self, turn_id: Option<&String>) -> Option<&Context> {
        let stated = self.turns.iter().filter(|turn| turn.turn_id.is_some());
        stated.into_iter().rfind(|turn| turn.turn_id.as_ref() == turn_id).map(|turn| &turn.context)
    }

    /// What was stated for this moment, in this turn where a record says so.
    pub(crate) fn at(&self, time: i64, turn_id: Option<&String>) -> Policy {
        if let Some(context) = self.context(turn_id) {
            return self.or_first(&context.policy, |fact| fact);
        }
        if let Some(turn) = self.turns.iter().rfind(|turn| turn.time <= time) {
            return self.or_first(&turn.context.policy, |fact| concluded(fact, FOR_TURN));
        }
        let mut policy = self.first.clone();
        if let Some(last) = self.changes.iter().rfind(|change| change.time <= time) {
            policy.approval = Fact::observed(last.to.clone(), last.events.clone());
        } else if let Some(change) = self.changes.iter().find(|change| {
            // What was stated first may be a change that came later.
            policy.approval.events.iter().any(|event| change.events.contains(event))
        }) {
            policy.approval = match &change.from {
                Some(from) => Fact::observed(from.clone(), change.events.clone()),
                None => Fact::missing("not reported before it changed"),
            };
        }
        let Policy { profile, approval, sandbox } = policy;
        let of_session = |fact| concluded(fact, FOR_SESSION);
        Policy {
            profile: of_session(profile),
            approval: of_session(approval),
            sandbox: of_session(sandbox),
        }
    }

    /// What is stated for a turn, else what the session stated first.
    fn or_first(&self, turn: &Policy, as_told: fn(Fact<String>) -> Fact<String>) -> Policy {
        let or = |turn: &Fact<String>, first: &Fact<String>| {
            if turn.is_known() {
                as_told(turn.clone())
            } else {
                concluded(first.clone(), FOR_SESSION)
            }
        };
        Policy {
            profile: or(&turn.profile, &self.first.profile),
            approval: or(&turn.approval, &self.first.approval),
            sandbox: or(&turn.sandbox, &self.first.sandbox),
        }
    }
}

/// A fact that holds for something by a rule; a contradiction stays one.
fn concluded(fact: Fact<String>, why: &'static str) -> Fact<String> {
    match (&fact.value, fact.claims.is_empty()) {
        (Some(value), true) => Fact::inferred(value.clone(), why, fact.events),
        _ => fact,
    }
}

/// What a line states for its turn. In the first turn what telemetry stated when the session began still
/// holds: where that is another, both are kept.
fn of_turn(report: &Report<'_>, session: &Policy, is_first: bool) -> Context {
    let own = |field: Field| told(&[report], |row| field(row).clone(), NOT_REPORTED);
    let with = |field: Field, session: &Fact<String>| {
        let disputed = is_first && !session.claims.is_empty();
        if disputed { session.clone() } else { own(field) }
    };
    Context {
        policy: Policy {
            profile: with(PROFILE, &session.profile),
            approval: with(APPROVAL, &session.approval),
            sandbox: with(SANDBOX, &session.sandbox),
        },
        cwd: own(|row| &row.cwd),
    }
}
