//! The sessions of an archive, one line each.

use std::collections::{BTreeMap, BTreeSet};

use blotter_archive::{Archive, Op, Predicate, ScanRequest, Value};
use blotter_schemas::names::blotter::EventKind;
use blotter_schemas::tables::{Event, Row as _, Table};
use serde::Serialize;

use crate::Error;
use crate::fact::Fact;
use crate::gaps;
use crate::import::record;
use crate::reconstruct::findings::Finding;
use crate::reconstruct::model::{Call, Entry, Relation};
use crate::reconstruct::{Session, lineage, reconstruct};
use crate::tenant::{Asked, SessionKey};

/// Which sessions are wanted.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// With an event at or after this time, microseconds since the epoch.
    pub since: Option<i64>,
    /// With an event before this time, microseconds since the epoch.
    pub until: Option<i64>,
    /// Of this agent.
    pub agent: Option<String>,
    /// Of this tenant.
    pub tenant: Asked,
    /// At most so many, the newest.
    pub limit: Option<usize>,
    /// Without the conversations of sub-agents and reviewers whose session is listed too.
    pub of_users: bool,
}

/// One session in short. `null` means that no record says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Its id.
    pub session_id: String,
    /// The tenant of its records: that of the credential that was shown with them. Absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The session it belongs to.
    pub parent_session_id: Option<String>,
    /// What it is to that session.
    pub relation: Option<Relation>,
    /// Agent.
    pub agent: Option<String>,
    /// Version of the agent.
    pub agent_version: Option<String>,
    /// Model first used.
    pub model: Option<String>,
    /// Host.
    pub host: Option<String>,
    /// User.
    pub user: Option<String>,
    /// First moment reported, nanoseconds since the epoch.
    pub start_unix_nano: Option<i64>,
    /// Last moment reported, nanoseconds since the epoch.
    pub end_unix_nano: Option<i64>,
    /// Prompts.
    pub prompts: usize,
    /// Tool calls, nested ones included.
    pub calls: usize,
    /// Decisions about calls.
    pub decisions: usize,
    /// Decisions that refused something, the network proxy's included.
    pub denied: usize,
    /// Calls whose result the agent calls no success, failed model requests and other errors.
    pub errors: usize,
    /// Tokens in the input.
    pub tokens_input: Option<i64>,
    /// Tokens in the output.
    pub tokens_output: Option<i64>,
    /// Cost as the agent estimates it, in US dollars.
    pub cost_usd: Option<f64>,
    /// Rows of the archive.
    pub events: usize,
    /// How many speakers they came from.
    pub speakers: usize,
    /// Whether several speakers claim it; `triage gaps` finds more.
    pub findings: Vec<Finding>,
}

impl Summary {
    /// What tells it from other sessions.
    #[must_use]
    pub fn key(&self) -> SessionKey {
        SessionKey { session_id: self.session_id.clone(), tenant: self.tenant.clone() }
    }

