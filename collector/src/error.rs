//! The errors of this crate; each says what to do.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::effective::without_credentials;

/// Why a collector cannot start or stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address cannot be listened on.
    #[error(
        "cannot listen for {transport} on {address}: {source}; stop what listens there (another collector?) or choose another address"
    )]
    Listen {
        /// `OTLP/gRPC` or `OTLP/HTTP`.
        transport: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// An address that others can reach would be listened on without protection.
    #[error(
        "{address} can be reached from other machines, and this is missing: {missing}; add it (docs/access.md), listen on 127.0.0.1, or, where nothing else will do, say --insecure"
    )]
    Exposed {
        /// The address.
        address: SocketAddr,
        /// What is missing.
        missing: &'static str,
    },
    /// Access cannot be set up as configured.
    #[error("access: {0}")]
    Access(String),
    /// A limit cannot be used.
    #[error("limits.{field}: {reason}")]
    Limit {
        /// Its name in the configuration file.
        field: &'static str,
        /// What it must be.
        reason: String,
    },
    /// A Unix socket cannot be made.
    #[error("cannot listen on the Unix socket {path}: {reason}")]
    Socket {
        /// Where it was to be.
        path: PathBuf,
        /// Why not, and what to do.
        reason: String,
    },
    /// Another collector works in the folder.
    #[error(
        "{path} is in use by another collector ({holder}); stop that one or choose another data folder"
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// `process 123`, as the lock file says.
        holder: String,
    },
    /// A file or folder of the collector cannot be read or written.
    #[error("cannot {action} {path}: {source}")]
    File {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the collector does not hold what it should.
    #[error("{path} is damaged at byte {offset}: {reason}; {advice}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// The journal and what was made from it do not fit together.
    #[error("{0}")]
    Mismatch(String),
    /// The archive cannot be opened, read or written.
    #[error("archive {location}: {source}")]
    Archive {
        /// The archive.
        location: String,
        /// What it said.
        source: Box<blotter_archive::Error>,
    },
    /// Redaction cannot be set up as configured.
    #[error("redaction: {0}")]
    Redaction(#[from] blotter_redaction::Error),
    /// A destination cannot be used as configured.
    #[error("destination `{name}`: {reason}")]
    Destination {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The configuration file cannot be read or used.
    #[error("{}:{line}: {reason}", path.display())]
    Configuration {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A thread could not be started or ended before its time.
    #[error("thread `{thread}`: {reason}")]
    Thread {
        /// Its name.
        thread: &'static str,
        /// What happened.
        reason: String,
    },
    /// The collector was stopped before everything was in the archive.
    #[error(
        "stopped with records {from} to {to} not yet in the archive; they are safe in the journal and go in at the next start"
    )]
    NotCommitted {
        /// First position that is not in the archive.
        from: u64,
        /// Position after the last one.
        to: u64,
    },
}

impl Error {
    pub(crate) fn archive(
        location: impl std::fmt::Display,
        source: blotter_archive::Error,
    ) -> Self {
        let location = without_credentials(&location.to_string());
        let source = match source {
            blotter_archive::Error::Location { location, reason } => {
                let location = without_credentials(&location);
                blotter_archive::Error::Location { location, reason }
            }
            other => other,
        };
        Self::Archive { location, source: Box::new(source) }
    }

    /// For `map_err` on file operations.
    pub(crate) fn file(
        action: &'static str,
        path: impl AsRef<Path>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::File { action, path, source }
    }
}
