//! A session as it is shown: the structures that `triage show --format json` writes.
//!
//! Times are nanoseconds since the epoch, UTC. Every [`Fact`] carries the ids of the rows it rests
//! on; every [`Join`] says whether records state it or whether time and order suggest it.

use std::collections::BTreeMap;

use blotter_schemas::coverage::{self, Coverage};
use serde::Serialize;

use super::findings::Finding;
use super::speakers::{Speaker, SpeakerKind};
use crate::fact::{EventId, Fact, Join};
use crate::ledger::Ledger;
use crate::receipt::Receipt;

/// One conversation with one agent.
#[derive(Debug, Clone, Serialize)]
pub struct Session {
    /// Its id, as the agent gives it.
    pub session_id: String,
    /// The tenant of its records: that of the credential that was shown with them. Absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The session it belongs to and why, where there is one.
    pub parent: Option<Parent>,
    /// Agent.
    pub agent: Fact<String>,
    /// Program that sent the telemetry, as it names itself.
    pub program: Fact<String>,
    /// Version of the agent.
    pub agent_version: Fact<String>,
    /// Models in use, in order of first use.
    pub models: Vec<Fact<String>>,
    /// Model provider.
    pub provider: Fact<String>,
    /// Host the agent ran on.
    pub host: Fact<String>,
    /// User, by email address where one is given, else by id.
    pub user: Fact<String>,
    /// How the agent was signed in, in its own words.
    pub auth: Fact<String>,
    /// Type of the credential; never its value.
    pub token_type: Fact<String>,
    /// Terminal or client.
    pub terminal: Fact<String>,
    /// Folder it began in.
    #[serde(skip_serializing_if = "unknown")]
    pub cwd: Fact<String>,
    /// Permission profile, approval and sandbox policy first stated.
    pub policy: Policy,
    /// Transports of model requests, in order of first use.
    pub transports: Vec<Fact<String>>,
    /// First and last moment reported.
    pub span: Option<TimeSpan>,
    /// Tokens and cost.
    pub usage: Usage,
    /// Requests to the model.
    pub requests: Requests,
    /// What happened before the first turn, or in none.
    pub outside: Vec<Entry>,
    /// Turns, in order.
    pub turns: Vec<Turn>,
    /// Sub-agents' and reviewers' sessions, in order of their start.
    pub sessions: Vec<Session>,
    /// Rows of the archive that belong to this session alone, by how they were used.
    pub rows: Rows,
    /// The same rows by the kind of record they were made from.
    pub signals: Signals,
    /// What was redacted before the rows were stored; absent where nothing was and all of them, or none,
    /// were searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redaction: Option<Redaction>,
    /// Who sent those rows, who sent most first.
    pub speakers: Vec<Speaker>,
    /// What the trail holds and what it lacks; absent until it was examined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<Ledger>,
    /// What is wrong with this session's trail; empty until it was examined.
    pub findings: Vec<Finding>,
}

/// The agent that stands for every agent that was instrumented for Blotter.
pub(crate) const OF_MANY: &str = "blotter";

impl Session {
    /// Whether, of these speakers, only one told by a connection or a recorded request: session files are
    /// a second telling of the same.
    #[must_use]
    pub fn is_one_sender(&self, speakers: &[usize]) -> bool {
        let filed = |number: &&usize| {
            let own = self.speakers.iter().find(|speaker| speaker.number == **number);
            own.is_some_and(|speaker| speaker.kind == SpeakerKind::Rollout)
        };
        speakers.iter().filter(|number| !filed(number)).count() <= 1
    }

    /// Hands every call to `visit`, those within others after them; not those of nested sessions.
    pub(crate) fn calls_mut(&mut self, visit: &mut dyn FnMut(&mut Call)) {
        fn one(call: &mut Call, visit: &mut dyn FnMut(&mut Call)) {
            visit(call);
            for inner in &mut call.calls {
                one(inner, visit);
            }
        }
        let in_turns = self.turns.iter_mut().flat_map(|turn| &mut turn.entries);
        for entry in in_turns.chain(&mut self.outside) {
            if let Entry::Call(call) = entry {
                one(call, visit);
            }
        }
    }

