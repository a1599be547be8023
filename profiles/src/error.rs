//! What can go wrong when profiles are read or resolved.

use std::path::PathBuf;

/// Why a profile cannot be read, resolved or asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("{}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something in a file has no meaning that could be enforced.
    #[error("{file}:{line}: {reason}")]
    Invalid {
        /// The file, as it was named.
        file: String,
        /// Line, from 1.
        line: u32,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// What was given has no file to point into.
    #[error("{what}: {reason}")]
    Unusable {
        /// What was given.
        what: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A profile is asked for that no layer defines.
    #[error("no layer defines the profile `{name}`; defined are: {}", known.join(", "))]
    UnknownProfile {
        /// The profile.
        name: String,
        /// The names that are defined.
        known: Vec<String>,
    },
    /// A file or text is larger than is read.
    #[error("{what} is larger than {limit} bytes, and is not read")]
    TooLarge {
        /// What was given.
        what: String,
        /// Bytes that are read at most.
        limit: usize,
    },
}

impl Error {
    /// An [`Error::Invalid`] at a place.
    pub(crate) fn at(at: &crate::Provenance, reason: impl Into<String>) -> Self {
        match (&at.file, at.line) {
            (Some(file), Some(line)) => {
                Self::Invalid { file: file.to_string(), line, reason: reason.into() }
            }
            _ => Self::Unusable { what: at.layer.to_string(), reason: reason.into() },
        }
    }
}
