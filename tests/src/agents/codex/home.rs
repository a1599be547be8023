//! A home and a working folder of one run: nothing of the machine's own settings.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use tempfile::TempDir;
use tokio::process::Command;

use super::{Codex, Export};
use crate::agents::isolated;
use crate::model::Model;

/// The folders that a run of Codex sees.
#[derive(Debug)]
pub struct Home {
    home: TempDir,
    folder: TempDir,
}

impl Home {
    /// Folders with a configuration of the scripted model and of all three exporters.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn new(model: &Model, export: Export) -> anyhow::Result<Self> {
        Self::configured(model, export, "")
    }

    /// The same with these tables added to `config.toml`.
    ///
    /// # Errors
    /// As for [`Home::new`].
    pub fn configured(model: &Model, export: Export, tables: &str) -> anyhow::Result<Self> {
        let home = Self { home: TempDir::new()?, folder: TempDir::new()? };
        home.write("config.toml", &format!("{}{tables}", config(&model.base_url(), export)))?;
        fs::write(home.folder.path().join("README.md"), "hi\n")?;
        Ok(home)
    }

    /// Writes a file of the home: rules, hooks.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: &str) -> anyhow::Result<()> {
        let path = self.path().join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        Ok(fs::write(path, content)?)
    }

    /// The home.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.home.path()
    }

    /// The working folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The working folder, to be kept after the run.
    #[must_use]
    pub fn into_folder(self) -> TempDir {
        self.folder
    }

    /// Codex in these folders.
    pub(super) fn command(&self, codex: &Codex) -> Command {
        let mut command = isolated::command(&codex.binary, self.path(), self.folder());
        command.env("CODEX_HOME", self.path()).env("SCRIPTED_API_KEY", "not-a-key");
        command
    }
}

fn config(model: &str, export: Export) -> String {
    let exporter = |signal: &str| match export {
        Export::Http(address) => http(address, signal),
        Export::Grpc(address) => {
            format!(r#"{{ otlp-grpc = {{ endpoint = "http://{address}" }} }}"#)
        }
    };
    let (logs, traces, metrics) = (exporter("logs"), exporter("traces"), exporter("metrics"));
    format!(
        r#"model = "gpt-5.5"
model_provider = "scripted"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.scripted]
name = "scripted"
base_url = "{model}"
env_key = "SCRIPTED_API_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
supports_websockets = false
[otel]
environment = "test"
log_user_prompt = true
log_guardian_assessments = true
exporter = {logs}
trace_exporter = {traces}
metrics_exporter = {metrics}
"#
    )
}

fn http(address: SocketAddr, signal: &str) -> String {
    format!(
        r#"{{ otlp-http = {{ endpoint = "http://{address}/v1/{signal}", protocol = "binary" }} }}"#
    )
}