    /// Its agent by name: where agents of any name write by the same rules, the name that this one gives
    /// itself.
    #[must_use]
    pub fn agent_by_name(&self) -> &Fact<String> {
        let of_many = self.agent.value.as_deref() == Some(OF_MANY);
        if of_many && self.program.is_known() { &self.program } else { &self.agent }
    }

    /// What its agent reports, where that is declared.
    #[must_use]
    pub fn coverage(&self) -> Option<&'static Coverage> {
        coverage::coverage(&self.agent.value.as_deref()?.replace('-', "_"))
    }
}

/// What was redacted before rows were stored, by the collector or by an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Redaction {
    /// Values that were taken out of records; one in a resource counts for each of its records.
    pub values: u64,
    /// The same by rule.
    pub rules: BTreeMap<String, u64>,
    /// Rows that were stored without having been searched.
    pub rows_not_searched: usize,
}

/// First and last moment, nanoseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TimeSpan {
    /// First.
    pub start_unix_nano: i64,
    /// Last.
    pub end_unix_nano: i64,
}

/// The session that another belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parent {
    /// Its id.
    pub session_id: String,
    /// What the one is to the other.
    pub relation: Relation,
    /// Why they are said to belong together.
    pub join: Join,
    /// Rows that say so.
    pub events: Vec<EventId>,
}

/// What a nested session is to the one around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// It was given a task.
    SubAgent,
    /// It judged an action.
    Reviewer,
    /// It goes on from a copy of the other's history.
    Fork,
}

/// Under what rules something was done, in the agent's own words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Policy {
    /// Permission profile.
    pub profile: Fact<String>,
    /// When the agent must ask.
    pub approval: Fact<String>,
    /// What the sandbox allows.
    pub sandbox: Fact<String>,
}

/// Under what rules and where a turn went on, as the agent's session file states it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Context {
    /// Rules in effect.
    pub policy: Policy,
    /// Folder.
    pub cwd: Fact<String>,
}

/// Tokens and cost. A sum over the model responses that reported them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Usage {
    /// Tokens in the input.
    pub input: Fact<i64>,
    /// Tokens in the output.
    pub output: Fact<i64>,
    /// Input tokens read from a cache.
    pub cached: Fact<i64>,
    /// Output tokens spent on reasoning.
    pub reasoning: Fact<i64>,
    /// Cost as the agent estimates it, in US dollars.
    pub cost_usd: Fact<f64>,
}

/// Requests to the model that were reported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// How many were answered.
    pub answered: usize,
    /// How many errors were reported, of requests or of the answer's stream.
    pub errors: usize,
    /// Their rows.
    pub events: Vec<EventId>,
    /// Whose word it is, as for a [`Fact`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub speakers: Vec<usize>,
}

/// One prompt and everything until the agent stops.
#[derive(Debug, Clone, Serialize)]
pub struct Turn {
    /// Its place in the session, from 1.
    pub number: usize,
    /// Its id, where the agent gives one.
    pub turn_id: Fact<String>,
    /// When the prompt was given, nanoseconds since the epoch.
    pub prompted_unix_nano: Fact<i64>,
    /// The words of the prompt.
    pub prompt: Fact<String>,
    /// Rules and folder in effect; absent where no session file states them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// First and last moment reported.
    pub span: Option<TimeSpan>,
    /// Tokens and cost.
    pub usage: Usage,
    /// Requests to the model.
    pub requests: Requests,
    /// What happened, in order of time.
    pub entries: Vec<Entry>,
}

/// Something that happened in a turn.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Entry {
    /// A tool call.
    Call(Box<Call>),
    /// Anything else that is worth telling.
    Note(Box<Note>),
}

impl Entry {
    /// When, nanoseconds since the epoch.
    #[must_use]
    pub fn time(&self) -> i64 {
        match self {
            Self::Call(call) => call.time_unix_nano,
            Self::Note(note) => note.time_unix_nano,
        }
    }
}

