//! From the rows of a session to its turns and calls.
//!
//! Start reading at [`reconstruct`]. Nothing is guessed: a statement that no row supports is
//! `missing`, one that a rule concludes is `inferred` and names the rule.

mod assemble;
mod attribution;
mod calls;
pub mod findings;
mod grouping;
pub mod lineage;
mod matching;
pub mod model;
pub mod pairing;
mod policies;
mod redaction;
mod rollout;
pub mod speakers;
mod turns;
mod usage;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use blotter_schemas::tables::Event;

pub(crate) use attribution::attribute_receipts;
use model::Parent;
pub use model::Session;
use speakers::Speakers;

/// Deepest nesting of sessions that is followed.
pub const DEPTH: usize = 16;

/// Reconstructs the session `session_id` and those nested in it from rows in any order, all of one tenant:
/// what another says under the same id is another session ([`crate::tenant`]).
///
/// A row without a session is taken as the session's whose trace it shares, if only one has it. The
/// ledger and the findings are left empty: [`crate::trail::examine`] fills them.
#[must_use]
pub fn reconstruct(session_id: &str, rows: &[Event]) -> Session {
    let parents = lineage::parents(rows);
    let by_session = by_session(rows);
    let mut done = BTreeSet::new();
    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (child, parent) in &parents {
        children.entry(&parent.session_id).or_default().push(child);
    }
    let speakers = Speakers::new(rows);
    let family = Family { parents: &parents, children, rows: by_session, speakers: &speakers };
    family.session(session_id, &mut done, 0)
}

/// Rows by the session that they belong to; a row without one by the only session that has its trace.
pub(crate) fn by_session(rows: &[Event]) -> BTreeMap<&str, Vec<&Event>> {
    let mut by_session: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    let mut traces: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for row in rows {
        let Some(session) = &row.session_id else { continue };
        if !seen.insert(row.event_id) {
            continue;
        }
        by_session.entry(session).or_default().push(row);
        if let Some(trace) = &row.trace_id {
            traces
                .entry(trace)
                .and_modify(|known| {
                    if *known != Some(session.as_str()) {
                        *known = None;
                    }
                })
                .or_insert(Some(session));
        }
    }
    for row in rows.iter().filter(|row| row.session_id.is_none()) {
        let trace = row.trace_id.as_deref();
        let session = trace.and_then(|trace| traces.get(trace).copied()).flatten();
        if let (Some(session), true) = (session, seen.insert(row.event_id)) {
            by_session.entry(session).or_default().push(row);
        }
    }
    by_session
}

struct Family<'a> {
    parents: &'a BTreeMap<String, Parent>,
    children: BTreeMap<&'a str, Vec<&'a str>>,
    rows: BTreeMap<&'a str, Vec<&'a Event>>,
    speakers: &'a Speakers,
}

impl<'a> Family<'a> {
    fn session(&self, id: &str, done: &mut BTreeSet<&'a str>, depth: usize) -> Session {
        let rows = self.rows.get(id).map(Vec::as_slice).unwrap_or_default();
        let mut session = assemble::session(id, rows, self.speakers);
        attribution::attribute(&mut session, rows, self.speakers);
        session.parent = self.parents.get(id).cloned();
        let children = self.children.get(id).filter(|_| depth < DEPTH);
        for child in children.into_iter().flatten() {
            if done.insert(child) {
                session.sessions.push(self.session(child, done, depth + 1));
            }
        }
        session.sessions.sort_by_key(|child| {
            (child.span.map(|span| span.start_unix_nano), child.session_id.clone())
        });
        session
    }
}
