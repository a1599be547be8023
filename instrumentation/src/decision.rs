//! What was decided and by whom, what the sandbox and the proxy did.

use blotter_schemas::names::blotter::{self, PermissionScope};
use blotter_schemas::names::opentelemetry as otel;

use crate::value::Attributes;

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