/// One tool invocation.
#[derive(Debug, Clone, Serialize)]
pub struct Call {
    /// Its id, as the agent gives it.
    pub call_id: Option<String>,
    /// Its place among the calls of its session, nested ones included, from 1, in order of time.
    pub number: usize,
    /// First moment reported, nanoseconds since the epoch.
    pub time_unix_nano: i64,
    /// Why it is said to belong to its turn; absent outside turns.
    pub turn: Option<Join>,
    /// Why it is said to belong to the call around it; absent for a call that stands alone.
    pub within: Option<Join>,
    /// Why records that do not carry its id are said to be about it; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joined: Option<Join>,
    /// Tool.
    pub tool: Fact<String>,
    /// Namespace of the tool.
    pub namespace: Fact<String>,
    /// MCP server of the tool.
    pub mcp_server: Fact<String>,
    /// Agent, or sub-agent, that made the call.
    pub agent: Fact<String>,
    /// Arguments, as sent.
    pub arguments: Fact<String>,
    /// Why the model says that it makes the call, where a record has a field for that.
    #[serde(skip)]
    pub justification: Fact<String>,
    /// When the agent took the call in, before anything was decided.
    pub received: Fact<i64>,
    /// What records of the call itself tell, in order of time.
    pub stages: Vec<Stage>,
    /// Class of error on the call itself, such as `aborted`.
    pub error_type: Fact<String>,
    /// Model that asked for it.
    pub model: Fact<String>,
    /// What was decided, in order of time; empty where no decision was reported.
    pub decisions: Vec<Decision>,
    /// What an automated reviewer or a hook said.
    pub reviews: Vec<Note>,
    /// Rules it was made under.
    pub policy: Policy,
    /// What the sandbox did.
    pub sandbox: Fact<String>,
    /// MCP method of the request that left for the server.
    pub mcp_method: Fact<String>,
    /// Transport to the tool.
    pub transport: Fact<String>,
    /// Where it was executed.
    pub executor: Fact<String>,
    /// What the network proxy decided meanwhile.
    pub proxy: Vec<ProxyDecision>,
    /// What came back; absent where no result was reported.
    pub result: Option<Outcome>,
    /// Everything known about it; absent where the session was not examined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Box<Receipt>>,
    /// Calls that were made within it.
    pub calls: Vec<Call>,
    /// Rows that are about it.
    pub events: Vec<EventId>,
    /// Whose word they are, as for a [`Fact`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub speakers: Vec<usize>,
}

/// A record of a call itself: that it was taken in, dispatched, handed to whatever runs such calls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stage {
    /// The sender's own name for it.
    pub name: Option<String>,
    /// What that name leaves open, in the sender's own words.
    pub detail: Option<String>,
    /// Class of error.
    pub error_type: Option<String>,
    /// When, nanoseconds since the epoch.
    pub time_unix_nano: i64,
    /// When it was over, where a span says so, nanoseconds since the epoch.
    pub ended_unix_nano: Option<i64>,
    /// Rows it rests on.
    pub events: Vec<EventId>,
}

/// What came back from a call.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// When, nanoseconds since the epoch.
    pub time_unix_nano: i64,
    /// Whether the agent calls it a success (not: exit code 0).
    pub success: Fact<bool>,
    /// Exit code.
    pub exit_code: Fact<i64>,
    /// How long it took, in nanoseconds.
    pub duration_ns: Fact<i64>,
    /// Output, as sent.
    pub output: Fact<String>,
    /// Whether the sender cut the output.
    pub output_truncated: Fact<bool>,
    /// Class of error.
    pub error_type: Fact<String>,
    /// What the error said.
    pub error_message: Fact<String>,
    /// What else the sender says of how it ended, in its own words.
    #[serde(skip_serializing_if = "unknown")]
    pub detail: Fact<String>,
}

