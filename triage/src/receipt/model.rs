//! The receipt: the structure that `triage receipt --format json` writes.

use schemars::JsonSchema;
use serde::Serialize;

use super::tokens::{DecidedBy, Decision, Executed, Outcome, Sandbox};
use crate::fact::{Fact, Join};
use crate::replay::Check;

/// Name and version of the contract. A field may be added within a version; none is taken away or given
/// another meaning.
pub const FORMAT: &str = "blotter.receipt/1";

/// Everything known about one tool call. Times are nanoseconds since the epoch, UTC; durations are
/// nanoseconds. Values are whole and unescaped.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Receipt {
    /// `blotter.receipt/1`.
    pub format: &'static str,
    /// `SESSION/CALL`, or `SESSION/@n` where the agent gives the call no id: what `triage receipt` takes.
    pub address: String,
    /// The session that the call was made in.
    pub session_id: String,
    /// The call's id, as the agent gives it.
    pub call_id: Option<String>,
    /// Its place among the calls of its session, from 1, in order of time.
    pub number: usize,
    /// First moment reported.
    pub time_unix_nano: i64,
    /// Turn that it was made in, from 1; absent outside turns.
    pub turn: Option<usize>,
    /// Why it is said to belong to that turn.
    pub turn_join: Option<Join>,
    /// Address of the call whose code made it, and why that is said.
    pub within: Option<Within>,
    /// Addresses of the calls that its code made: what it did, they did.
    pub calls: Vec<String>,
    /// The words of the prompt that its turn began with.
    pub asked: Fact<String>,
    /// The model's stated step or justification.
    pub planned: Fact<String>,
    /// Tool.
    pub tool: Fact<String>,
    /// Arguments, as sent.
    pub arguments: Fact<String>,
    /// Agent.
    pub agent: Fact<String>,
    /// Model.
    pub model: Fact<String>,
    /// User, by email address where one is given, else by id.
    pub user: Fact<String>,
    /// Host the agent ran on.
    pub host: Fact<String>,
    /// How the agent was signed in, in its own words.
    pub auth_mode: Fact<String>,
    /// Type of the credential; never its value.
    pub token_type: Fact<String>,
    /// Whose word the records of this call are: the process, user or import that they came from.
    pub sender: Fact<String>,
    /// The tenant of those records: that of the credential that was shown with them. Absent where there is
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Permission profile in effect.
    pub profile: Fact<String>,
    /// Approval policy in effect, in the agent's own words.
    pub approval_policy: Fact<String>,
    /// What was granted before for the session or turn and still held, oldest first.
    pub grants: Fact<Vec<Grant>>,
    /// Whether it was let through.
    pub decision: Fact<Decision>,
    /// Who or what decided.
    pub decided_by: Fact<DecidedBy>,
    /// Whether the tool began to act.
    pub executed: Fact<Executed>,
    /// What the sandbox did.
    pub sandbox: Fact<Sandbox>,
    /// Where it was executed.
    pub executor: Fact<String>,
    /// Transport it went over: to the MCP server for its tools, else of the model's connection.
    pub transport: Fact<String>,
    /// MCP server.
    pub mcp_server: Fact<String>,
    /// Connections that the network proxy decided about meanwhile.
    pub network: Fact<Vec<Connection>>,
    /// What became of it.
    pub outcome: Fact<Outcome>,
    /// Exit code of its process.
    pub exit_code: Fact<i64>,
    /// Output, as sent.
    pub output: Fact<String>,
    /// How long it took, in nanoseconds.
    pub duration: Fact<i64>,
    /// What the permission profile in effect says of what the call wanted; empty where none is known, or it
    /// was not asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>", default)]
    pub checks: Vec<Check>,
}

/// The call around one that code made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Within {
    /// Its address.
    pub address: String,
    /// Why.
    pub join: Join,
}

/// A permission that was given for longer than one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Grant {
    /// Address of the call it was given for.
    pub address: String,
    /// When, nanoseconds since the epoch.
    pub time_unix_nano: i64,
    /// `turn` or `session`.
    pub scope: GrantScope,
    /// What was granted, in the agent's own words.
    pub what: String,
}

/// How long a grant holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantScope {
    /// Until the turn ends.
    Turn,
    /// Until the session ends.
    Session,
}

/// A connection that the network proxy decided about.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Connection {
    /// Host that was reached for.
    pub host: Option<String>,
    /// Port that was reached for.
    pub port: Option<i64>,
    /// `allow`, `deny` or `ask`; any other word of the sender as it stands.
    pub decision: Option<String>,
    /// Why, in the sender's own words.
    pub reason: Option<String>,
    /// Who or what decided, in the sender's own words.
    pub source: Option<String>,
    /// HTTP method.
    pub method: Option<String>,
    /// When, nanoseconds since the epoch.
    pub time_unix_nano: i64,
    /// Why it is said to be this call's.
    pub join: Option<Join>,
    /// Addresses of the other calls that it may have been.
    pub candidates: Vec<String>,
}
