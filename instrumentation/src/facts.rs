//! What an agent says about itself and its calls.

use std::collections::BTreeSet;

use blotter_schemas::names::blotter::{self, Executor as ExecutorWord, PermissionScope};
use blotter_schemas::names::opentelemetry as otel;

use crate::credential::Credential;
use crate::value::Attributes;

/// Who an agent works for, and what it is signed in with.
#[derive(Default)]
pub struct Identity {
    pub(crate) user_id: Option<String>,
    pub(crate) user_email: Option<String>,
    pub(crate) account_id: Option<String>,
    pub(crate) auth_mode: Option<String>,
    pub(crate) credential: Option<Credential>,
}

impl Identity {
    /// A user by id.
    #[must_use]
    pub fn user(id: impl Into<String>) -> Self {
        Self { user_id: Some(id.into()), ..Self::default() }
    }

    /// The user's email address.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.user_email = Some(email.into());
        self
    }

    /// The account or organisation.
    #[must_use]
    pub fn account(mut self, id: impl Into<String>) -> Self {
        self.account_id = Some(id.into());
        self
    }

    /// How the agent was signed in, in its own words.
    #[must_use]
    pub fn auth_mode(mut self, mode: impl Into<String>) -> Self {
        self.auth_mode = Some(mode.into());
        self
    }

    /// The credential in use: its type and a keyed fingerprint are recorded.
    #[must_use]
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credential = Some(credential);
        self
    }
}

/// The permission profile in effect, whoever resolved it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileInEffect {
    /// Its name, such as `:workspace`.
    pub name: String,
    /// A digest of the effective profile.
    pub digest: String,
    /// Where it comes from, the strongest layer first.
    pub provenance: Vec<String>,
}

impl ProfileInEffect {
    /// A profile by name and digest.
    #[must_use]
    pub fn new(name: impl Into<String>, digest: impl Into<String>) -> Self {
        Self { name: name.into(), digest: digest.into(), provenance: Vec::new() }
    }

    /// A layer that it comes from, after those named before.
    #[must_use]
    pub fn from_layer(mut self, layer: impl Into<String>) -> Self {
        self.provenance.push(layer.into());
        self
    }

    pub(crate) fn write(&self, attributes: &mut Attributes) {
        attributes.add(blotter::BLOTTER_PROFILE_NAME, self.name.clone());
        if !self.digest.is_empty() {
            attributes.add(blotter::BLOTTER_PROFILE_DIGEST, self.digest.clone());
        }
        if !self.provenance.is_empty() {
            attributes.add(blotter::BLOTTER_PROFILE_PROVENANCE, self.provenance.clone());
        }
    }
}

/// How the agent reaches its model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transport {
    mode: String,
    lite_routing: bool,
    reconnects: u32,
    headers: BTreeSet<(String, String)>,
}

/// Most headers that are recorded, and the most bytes of one value.
const HEADERS_LIMIT: usize = 32;
const HEADER_LIMIT: usize = 256;

impl Transport {
    /// A transport by its mode, such as `http`, `sse`, `websocket`.
    #[must_use]
    pub fn new(mode: impl Into<String>) -> Self {
        Self { mode: mode.into(), ..Self::default() }
    }

    /// Whether requests are routed to a variant that can do less.
    #[must_use]
    pub fn lite_routing(mut self, lite: bool) -> Self {
        self.lite_routing = lite;
        self
    }

    /// How often the connection was made again in this session.
    #[must_use]
    pub fn reconnects(mut self, count: u32) -> Self {
        self.reconnects = count;
        self
    }

