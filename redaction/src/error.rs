//! What can go wrong before the first request.

use std::path::PathBuf;

/// An error of configuration or of the key file; redaction itself cannot fail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field of the configuration cannot be used.
    #[error("{field}: {reason}")]
    Configuration {
        /// Path of the field, such as `rules[2].pattern`.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The configuration file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    ConfigurationUnreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The configuration file is longer than is read.
    #[error("{} is longer than {limit} bytes, the most that a configuration may have", path.display())]
    ConfigurationTooLong {
        /// The file.
        path: PathBuf,
        /// Most bytes that it may have.
        limit: u64,
    },
    /// Something in the configuration file cannot be used.
    #[error("{}:{line}: {reason}", path.display())]
    ConfigurationFile {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The key file could not be read or written.
    #[error("{}: {source}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The key file is readable by others than its owner.
    #[error("{}: mode {mode:04o} lets others read it; it must be 0600", path.display())]
    KeyFileMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file does not hold keys.
    #[error("{}: line {line}: {reason}", path.display())]
    KeyFileContent {
        /// The file.
        path: PathBuf,
        /// Line, from 1; 0 for the file as a whole.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The built-in rules of a dependency could not be read.
    #[error("built-in rules: {0}")]
    Rules(#[from] nosecrets_rules::RulesError),
}

impl Error {
    pub(crate) fn configuration(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Configuration { field: field.into(), reason: reason.into() }
    }
}
