//! More sub-agents at a time, or deeper ones, than the agent allows.

use super::Rule;
use crate::ledger::Ledger;
use crate::reconstruct::Session;
use crate::reconstruct::findings::{Finding, Severity};
use crate::reconstruct::model::Relation;
use crate::trail::{EVENTS_LIMIT, Trail};

pub(super) const RULE: Rule = Rule {
    name: "sub_agent_limits",
    severity: Severity::Medium,
    finds: "More than 6 sub-agents at a time, or a sub-agent of a sub-agent: more than Codex allows unless its \
            settings say otherwise.",
    false_positive: "The limits were raised in its settings; a sub-agent whose end \
                     was not told.",
    find,
};

/// The agent that has these limits, and what they are by default (`codex-rs/core`).
const AGENT: &str = "codex";
const AT_A_TIME: usize = 6;
const DEPTH: usize = 1;

fn find(trail: &Trail<'_>, _: &Ledger) -> Vec<Finding> {
    if trail.session.agent.value.as_deref() != Some(AGENT) || trail.depth > 0 {
        return Vec::new();
    }
    let mut all = Vec::new();
    sub_agents(trail.session, 0, &mut all);
    [too_many(trail, &all), too_deep(trail, &all)].into_iter().flatten().collect()
}

/// The sub-agents' sessions below one, with their depth.
fn sub_agents<'a>(session: &'a Session, depth: usize, all: &mut Vec<(usize, &'a Session)>) {
    for nested in &session.sessions {
        let relation = nested.parent.as_ref().map(|parent| parent.relation);
        if relation == Some(Relation::SubAgent) {
            all.push((depth + 1, nested));
            sub_agents(nested, depth + 1, all);
        }
    }
}

fn too_many(trail: &Trail<'_>, all: &[(usize, &Session)]) -> Option<Finding> {
    let mut moments: Vec<(i64, bool, &Session)> = Vec::new();
    for (_, session) in all {
        if let Some(span) = session.span {
            moments.push((span.start_unix_nano, true, session));
            moments.push((span.end_unix_nano, false, session));
        }
    }
    // At one moment the end of one comes before the begin of another.
    moments.sort_by_key(|(time, begins, session)| (*time, *begins, &session.session_id));
    let mut open: Vec<&Session> = Vec::new();
    let mut most: Vec<&Session> = Vec::new();
    for (_, begins, session) in moments {
        if begins {
            open.push(session);
        } else {
            open.retain(|one| one.session_id != session.session_id);
        }
        if open.len() > most.len() {
            most.clone_from(&open);
        }
    }
    (most.len() > AT_A_TIME).then(|| {
        let summary = format!("{} sub-agents at a time; {AT_A_TIME} are allowed", most.len());
        RULE.finding(trail, summary, begun(&most))
    })
}

fn too_deep(trail: &Trail<'_>, all: &[(usize, &Session)]) -> Option<Finding> {
    let deep: Vec<&Session> =
        all.iter().filter(|(depth, _)| *depth > DEPTH).map(|(_, session)| *session).collect();
    let first = deep.first()?;
    let summary = match deep.len() {
        1 => format!("sub-agent {} is a sub-agent's", first.session_id),
        count => format!("{count} sub-agents are sub-agents', {} first", first.session_id),
    };
    Some(RULE.finding(trail, summary, begun(&deep)))
}

/// Rows that say whose sub-agents these are.
fn begun(sessions: &[&Session]) -> Vec<crate::fact::EventId> {
    let parents = sessions.iter().filter_map(|session| session.parent.as_ref());
    parents.flat_map(|parent| parent.events.iter().take(1).copied()).take(EVENTS_LIMIT).collect()
}
