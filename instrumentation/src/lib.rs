//! What an agent embeds to leave an audit trail without holes.
//!
//! Sessions, turns and calls are guards: whatever ends one, also a panic or a cancelled future, is recorded.
//! The permission profile, the transport and the executor stand on every record. With
//! [`AuditMode::Required`] a call is made only after the record of its start is durable.
//!
//! ```
//! use std::process::Command;
//! use std::time::Duration;
//!
//! use blotter_instrumentation::{
//!     Agent, CallResult, DecidedBy, Decision, Executor, Identity, ProfileInEffect, Transport,
//! };
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let agent = Agent::builder().name("tiny").executor(Executor::Standalone).build()?;
//!     let profile = ProfileInEffect::new(":workspace", "");
//!     let session = agent.session(Identity::user("ada"), profile, Transport::new("http"));
//!     let turn = session.prompt("What time is it?");
//!     let call = turn.call("shell", r#"{"command":"date"}"#)?;
//!     call.decided(Decision::allow(DecidedBy::Config));
//!     call.executing();
//!     let output = Command::new("date").envs(call.environment()).output()?;
//!     let code = output.status.code().unwrap_or(-1);
//!     call.finish(CallResult::exited(code).output(String::from_utf8_lossy(&output.stdout)));
//!     turn.finish("It is late.");
//!     session.end();
//! # if false {
//!     agent.shutdown(Duration::from_secs(5))?;
//! # }
//!     Ok(())
//! }
//! ```
//!
//! Records go where the `OTEL_EXPORTER_OTLP_*` variables say, else to the collector on this machine. Start
//! reading at [`Agent::builder`]; `docs/instrumentation.md` is the guide, `docs/emit.md` what is sent.

mod agent;
mod approval;
mod builder;
mod call;
mod configuration;
mod content;
mod context;
mod credential;
mod decision;
mod delivery;
mod error;
mod identity;
mod mcp;
#[cfg(feature = "tracing")]
mod own_spans;
mod record;
mod result;
mod session;
mod tool;
mod transport;
mod trouble;
mod turn;
mod value;

pub use agent::{Agent, AuditMode, Flushed};
pub use approval::{Approval, PermissionRequest};
pub use builder::AgentBuilder;
pub use call::Call;
pub use configuration::{Configuration, ConfigurationKind};
pub use content::ContentPolicy;
pub use context::TraceContext;
pub use credential::{Credential, TokenKind};
pub use decision::{DecidedBy, Decision, ProxyDecision, SandboxOutcome, Scope, Verdict};
pub use delivery::environment::Protocol;
#[doc(hidden)]
pub use delivery::spool::fuzzing::take_up as take_up_spool;
pub use error::Error;
pub use identity::{Identity, ProfileInEffect};
pub use mcp::McpRequest;
pub use result::CallResult;
pub use session::{Session, SubAgentLimits};
pub use tool::{Executor, Tool};
pub use transport::Transport;
pub use trouble::{Advice, Continuation, ErrorClass, TurnError};
pub use turn::Turn;

/// The class of error of what was cut off, as it is now.
fn interruption() -> &'static str {
    if std::thread::panicking() { "panic" } else { "interrupted" }
}
