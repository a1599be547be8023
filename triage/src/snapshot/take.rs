//! From sessions and their receipts to a snapshot.

use std::collections::{BTreeMap, BTreeSet};

use blotter_schemas::names::blotter::{EventKind, Grade};

use super::arguments::{digest, digested};
use super::model::{
    FORMAT, Header, ITEMS, REVIEWS, Reached, Review, Role, Run, Settings, Signals, Snapshot, Step,
    TAGS, coverage,
};
use super::normalise::Normaliser;
use super::rules::declared;
use super::{Known, List};
use crate::Error;
use crate::fact::{Fact, JoinKind};
use crate::ledger::{Setting, SettingState};
use crate::receipt::model::{Connection, Within};
use crate::receipt::{self, Beside, Receipt};
use crate::reconstruct::Session;
use crate::reconstruct::model::{Call, Entry, Note, Relation};

/// The snapshot of these sessions, in this order. What their senders' settings are is known of those that
/// have a ledger. One that is named twice, or stands nested in another
/// one, is taken once.
///
/// # Errors
/// [`Error::Rules`] where texts cannot be normalised, which a test rules out.
pub fn snapshot(sessions: &[(&Session, &Beside)]) -> Result<Snapshot, Error> {
    let mut nested = BTreeSet::new();
    for (session, _) in sessions {
        nested_in(session, &mut nested);
    }
    let mut taken = BTreeSet::new();
    let mut runs = Vec::new();
    for (session, beside) in sessions {
        let id = session.session_id.as_str();
        if !nested.contains(id) && taken.insert(id) {
            runs.push(run(session, beside, Role::Main)?);
        }
    }
    Ok(Snapshot { format: FORMAT.to_owned(), rules: List(declared()), runs: List(runs) })
}

fn nested_in<'a>(session: &'a Session, ids: &mut BTreeSet<&'a str>) {
    for nested in &session.sessions {
        ids.insert(&nested.session_id);
        nested_in(nested, ids);
    }
}

fn run(session: &Session, beside: &Beside, role: Role) -> Result<Run, Error> {
    let own = |fact: &Fact<String>| fact.value.clone();
    let normaliser = Normaliser::new(
        Some(&session.session_id),
        own(&session.host).as_deref(),
        own(&session.user).as_deref(),
    )?;
    let receipts = receipt::receipts(session, beside);
    let calls = calls(session);
    let tools: BTreeMap<&str, &Fact<String>> =
        receipts.iter().map(|receipt| (receipt.address.as_str(), &receipt.tool)).collect();
    let mut steps = Vec::new();
    // What a call did whose code made others, they did.
    for receipt in receipts.iter().filter(|receipt| receipt.calls.is_empty()) {
        let reviews = calls.get(&receipt.number).copied().map(reviews).unwrap_or_default();
        let within = receipt.within.as_ref().map(|within| self::within(within, &tools));
        steps.push(step(receipt, within, reviews, &normaliser)?);
    }
    let mut runs = Vec::new();
    let mut reviewer_sessions = 0;
    for nested in &session.sessions {
        match nested.parent.as_ref().map(|parent| parent.relation) {
            Some(Relation::Reviewer) => reviewer_sessions += 1,
            _ => runs.push(run(nested, beside, Role::SubAgent)?),
        }
    }
    let header = Header {
        reviewer_sessions,
        coverage: coverage(&steps),
        asked: asked(&receipts, &normaliser),
        ..header(session)
    };
    Ok(Run { role, header, steps: List(steps), runs: List(runs) })
}

/// Every call of the session, by its number.
fn calls(session: &Session) -> BTreeMap<usize, &Call> {
    let entries = session.turns.iter().flat_map(|turn| &turn.entries).chain(&session.outside);
    let mut next: Vec<&Call> = entries
        .filter_map(|entry| match entry {
            Entry::Call(call) => Some(call.as_ref()),
            Entry::Note(_) => None,
        })
        .collect();
    let mut calls = BTreeMap::new();
    while let Some(call) = next.pop() {
        next.extend(&call.calls);
        calls.insert(call.number, call);
    }
    calls
}

