//! Whose word a statement is: in a session of several speakers, every statement that does not rest on
//! the first speaker's records alone names the speakers it rests on.

use std::collections::{BTreeMap, BTreeSet};

use blotter_schemas::names::blotter::Grade;
use blotter_schemas::tables::Event;

use super::model::{
    Call, Decision, Entry, Note, Outcome, Policy, ProxyDecision, Requests, Session, Turn, Usage,
};
use super::speakers::{SpeakerKind, Speakers};
use crate::fact::{EventId, Fact};
use crate::receipt::Receipt;

/// Names the speakers in a session, whose rows are `rows`.
pub(crate) fn attribute(session: &mut Session, rows: &[&Event], speakers: &Speakers) {
    if let Some(attribution) = Attribution::new(session, rows.iter().copied(), speakers) {
        attribution.session(session);
    }
}

/// Names the speakers in the receipts of a session, which was reconstructed from `rows`.
pub(crate) fn attribute_receipts(receipts: &mut [Receipt], session: &Session, rows: &[Event]) {
    if let Some(attribution) = Attribution::new(session, rows, &Speakers::new(rows)) {
        for receipt in receipts {
            attribution.receipt(receipt);
        }
    }
}

struct Attribution {
    /// The session's first speaker.
    first: usize,
    /// Session files.
    filed: BTreeSet<usize>,
    of: BTreeMap<EventId, usize>,
}

macro_rules! facts {
    ($self:ident, $of:ident: $($field:ident),*) => { $( $self.fact(&mut $of.$field); )* };
}

impl Attribution {
    /// Who sent these rows of a session; none where all are one speaker's.
    fn new<'a>(
        session: &Session,
        rows: impl IntoIterator<Item = &'a Event>,
        speakers: &Speakers,
    ) -> Option<Self> {
        let first = session.speakers.first().map(|speaker| speaker.number)?;
        if session.speakers.len() < 2 {
            return None;
        }
        let rows = rows.into_iter();
        let of = rows.map(|row| (EventId(row.event_id), speakers.of(row))).collect();
        let filed = session.speakers.iter().filter(|it| it.kind == SpeakerKind::Rollout);
        Some(Self { first, filed: filed.map(|speaker| speaker.number).collect(), of })
    }

    /// Those whose rows these are; nobody where all are the first speaker's.
    fn said<'a>(&self, events: impl IntoIterator<Item = &'a EventId>) -> Vec<usize> {
        let said: BTreeSet<usize> =
            events.into_iter().filter_map(|event| self.of.get(event).copied()).collect();
        if said.len() == 1 && said.contains(&self.first) {
            return Vec::new();
        }
        said.into_iter().collect()
    }

    /// That the session file says the same as the first speaker need not be said of a fact.
    fn fact<T>(&self, fact: &mut Fact<T>) {
        let said = self.said(&fact.events);
        let alone = |number: &usize| *number == self.first || self.filed.contains(number);
        let agreed = fact.grade != Grade::Contradicted
            && said.contains(&self.first)
            && said.iter().all(alone);
        fact.speakers = if agreed { Vec::new() } else { said };
    }

    fn receipt(&self, receipt: &mut Receipt) {
        facts!(self, receipt: asked, planned, tool, arguments, agent, model, user, host, auth_mode,
            token_type, sender, profile, approval_policy, grants, decision, decided_by, executed,
            sandbox, executor, transport, mcp_server, network, outcome, exit_code, output, duration);
    }

    fn session(&self, session: &mut Session) {
        facts!(self, session: agent, program, agent_version, provider, host, user, auth, token_type,
            terminal, cwd);
        for fact in session.models.iter_mut().chain(&mut session.transports) {
            self.fact(fact);
        }
        self.policy(&mut session.policy);
        self.usage(&mut session.usage);
        self.requests(&mut session.requests);
        self.entries(&mut session.outside);
        for turn in &mut session.turns {
            self.turn(turn);
        }
    }

    fn turn(&self, turn: &mut Turn) {
        facts!(self, turn: turn_id, prompted_unix_nano, prompt);
        if let Some(context) = &mut turn.context {
            self.policy(&mut context.policy);
            self.fact(&mut context.cwd);
        }
        self.usage(&mut turn.usage);
        self.requests(&mut turn.requests);
        self.entries(&mut turn.entries);
    }

    fn requests(&self, requests: &mut Requests) {
        requests.speakers = self.said(&requests.events);
    }

    fn usage(&self, usage: &mut Usage) {
        facts!(self, usage: input, output, cached, reasoning, cost_usd);
    }

    fn policy(&self, policy: &mut Policy) {
        facts!(self, policy: profile, approval, sandbox);
    }

    fn entries(&self, entries: &mut [Entry]) {
        for entry in entries {
            match entry {
                Entry::Call(call) => self.call(call),
                Entry::Note(note) => self.note(note),
            }
        }
    }

    fn call(&self, call: &mut Call) {
        call.speakers = self.said(&call.events);
        facts!(self, call: tool, namespace, mcp_server, agent, arguments, received, error_type, model,
            sandbox, mcp_method, transport, executor);
        self.policy(&mut call.policy);
        for decision in &mut call.decisions {
            self.decision(decision);
        }
        for review in &mut call.reviews {
            self.note(review);
        }
        for decision in &mut call.proxy {
            self.proxy(decision);
        }
        if let Some(result) = &mut call.result {
            self.outcome(result);
        }
        for inner in &mut call.calls {
            self.call(inner);
        }
    }

    fn outcome(&self, result: &mut Outcome) {
        facts!(self, result: success, exit_code, duration_ns, output, output_truncated, error_type,
            error_message, detail);
    }

    fn decision(&self, decision: &mut Decision) {
        facts!(self, decision: decision, source, reason);
    }

    fn proxy(&self, decision: &mut ProxyDecision) {
        facts!(self, decision: decision, source, reason, address, port, protocol, method);
    }

    fn note(&self, note: &mut Note) {
        note.speakers = self.said(&note.events);
        facts!(self, note: name, detail, text, decision, source, reason, risk, mcp_server, transport, success,
            http_status, error_type, error_class, error_message, receiver);
        if let Some(decision) = &mut note.proxy {
            self.proxy(decision);
        }
    }
}
