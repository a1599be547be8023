//! Which session belongs to which other.

use std::collections::{BTreeMap, BTreeSet};

use blotter_schemas::names::blotter::EventKind;
use blotter_schemas::rollout::FORKED;
use blotter_schemas::tables::Event;

use super::model::{Parent, Relation};
use super::rollout::from_rollout;
use crate::fact::{EventId, Join};

/// The parent of every session that has one. A session has one parent: an id stated by its own
/// records goes before a message that was sent to it, and that before a shared trace.
#[must_use]
pub fn parents(rows: &[Event]) -> BTreeMap<String, Parent> {
    let mut parents = BTreeMap::new();
    stated(rows, &mut parents);
    spawned(rows, &mut parents);
    reviewed(rows, &mut parents);
    break_circles(&mut parents);
    parents
}

fn stated(rows: &[Event], parents: &mut BTreeMap<String, Parent>) {
    for row in rows {
        let (Some(session), Some(parent)) = (&row.session_id, &row.parent_session_id) else {
            continue;
        };
        if session != parent {
            add(parents, session, parent, relation(row), "parent session id", row);
        }
    }
}

/// How the session file of a thread says that it reviews another's actions.
const REVIEW: &str = "guardian";

/// What a session is to the one that its own record names as its parent. Only a session file says more
/// than that there is one.
fn relation(row: &Event) -> Relation {
    match row.detail.as_deref().filter(|_| from_rollout(row)) {
        Some(FORKED) => Relation::Fork,
        Some(began) if began.starts_with(REVIEW) => Relation::Reviewer,
        _ => Relation::SubAgent,
    }
}

/// The word of a session file for a sub-agent that was started.
const STARTED: &str = "started";

fn spawned(rows: &[Event], parents: &mut BTreeMap<String, Parent>) {
    let known: BTreeSet<String> = parents.keys().cloned().collect();
    for row in rows.iter().filter(|row| is(row, EventKind::AgentMessage)) {
        let (Some(sender), Some(receiver)) = (&row.session_id, &row.receiver_session_id) else {
            continue;
        };
        // Messages go both ways; only the first one, which gives the task, tells who began it.
        let started = |detail: &str| detail == STARTED && from_rollout(row);
        let task = row.detail.as_deref().is_none_or(|it| it.contains("spawn") || started(it));
        if task && sender != receiver && !known.contains(receiver) {
            add(parents, receiver, sender, Relation::SubAgent, "message that started it", row);
        }
    }
}

fn reviewed(rows: &[Event], parents: &mut BTreeMap<String, Parent>) {
    let mut reviews: BTreeMap<&str, &Event> = BTreeMap::new();
    for row in rows.iter().filter(|row| is(row, EventKind::Review)) {
        if let Some(trace) = &row.trace_id {
            reviews.entry(trace).or_insert(row);
        }
    }
    for row in rows {
        let (Some(session), Some(trace)) = (&row.session_id, &row.trace_id) else { continue };
        let Some(review) = reviews.get(trace.as_str()) else { continue };
        let Some(parent) = review.session_id.as_ref().filter(|parent| *parent != session) else {
            continue;
        };
        if !parents.contains_key(session) {
            add(parents, session, parent, Relation::Reviewer, "trace id of the review", review);
        }
    }
}

fn is(row: &Event, kind: EventKind) -> bool {
    row.kind.as_deref() == Some(kind.as_str())
}

fn add(
    parents: &mut BTreeMap<String, Parent>,
    session: &str,
    parent: &str,
    relation: Relation,
    by: &'static str,
    row: &Event,
) {
    let entry = parents.entry(session.to_owned()).or_insert_with(|| Parent {
        session_id: parent.to_owned(),
        relation,
        join: Join::explicit(by),
        events: Vec::new(),
    });
    if entry.session_id == parent && entry.join.by == by {
        let id = EventId(row.event_id);
        if !entry.events.contains(&id) && entry.events.len() < EVENTS_LIMIT {
            entry.events.push(id);
        }
    }
}

/// Most rows that are named as the proof of one edge.
const EVENTS_LIMIT: usize = 16;

/// Records can name each other as parents; such a session has none.
fn break_circles(parents: &mut BTreeMap<String, Parent>) {
    let sessions: Vec<String> = parents.keys().cloned().collect();
    for session in sessions {
        let mut seen = BTreeSet::new();
        let mut at = session.clone();
        while let Some(parent) = parents.get(&at) {
            if !seen.insert(at.clone()) {
                parents.remove(&session);
                break;
            }
            at.clone_from(&parent.session_id);
        }
    }
}