    /// The session it belongs to: of its own tenant, or of none.
    #[must_use]
    pub fn parent(&self) -> Option<SessionKey> {
        Some(self.key().beside(self.parent_session_id.as_ref()?))
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Newest first.
    pub sessions: Vec<Summary>,
    /// Rows that name no session.
    pub without_session: usize,
    /// Nested sessions that were left out because only those of users were asked for.
    pub nested_left_out: usize,
}

impl Found {
    /// Leaves out what `show` shows within another session of the list. A fork goes on by itself, and a
    /// finding is not left out.
    fn leave_nested_out(&mut self) {
        let listed: BTreeSet<SessionKey> = self.sessions.iter().map(Summary::key).collect();
        let all = self.sessions.len();
        self.sessions.retain(|session| {
            let within = session.parent().is_some_and(|parent| listed.contains(&parent));
            let by_itself =
                session.relation == Some(Relation::Fork) || !session.findings.is_empty();
            !within || by_itself
        });
        self.nested_left_out = all.saturating_sub(self.sessions.len());
    }
}

/// Columns that a summary is made of; long texts are not among them.
const COLUMNS: &[&str] = &[
    "event_id",
    "source",
    "dialect",
    "time_unix_nano",
    "observed_time_unix_nano",
    "duration_ns",
    "sequence",
    "session_id",
    "parent_session_id",
    "receiver_session_id",
    "turn_id",
    "call_id",
    "trace_id",
    "span_id",
    "parent_span_id",
    "agent_name",
    "agent_version",
    "model",
    "user_id",
    "user_email",
    "host_name",
    "kind",
    "name",
    "detail",
    "tool_name",
    "success",
    "decision",
    "decision_source",
    "http_status",
    "error_type",
    "tokens_input",
    "tokens_output",
    "tokens_cached",
    "tokens_reasoning",
    "cost_usd",
    // Who speaks.
    "received_time",
    "collector_id",
    "sender",
    "peer",
    "tenant",
];

/// Lists the sessions of an archive.
///
/// # Errors
/// When the archive cannot be read.
pub async fn list(archive: &Archive, selection: &Selection) -> Result<Found, Error> {
    let wanted = in_range(archive, selection).await?;
    let mut request = ScanRequest::new(Table::Events).columns(COLUMNS.iter().copied());
    let ids = wanted.as_ref().map(|wanted| {
        let ids: BTreeSet<&str> = wanted.iter().map(|key| key.session_id.as_str()).collect();
        Predicate::one_of("session_id", ids)
    });
    let filters: Vec<Predicate> = ids.into_iter().chain(selection.tenant.predicate()).collect();
    if !filters.is_empty() {
        request = request.filter(Predicate::And(filters));
    }
    let mut found = Found::default();
    let mut gathered = Gathered::default();
    let mut scan = archive.scan(request).await?;
    while let Some(batch) = scan.next().await? {
        for event in Event::from_batch(&batch)? {
            match SessionKey::of(&event) {
                None => found.without_session += 1,
                Some(_) if record::is_of_import(&event) => {}
                Some(key) if wanted.as_ref().is_some_and(|wanted| !wanted.contains(&key)) => {}
                Some(_) => gathered.take(event),
            }
        }
    }
    gathered.finish_session();
    found.sessions = gathered.summaries(selection.agent.as_deref());
    if selection.of_users {
        found.leave_nested_out();
    }
    if let Some(limit) = selection.limit {
        found.sessions.truncate(limit);
    }
    Ok(found)
}

async fn in_range(
    archive: &Archive,
    selection: &Selection,
) -> Result<Option<BTreeSet<SessionKey>>, Error> {
    let mut bounds = Vec::new();
    if let Some(since) = selection.since {
        bounds.push(Predicate::compare("time", Op::GtEq, Value::Time(since)));
    }
    if let Some(until) = selection.until {
        bounds.push(Predicate::compare("time", Op::Lt, Value::Time(until)));
    }
    if bounds.is_empty() {
        return Ok(None);
    }
    let request = ScanRequest::new(Table::Events)
        .filter(selection.tenant.within(Predicate::And(bounds)))
        .columns(["session_id", "tenant"]);
    let mut wanted = BTreeSet::new();
    let mut scan = archive.scan(request).await?;
    while let Some(batch) = scan.next().await? {
        wanted.extend(Event::from_batch(&batch)?.iter().filter_map(SessionKey::of));
    }
    Ok(Some(wanted))
}

/// Summaries as they are gathered; the rows of one session id at a time are held.
#[derive(Default)]
struct Gathered {
    rows: Vec<Event>,
    /// Rows that tell which session belongs to which, by tenant: one tenant's say nothing of another's.
    edges: BTreeMap<Option<String>, Vec<Event>>,
    summaries: BTreeMap<SessionKey, Summary>,
}

impl Gathered {
    fn take(&mut self, event: Event) {
        if self.rows.first().is_some_and(|row| row.session_id != event.session_id) {
            self.finish_session();
        }
        self.rows.push(event);
    }

    /// Sums up the session of each tenant that has one of this id.
    fn finish_session(&mut self) {
        let mut by_tenant: BTreeMap<Option<String>, Vec<Event>> = BTreeMap::new();
        for row in std::mem::take(&mut self.rows) {
            match by_tenant.get_mut(&row.tenant) {
                Some(rows) => rows.push(row),
                None => {
                    by_tenant.insert(row.tenant.clone(), vec![row]);
                }
            }
        }
        for (tenant, rows) in by_tenant {
            let Some(key) = rows.first().and_then(SessionKey::of) else { continue };
            let mut session = reconstruct(&key.session_id, &rows);
            session.sessions.clear();
            self.summaries.insert(key, summary(&session));
            let mut traces = BTreeSet::new();
            let edges = rows.into_iter().filter(|row| is_edge(row, &mut traces));
            self.edges.entry(tenant).or_default().extend(edges);
        }
    }