fn header(session: &Session) -> Header {
    let signals = session.signals;
    Header {
        agent: plain(&session.agent),
        agent_version: plain(&session.agent_version),
        models: several(&session.models),
        provider: plain(&session.provider),
        settings: Settings {
            profile: plain(&session.policy.profile),
            approval_policy: plain(&session.policy.approval),
            sandbox_policy: plain(&session.policy.sandbox),
            auth_mode: plain(&session.auth),
            transports: several(&session.transports),
        },
        asked: Known::unknown(Grade::Missing),
        sender_settings: sender_settings(session),
        signals: Signals {
            logs: signals.logs > 0,
            spans: signals.spans > 0,
            span_events: signals.span_events > 0,
            rollout: signals.rollout > 0,
        },
        coverage: BTreeMap::new(),
        reviewer_sessions: 0,
    }
}

/// What the session's ledger tells of the settings of its sender; nothing where it has none.
fn sender_settings(session: &Session) -> BTreeMap<String, Known<String>> {
    let settings = session.ledger.iter().flat_map(|ledger| &ledger.settings);
    let known = |setting: &Setting| match setting.state {
        SettingState::NotSeen | SettingState::Unknown => Known::unknown(Grade::Missing),
        state => Known::new(state.as_str().to_owned(), Grade::Inferred),
    };
    settings.map(|setting| (setting.id.to_owned(), known(setting))).collect()
}

fn plain(fact: &Fact<String>) -> Known<String> {
    Known::from_fact(fact, String::clone)
}

/// Facts of the same kind as one list: graded as each of them, inferred where their grades differ.
fn several(facts: &[Fact<String>]) -> Known<List<String, ITEMS>> {
    let known: Vec<&Fact<String>> = facts.iter().filter(|fact| fact.is_known()).collect();
    let Some(first) = known.first() else { return Known::unknown(Grade::Missing) };
    let same = known.iter().all(|fact| fact.grade == first.grade);
    let grade = if same { first.grade } else { Grade::Inferred };
    let values = known.iter().filter_map(|fact| fact.value.clone()).take(ITEMS).collect();
    Known::new(List(values), grade)
}

/// Digests of the prompts of the turns that made calls. Where the words of one are not known, none is.
fn asked(receipts: &[Receipt], normaliser: &Normaliser) -> Known<List<String, ITEMS>> {
    let mut turns = BTreeSet::new();
    let mut digests = Vec::new();
    let mut grade = Grade::Observed;
    for receipt in receipts {
        if receipt.turn.is_none_or(|turn| !turns.insert(turn)) {
            continue;
        }
        match &receipt.asked.value {
            Some(words) => digests.push(digest(&normaliser.text(words))),
            None => return Known::unknown(receipt.asked.grade),
        }
        if receipt.asked.grade != Grade::Observed {
            grade = receipt.asked.grade;
        }
    }
    if digests.is_empty() {
        return Known::unknown(Grade::Missing);
    }
    digests.truncate(ITEMS);
    Known::new(List(digests), grade)
}

fn step(
    receipt: &Receipt,
    within: Option<Known<String>>,
    reviews: Vec<Review>,
    normaliser: &Normaliser,
) -> Result<Step, Error> {
    let (arguments_digest, arguments_class) = arguments(&receipt.arguments, normaliser)?;
    Ok(Step {
        turn: turn(receipt),
        within,
        tool: plain(&receipt.tool),
        mcp_server: plain(&receipt.mcp_server),
        arguments_digest,
        arguments_class,
        decision: Known::from_fact(&receipt.decision, ToString::to_string),
        decided_by: Known::from_fact(&receipt.decided_by, ToString::to_string),
        reviews: List(reviews),
        profile: plain(&receipt.profile),
        approval_policy: plain(&receipt.approval_policy),
        executed: Known::from_fact(&receipt.executed, ToString::to_string),
        sandbox: Known::from_fact(&receipt.sandbox, ToString::to_string),
        executor: plain(&receipt.executor).map(|executor| normaliser.text(&executor)),
        transport: plain(&receipt.transport),
        network: network(&receipt.network, normaliser),
        outcome: Known::from_fact(&receipt.outcome, ToString::to_string),
        exit_code: Known::from_fact(&receipt.exit_code, |code| exit_class(*code).to_owned()),
    })
}