    /// Takes those headers that change what the agent can do: of `sent` those whose names are in `allowed`
    /// (whatever their case). No other header is looked at, so that no credential gets in.
    #[must_use]
    pub fn headers<'h>(
        mut self,
        allowed: &[&str],
        sent: impl IntoIterator<Item = (&'h str, &'h str)>,
    ) -> Self {
        for (name, value) in sent {
            let listed = allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name));
            if listed && self.headers.len() < HEADERS_LIMIT {
                let end = value.floor_char_boundary(HEADER_LIMIT);
                let value = value.get(..end).unwrap_or_default().to_owned();
                self.headers.insert((name.to_ascii_lowercase(), value));
            }
        }
        self
    }

    pub(crate) fn write(&self, attributes: &mut Attributes) {
        if self.mode.is_empty() {
            return;
        }
        attributes.add(blotter::BLOTTER_TRANSPORT, self.mode.clone());
        attributes.add(blotter::BLOTTER_TRANSPORT_LITE_ROUTING, self.lite_routing);
        attributes.add(blotter::BLOTTER_TRANSPORT_RECONNECTS, i64::from(self.reconnects));
        if !self.headers.is_empty() {
            let headers: Vec<String> =
                self.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            attributes.add(blotter::BLOTTER_TRANSPORT_HEADERS, headers);
        }
    }
}

/// Where a call is executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Executor {
    /// At the provider of the model.
    Hosted,
    /// In a process of its own on this machine, without a sandbox.
    Standalone,
    /// In a sandbox on this machine.
    LocalSandbox,
    /// By an MCP server.
    McpServer,
    /// On another machine.
    Remote,
}

impl Executor {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hosted => ExecutorWord::Hosted,
            Self::Standalone => ExecutorWord::Standalone,
            Self::LocalSandbox => ExecutorWord::LocalSandbox,
            Self::McpServer => ExecutorWord::McpServer,
            Self::Remote => ExecutorWord::Remote,
        }
        .as_str()
    }
}

/// What is called. A name alone is one: `turn.call("shell", ...)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool<'t> {
    pub(crate) name: &'t str,
    pub(crate) call_id: Option<&'t str>,
    pub(crate) server: Option<(&'t str, &'t str)>,
    pub(crate) executor: Option<Executor>,
    pub(crate) justification: Option<&'t str>,
}

impl<'t> Tool<'t> {
    /// A tool of the agent's own.
    #[must_use]
    pub fn new(name: &'t str) -> Self {
        Self { name, call_id: None, server: None, executor: None, justification: None }
    }

    /// A tool of an MCP server that is reached over `transport` (`stdio`, `streamable_http`).
    #[must_use]
    pub fn of_mcp_server(name: &'t str, server: &'t str, transport: &'t str) -> Self {
        Self {
            server: Some((server, transport)),
            executor: Some(Executor::McpServer),
            ..Self::new(name)
        }
    }

    /// The id that the model gave the call; else one is made up.
    #[must_use]
    pub fn call_id(mut self, id: &'t str) -> Self {
        self.call_id = Some(id);
        self
    }

    /// Where this call is executed, where that is not what the agent's builder says.
    #[must_use]
    pub fn executor(mut self, executor: Executor) -> Self {
        self.executor = Some(executor);
        self
    }

    /// Why the model says that it makes the call.
    #[must_use]
    pub fn because(mut self, justification: &'t str) -> Self {
        self.justification = Some(justification);
        self
    }
}

impl<'t> From<&'t str> for Tool<'t> {
    fn from(name: &'t str) -> Self {
        Self::new(name)
    }
}

/// What a control point said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may go on.
    Allow,
    /// It may not.
    Deny,
    /// A person ended it at the prompt instead of answering.
    Cancel,
    /// A person has to be asked first.
    Ask,
}

impl Verdict {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Cancel => "cancel",
            Self::Ask => "ask",
        }
    }
}

/// Who or what decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecidedBy {
    /// A person, asked about this very call.
    User,
    /// An earlier answer of a person that still holds; nobody was asked this time.
    SessionGrant,
    /// Policy, rules, mode and flags.
    Config,
    /// An automated reviewer.
    Reviewer,
    /// A hook.
    Hook,
    /// The network proxy.
    Proxy,
}

impl DecidedBy {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::SessionGrant => "session_grant",
            Self::Config => "config",
            Self::Reviewer => "reviewer",
            Self::Hook => "hook",
            Self::Proxy => "proxy",
        }
    }
}

/// A decision about a call or a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub(crate) verdict: Verdict,
    pub(crate) by: DecidedBy,
    pub(crate) reason: Option<String>,
    pub(crate) risk: Option<String>,
}

impl Decision {
    /// A decision.
    #[must_use]
    pub fn new(verdict: Verdict, by: DecidedBy) -> Self {
        Self { verdict, by, reason: None, risk: None }
    }