/// What was decided about a call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    /// When, nanoseconds since the epoch.
    pub time_unix_nano: i64,
    /// What was decided, in the agent's own words.
    pub decision: Fact<String>,
    /// Who or what decided, in the agent's own words.
    pub source: Fact<String>,
    /// Why.
    pub reason: Fact<String>,
}

/// What the network proxy decided about a connection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProxyDecision {
    /// When, nanoseconds since the epoch.
    pub time_unix_nano: i64,
    /// Why it is said to belong to its call; absent where it could not be told which.
    pub call: Option<Join>,
    /// Numbers of all calls that it may belong to, where there is more than one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<usize>,
    /// What was decided.
    pub decision: Fact<String>,
    /// Who or what decided.
    pub source: Fact<String>,
    /// Why.
    pub reason: Fact<String>,
    /// Host that was reached for.
    pub address: Fact<String>,
    /// Port that was reached for.
    pub port: Fact<i64>,
    /// Protocol.
    pub protocol: Fact<String>,
    /// HTTP method.
    pub method: Fact<String>,
}

/// Something other than a call: a response, an error, a hook, a review, a message between agents, ...
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Note {
    /// Kind of event, as in the column `kind`.
    pub kind: String,
    /// When, nanoseconds since the epoch.
    pub time_unix_nano: i64,
    /// When it was over, where a span says so, nanoseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_unix_nano: Option<i64>,
    /// Why it is said to belong to its call; absent outside calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<Join>,
    /// The sender's own name for it.
    pub name: Fact<String>,
    /// What that name leaves open, in the sender's own words.
    #[serde(skip_serializing_if = "unknown")]
    pub detail: Fact<String>,
    /// Words of a response or a message.
    #[serde(skip_serializing_if = "unknown")]
    pub text: Fact<String>,
    /// What was decided.
    #[serde(skip_serializing_if = "unknown")]
    pub decision: Fact<String>,
    /// Who or what decided.
    #[serde(skip_serializing_if = "unknown")]
    pub source: Fact<String>,
    /// Why.
    #[serde(skip_serializing_if = "unknown")]
    pub reason: Fact<String>,
    /// Risk that a reviewer saw.
    #[serde(skip_serializing_if = "unknown")]
    pub risk: Fact<String>,
    /// MCP server.
    #[serde(skip_serializing_if = "unknown")]
    pub mcp_server: Fact<String>,
    /// Transport to it.
    #[serde(skip_serializing_if = "unknown")]
    pub transport: Fact<String>,
    /// Whether the sender calls it a success.
    #[serde(skip_serializing_if = "unknown")]
    pub success: Fact<bool>,
    /// HTTP status.
    #[serde(skip_serializing_if = "unknown")]
    pub http_status: Fact<i64>,
    /// Class of error.
    #[serde(skip_serializing_if = "unknown")]
    pub error_type: Fact<String>,
    /// Whether work can go on after it.
    #[serde(skip_serializing_if = "unknown")]
    pub error_class: Fact<String>,
    /// What the error said.
    #[serde(skip_serializing_if = "unknown")]
    pub error_message: Fact<String>,
    /// Session that a message was sent to.
    #[serde(skip_serializing_if = "unknown")]
    pub receiver: Fact<String>,
    /// The network proxy's decision, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyDecision>,
    /// Rows it rests on.
    pub events: Vec<EventId>,
    /// Whose word it is, as for a [`Fact`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub speakers: Vec<usize>,
}

fn unknown<T>(fact: &Fact<T>) -> bool {
    !fact.is_known()
}

/// Rows of a session by the kind of record they were made from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Signals {
    /// From log records.
    pub logs: usize,
    /// From spans.
    pub spans: usize,
    /// From events on spans.
    pub span_events: usize,
    /// From the agent's own session file.
    pub rollout: usize,
}

/// How many rows of the archive belong to a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Rows {
    /// All of them.
    pub total: usize,
    /// Those that repeat another row's fact.
    pub repeated: usize,
    /// Those that say nothing which is shown here.
    pub other: usize,
}