/// The tool of the call around one, graded as that they belong together.
fn within(within: &Within, tools: &BTreeMap<&str, &Fact<String>>) -> Known<String> {
    let tool = tools.get(within.address.as_str());
    let tool = tool.map_or_else(|| Known::unknown(Grade::Missing), |tool| plain(tool));
    match within.join.kind {
        JoinKind::Inferred if tool.value.is_some() => Known { grade: Grade::Inferred, ..tool },
        _ => tool,
    }
}

fn turn(receipt: &Receipt) -> Known<usize> {
    let Some(turn) = receipt.turn else { return Known::unknown(Grade::Missing) };
    let explicit = receipt.turn_join.as_ref().is_some_and(|join| join.kind == JoinKind::Explicit);
    Known::new(turn, if explicit { Grade::Observed } else { Grade::Inferred })
}

type Arguments = (Known<String>, Known<List<String, TAGS>>);

fn arguments(arguments: &Fact<String>, normaliser: &Normaliser) -> Result<Arguments, Error> {
    let Some(text) = &arguments.value else {
        return Ok((Known::unknown(arguments.grade), Known::unknown(arguments.grade)));
    };
    let digested = digested(text, normaliser)?;
    let digest = if arguments.claims.is_empty() {
        Known::new(digested.digest, arguments.grade)
    } else {
        Known::from_fact(arguments, |text| {
            let other = self::digested(text, normaliser);
            other.map(|other| other.digest).unwrap_or_default()
        })
    };
    // The tags are this program's reading, whatever the grade of the arguments.
    Ok((digest, Known::new(List(digested.tags), Grade::Inferred)))
}

/// What automated reviewers said of a call: a record that says nothing is none.
fn reviews(call: &Call) -> Vec<Review> {
    let said = |note: &&Note| {
        note.kind == EventKind::Review.as_str()
            && [&note.decision, &note.detail, &note.risk].iter().any(|fact| fact.is_known())
    };
    let review = |note: &Note| Review {
        decision: plain(&note.decision),
        verdict: plain(&note.detail),
        risk: plain(&note.risk),
    };
    let mut reviews: Vec<Review> = call.reviews.iter().filter(said).map(review).collect();
    reviews.truncate(REVIEWS);
    reviews
}

fn network(
    network: &Fact<Vec<Connection>>,
    normaliser: &Normaliser,
) -> Known<List<Reached, ITEMS>> {
    Known::from_fact(network, |connections| {
        let reached = |connection: &Connection| Reached {
            host: connection.host.as_deref().map(|host| normaliser.host(host)),
            port: connection.port.map(|port| Normaliser::port(connection.host.as_deref(), port)),
            decision: connection.decision.clone(),
        };
        let reached: BTreeSet<Reached> = connections.iter().map(reached).collect();
        List(reached.into_iter().take(ITEMS).collect())
    })
}

/// What an exit code tells, whatever its number.
fn exit_class(code: i64) -> &'static str {
    match code {
        0 => "zero",
        126 | 127 => "not_found",
        129..=192 | i64::MIN..=-1 => "signal",
        _ => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_fall_into_four_classes() {
        let classes: Vec<&str> =
            [0, 1, 3, 126, 127, 128, 129, 137, 193, 255, -9].map(exit_class).into();
        assert_eq!(
            classes,
            [
                "zero",
                "error",
                "error",
                "not_found",
                "not_found",
                "error",
                "signal",
                "signal",
                "error",
                "error",
                "signal"
            ]
        );
    }
}