    fn summaries(mut self, agent: Option<&str>) -> Vec<Summary> {
        for (tenant, edges) in &self.edges {
            for (child, parent) in lineage::parents(edges) {
                let child = SessionKey { session_id: child, tenant: tenant.clone() };
                if let Some(summary) = self.summaries.get_mut(&child) {
                    summary.parent_session_id = Some(parent.session_id);
                    summary.relation = Some(parent.relation);
                }
            }
        }
        let mut sessions: Vec<Summary> = self.summaries.into_values().collect();
        if let Some(agent) = agent {
            let wanted = plain(agent);
            sessions
                .retain(|session| session.agent.as_deref().map(plain).as_ref() == Some(&wanted));
        }
        sessions.sort_by(|a, b| {
            b.start_unix_nano.cmp(&a.start_unix_nano).then_with(|| a.key().cmp(&b.key()))
        });
        sessions
    }
}

fn plain(agent: &str) -> String {
    agent.to_ascii_lowercase().replace('_', "-")
}

/// Whether a row can tell lineage; of rows that only share a trace, one of each trace is enough.
fn is_edge(row: &Event, traces: &mut BTreeSet<String>) -> bool {
    let kind = row.kind.as_deref().and_then(EventKind::from_value);
    row.parent_session_id.is_some()
        || matches!(kind, Some(EventKind::AgentMessage | EventKind::Review))
        || row.trace_id.as_ref().is_some_and(|trace| traces.insert(trace.clone()))
}

fn summary(session: &Session) -> Summary {
    let mut counts = Counts::default();
    counts.entries(&session.outside);
    for turn in &session.turns {
        counts.entries(&turn.entries);
    }
    let text = |fact: &Fact<String>| fact.value.clone();
    Summary {
        session_id: session.session_id.clone(),
        tenant: session.tenant.clone(),
        parent_session_id: session.parent.as_ref().map(|parent| parent.session_id.clone()),
        relation: session.parent.as_ref().map(|parent| parent.relation),
        agent: text(session.agent_by_name()),
        agent_version: text(&session.agent_version),
        model: session.models.first().and_then(text),
        host: text(&session.host),
        user: text(&session.user),
        start_unix_nano: session.span.map(|span| span.start_unix_nano),
        end_unix_nano: session.span.map(|span| span.end_unix_nano),
        prompts: session.turns.iter().filter(|turn| turn.prompted_unix_nano.is_known()).count(),
        calls: counts.calls,
        decisions: counts.decisions,
        denied: counts.denied,
        errors: counts.errors,
        tokens_input: session.usage.input.value,
        tokens_output: session.usage.output.value,
        cost_usd: session.usage.cost_usd.value,
        events: session.rows.total,
        speakers: session.speakers.len(),
        findings: gaps::of_speakers(session).into_iter().collect(),
    }
}

/// What is counted in a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tool calls, nested ones included.
    pub calls: usize,
    /// Decisions about calls.
    pub decisions: usize,
    /// Decisions that refused something.
    pub denied: usize,
    /// What went wrong.
    pub errors: usize,
}

impl Counts {
    /// Counts what happened in a turn.
    pub fn entries(&mut self, entries: &[Entry]) {
        for entry in entries {
            match entry {
                Entry::Call(call) => self.call(call),
                Entry::Note(note) => {
                    let kind = EventKind::from_value(&note.kind);
                    if matches!(kind, Some(EventKind::Error | EventKind::ApiError)) {
                        self.errors += 1;
                    }
                    if matches!(kind, Some(EventKind::Decision | EventKind::ProxyDecision)) {
                        self.decision(&note.decision);
                    }
                }
            }
        }
    }

    fn call(&mut self, call: &Call) {
        self.calls += 1;
        for decision in &call.decisions {
            self.decision(&decision.decision);
        }
        for decision in &call.proxy {
            self.decision(&decision.decision);
        }
        let failed =
            |result: &crate::reconstruct::model::Outcome| result.success.value == Some(false);
        if call.result.as_ref().is_some_and(failed) {
            self.errors += 1;
        }
        for call in &call.calls {
            self.call(call);
        }
    }

    fn decision(&mut self, decision: &Fact<String>) {
        self.decisions += 1;
        if decision.value.as_deref().is_some_and(refuses) {
            self.denied += 1;
        }
    }
}

/// Whether a decision, in an agent's own words, refuses.
#[must_use]
pub fn refuses(decision: &str) -> bool {
    matches!(decision, "denied" | "deny" | "reject" | "rejected" | "abort" | "block" | "blocked")
}
