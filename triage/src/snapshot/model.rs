//! The structure of a snapshot file.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Known, List};

/// Name and version of the format. A field may be added within a version; none is taken away or given
/// another meaning.
pub const FORMAT: &str = "blotter.snapshot/1";
/// How the name of every version begins.
pub const FORMAT_NAME: &str = "blotter.snapshot/";

/// Most steps of one run.
pub const STEPS: usize = 20_000;
/// Most runs beside each other.
pub const RUNS: usize = 1_000;
/// Most tags of a call's arguments.
pub const TAGS: usize = 64;
/// Most reviews of one call that are kept.
pub const REVIEWS: usize = 64;
/// Most rules.
pub const RULES: usize = 64;
/// Most connections of one call that are kept, and most prompts, models and the like of a run.
pub const ITEMS: usize = 10_000;

/// What one or more runs did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// [`FORMAT`].
    pub format: String,
    /// What was replaced in texts, and with what, in this order.
    pub rules: List<Rule, RULES>,
    /// The runs, in the order in which they were asked for.
    pub runs: List<Run, RUNS>,
}

/// One thing that is replaced, so that it does not differ from run to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What is replaced.
    pub replaces: Cow<'static, str>,
    /// What stands there instead.
    pub with: Cow<'static, str>,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// `main`, or `sub_agent` for a session that another one started.
    pub role: Role,
    /// What it ran as, and what is known about how it was recorded.
    pub header: Header,
    /// Its calls, in order of time. Where code made calls, they are steps and the code's call is not.
    pub steps: List<Step, STEPS>,
    /// Sub-agents' sessions, in order of their start.
    pub runs: List<Run, RUNS>,
}

/// What a session is to the one around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It was asked for.
    Main,
    /// The session around it gave it a task.
    SubAgent,
}

/// What decides whether two runs can be compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Agent.
    pub agent: Known<String>,
    /// Its version.
    pub agent_version: Known<String>,
    /// Models, in order of first use.
    pub models: Known<List<String, ITEMS>>,
    /// Model provider.
    pub provider: Known<String>,
    /// Settings, as far as records tell them.
    pub settings: Settings,
    /// Digests of the prompts of the turns that made calls, in order.
    pub asked: Known<List<String, ITEMS>>,
    /// Settings that decide what the agent sends, by their ids in its coverage table: `on`, `off`, `cut`
    /// or `changed`, as far as what it sent tells.
    pub sender_settings: BTreeMap<String, Known<String>>,
    /// Which kinds of records arrived.
    pub signals: Signals,
    /// Which facts of the steps are known: `all`, `some` or `none` of them.
    pub coverage: BTreeMap<String, Extent>,
    /// How many sessions of reviewers belong to it. What they said stands with the calls they judged.
    pub reviewer_sessions: usize,
}

/// Settings of a run, in the agent's own words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Permission profile.
    pub profile: Known<String>,
    /// When the agent must ask.
    pub approval_policy: Known<String>,
    /// What the sandbox allows.
    pub sandbox_policy: Known<String>,
    /// How the agent was signed in.
    pub auth_mode: Known<String>,
    /// Transports of the requests to the model, in order of first use.
    pub transports: Known<List<String, ITEMS>>,
}

/// Which kinds of records arrived. How many is not told: it differs from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signals {
    /// Log records.
    pub logs: bool,
    /// Spans.
    pub spans: bool,
    /// Events on spans.
    pub span_events: bool,
    /// The agent's own session file.
    pub rollout: bool,
}

/// Of how many steps a fact is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Of each.
    All,
    /// Of some.
    Some,
    /// Of none.
    None,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The turn that it was made in, from 1.
    pub turn: Known<usize>,
    /// The tool whose code made it; `null` where it was made by the model itself.
    pub within: Option<Known<String>>,
    /// Tool.
    pub tool: Known<String>,
    /// MCP server.
    pub mcp_server: Known<String>,
    /// BLAKE3 of the normalised arguments, 32 hexadecimal digits.
    pub arguments_digest: Known<String>,
    /// What the arguments are about: `program:curl`, `path:credentials`, `host:example.org`, ...
    pub arguments_class: Known<List<String, TAGS>>,
    /// `allow`, `deny`, `cancel` or `none`.
    pub decision: Known<String>,
    /// `user`, `session_grant`, `config`, `reviewer`, `hook` or `proxy`.
    pub decided_by: Known<String>,
    /// What automated reviewers said about it, in order of time.
    pub reviews: List<Review, REVIEWS>,
    /// Permission profile in effect.
    pub profile: Known<String>,
    /// Approval policy in effect.
    pub approval_policy: Known<String>,
    /// `yes` or `no`.
    pub executed: Known<String>,
    /// What the sandbox did.
    pub sandbox: Known<String>,
    /// Where it was executed.
    pub executor: Known<String>,
    /// Transport to the MCP server for its tools, else to the model.
    pub transport: Known<String>,
    /// Connections that the network proxy decided about, each once, by host and port.
    pub network: Known<List<Reached, ITEMS>>,
    /// What became of it.
    pub outcome: Known<String>,
    /// `zero`, `error`, `not_found` (126 and 127) or `signal` (negative, and 129 to 192).
    pub exit_code: Known<String>,
}

/// What an automated reviewer said about a call, in the agent's own words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// What it decided.
    pub decision: Known<String>,
    /// Its verdict.
    pub verdict: Known<String>,
    /// The risk it saw.
    pub risk: Known<String>,
}

/// A connection that the network proxy decided about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reached {
    /// Host.
    pub host: Option<String>,
    /// Port, `<port>` where it is one that differs from run to run.
    pub port: Option<String>,
    /// `allow`, `deny`, `ask`, or another word of the sender.
    pub decision: Option<String>,
}

impl Reached {
    /// `host:port`, without what was not reported.
    #[must_use]
    pub fn address(&self) -> String {
        let host = self.host.as_deref().unwrap_or("(host not reported)");
        match &self.port {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

/// A fact of a step that is a word, by its name in the file.
pub type WordFact = (&'static str, fn(&Step) -> &Known<String>);

/// Every fact of a step that is a word, in the order of the file.
pub const WORDS: &[WordFact] = &[
    ("tool", |step| &step.tool),
    ("mcp_server", |step| &step.mcp_server),
    ("arguments", |step| &step.arguments_digest),
    ("decision", |step| &step.decision),
    ("decided_by", |step| &step.decided_by),
    ("profile", |step| &step.profile),
    ("approval_policy", |step| &step.approval_policy),
    ("executed", |step| &step.executed),
    ("sandbox", |step| &step.sandbox),
    ("executor", |step| &step.executor),
    ("transport", |step| &step.transport),
    ("outcome", |step| &step.outcome),
    ("exit_code", |step| &step.exit_code),
];

/// The name of a step's connections among its facts.
pub const NETWORK: &str = "network";

/// Which facts of these steps are known; nothing where there are no steps.
#[must_use]
pub fn coverage(steps: &[Step]) -> BTreeMap<String, Extent> {
    if steps.is_empty() {
        return BTreeMap::new();
    }
    let extent = |known: usize| match known {
        0 => Extent::None,
        known if known == steps.len() => Extent::All,
        _ => Extent::Some,
    };
    let words = WORDS.iter().map(|(name, fact)| {
        let known = steps.iter().filter(|step| fact(step).value.is_some()).count();
        ((*name).to_owned(), extent(known))
    });
    let network = steps.iter().filter(|step| step.network.value.is_some()).count();
    words.chain([(NETWORK.to_owned(), extent(network))]).collect()
}