    /// It was let through.
    #[must_use]
    pub fn allow(by: DecidedBy) -> Self {
        Self::new(Verdict::Allow, by)
    }

    /// It was refused.
    #[must_use]
    pub fn deny(by: DecidedBy) -> Self {
        Self::new(Verdict::Deny, by)
    }

    /// Why.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// The risk that a reviewer saw.
    #[must_use]
    pub fn risk(mut self, level: impl Into<String>) -> Self {
        self.risk = Some(level.into());
        self
    }

    /// Whether the call may go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.verdict == Verdict::Allow
    }

    pub(crate) fn write(self, key: &'static str, attributes: &mut Attributes) {
        attributes.add(key, self.verdict.as_str());
        attributes.add(blotter::BLOTTER_DECISION_SOURCE, self.by.as_str());
        attributes.add_some(blotter::BLOTTER_DECISION_REASON, self.reason);
        attributes.add_some(blotter::BLOTTER_RISK_LEVEL, self.risk);
    }
}

/// What the sandbox did to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SandboxOutcome {
    /// The command ran inside it, and it had nothing to stop.
    Held,
    /// It stopped an effect of the command.
    Denied,
    /// The command ran out of time.
    TimedOut,
    /// The command was ended by a signal.
    Signal,
    /// The command ran outside of it, after that was allowed.
    Escalated,
    /// No sandbox takes part in such a call.
    None,
}

impl SandboxOutcome {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Denied => "denied",
            Self::TimedOut => "timed_out",
            Self::Signal => "signal",
            Self::Escalated => "escalated",
            Self::None => "none",
        }
    }
}

/// What a network proxy decided about a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyDecision {
    host: String,
    port: u16,
    decision: Decision,
    protocol: Option<String>,
    method: Option<String>,
}

impl ProxyDecision {
    /// A decision about a connection to `host` and `port`.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16, verdict: Verdict) -> Self {
        Self {
            host: host.into(),
            port,
            decision: Decision::new(verdict, DecidedBy::Proxy),
            protocol: None,
            method: None,
        }
    }

    /// Who or what decided, where it was not the proxy by itself.
    #[must_use]
    pub fn by(mut self, by: DecidedBy) -> Self {
        self.decision.by = by;
        self
    }

    /// Why.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.decision = self.decision.because(reason);
        self
    }

    /// Protocol, such as `http`, and HTTP method.
    #[must_use]
    pub fn over(mut self, protocol: impl Into<String>, method: Option<&str>) -> Self {
        self.protocol = Some(protocol.into());
        self.method = method.map(str::to_owned);
        self
    }

    pub(crate) fn write(self, attributes: &mut Attributes) {
        attributes.add(otel::SERVER_ADDRESS, self.host);
        attributes.add(otel::SERVER_PORT, i64::from(self.port));
        self.decision.write(blotter::BLOTTER_PROXY_DECISION, attributes);
        attributes.add_some(otel::NETWORK_PROTOCOL_NAME, self.protocol);
        attributes.add_some(otel::HTTP_REQUEST_METHOD, self.method);
    }
}

/// How long a permission holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Until the call ends.
    Call,
    /// Until the turn ends.
    Turn,
    /// Until the session ends.
    Session,
}

impl Scope {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Call => PermissionScope::Call,
            Self::Turn => PermissionScope::Turn,
            Self::Session => PermissionScope::Session,
        }
        .as_str()
    }
}

/// What is known of sub-agents when one starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubAgentLimits {
    /// Deepest sub-agent that is allowed; the first session is at 0.
    pub depth: Option<u32>,
    /// Sub-agents of this session that run now, the new one included.
    pub running: Option<u32>,
    /// Most that may run at a time.
    pub threads: Option<u32>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn no_header_gets_in_that_is_not_allowed() {
        let sent = [("Authorization", "Bearer at-1"), ("X-Model-Variant", "lite")];
        let transport = Transport::new("http").headers(&["x-model-variant"], sent);
        let mut attributes = Attributes::default();
        transport.write(&mut attributes);
        let said = format!("{attributes:?}");
        assert!(said.contains("x-model-variant: lite") && !said.contains("at-1"), "{said}");
    }
}
