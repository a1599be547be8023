//! What can go wrong.

use std::io;
use std::path::PathBuf;

/// Why an agent could not be started, or may not act.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A variable of the environment cannot be used.
    #[error("environment variable {variable}: {reason}")]
    Environment {
        /// Its name.
        variable: String,
        /// What is wrong with it, and what it may say.
        reason: String,
    },
    /// The address that records are to be sent to cannot be used.
    #[error("endpoint {endpoint:?}: {reason}")]
    Endpoint {
        /// The address.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Export is turned off (`OTEL_SDK_DISABLED`), but [`crate::AuditMode::Required`] was asked for: an agent
    /// that cannot be audited does not act.
    #[error("OTEL_SDK_DISABLED turns export off, but the audit mode is Required")]
    Disabled,
    /// The file of fingerprint keys cannot be used.
    #[error("fingerprint keys: {0}")]
    Keys(#[from] blotter_redaction::Error),
    /// The disk spool cannot be used.
    #[error("spool {}: {source}", path.display())]
    Spool {
        /// Its folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file or folder that steers the agent cannot be read whole.
    #[error("configuration {}: {reason}", path.display())]
    Configuration {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The thread that delivers records did not start.
    #[error("no thread for delivery: {0}")]
    Thread(io::Error),
    /// The start of a call could not be made durable, so the call may not be made
    /// ([`crate::AuditMode::Required`]).
    #[error("the call is not audited and may not be made: {reason}")]
    NotAudited {
        /// Why.
        reason: String,
    },
    /// Not everything was delivered in time. It stays in the spool where there is one.
    #[error("not everything was delivered or spooled: {reason}")]
    Deadline {
        /// Why.
        reason: String,
    },
}
