//! Options of the commands that take secrets out, or look for where one was.

use std::path::PathBuf;

use blotter_triage::redaction::Settings;
use clap::Args;

/// How secrets are taken out.
#[derive(Debug, Clone, Args)]
pub struct RedactionArguments {
    /// Configuration in TOML, the collector's: rules, allowlist, modes of fields, key file.
    #[arg(long, global = true, value_name = "FILE", env = "BLOTTER_CONFIG")]
    pub config: Option<PathBuf>,
    /// Keys of the fingerprints [default: the file in the configuration, else redaction.key in the
    /// folder that the archive's folder lies in, where a collector has it].
    #[arg(long, global = true, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

impl RedactionArguments {
    /// As the library takes them.
    #[must_use]
    pub fn settings(self) -> Settings {
        Settings { configuration: self.config, key_file: self.key_file }
    }
}
