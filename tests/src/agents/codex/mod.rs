//! OpenAI Codex: the released binary, in a home and a working folder of its own.

mod app_server;
mod home;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::Value;
use tempfile::TempDir;

use super::isolated;
use crate::guests;
use crate::model::Model;

pub use app_server::{Answer, AppServer, Turn};
pub use home::Home;

/// Where the npm package puts the binary.
const BINARY: &str =
    "npm/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex";

/// The installed agent.
#[derive(Debug, Clone)]
pub struct Codex {
    binary: PathBuf,
}

/// How Codex exports its telemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// OTLP/HTTP with Protobuf to this address.
    Http(SocketAddr),
    /// OTLP/gRPC to this address.
    Grpc(SocketAddr),
}

/// What a finished run printed and left behind.
#[derive(Debug)]
pub struct Finished {
    /// Exit code; none when it was ended by a signal.
    pub exit_code: Option<i32>,
    /// The events of `--json`, in order.
    pub events: Vec<Value>,
    /// What it wrote on standard error.
    pub stderr: String,
    /// The folder in which it worked.
    pub folder: TempDir,
}

impl Codex {
    /// The installed Codex; none, with a printed reason, when the test is to be skipped.
    ///
    /// # Errors
    /// When it is missing on a continuous-integration machine.
    pub fn installed() -> anyhow::Result<Option<Self>> {
        Ok(guests::installed(BINARY)?.map(|binary| Self { binary }))
    }

    /// The folder that holds the binary.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.binary.parent().unwrap_or(&self.binary)
    }

    /// Runs `codex exec` with `prompt` and `arguments` in a home of its own until it ends by itself.
    ///
    /// # Errors
    /// When it cannot be started, does not end in time, or prints what is not JSON.
    pub async fn exec(
        &self,
        model: &Model,
        export: Export,
        arguments: &[&str],
        prompt: &str,
    ) -> anyhow::Result<Finished> {
        self.exec_in(Home::new(model, export)?, arguments, prompt).await
    }

    /// The same in a home that was prepared for it.
    ///
    /// # Errors
    /// As for [`Codex::exec`].
    pub async fn exec_in(
        &self,
        home: Home,
        arguments: &[&str],
        prompt: &str,
    ) -> anyhow::Result<Finished> {
        let mut command = home.command(self);
        command.args(["exec", "--json", "--skip-git-repo-check"]).args(arguments).arg(prompt);
        let output = isolated::finished(command).await?;
        let events = output
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).with_context(|| format!("not JSON: {line}")))
            .collect::<anyhow::Result<_>>()?;
        let (exit_code, stderr) = (output.exit_code, output.stderr);
        Ok(Finished { exit_code, events, stderr, folder: home.into_folder() })
    }

    /// Runs `script` in the sandbox of the permission profile `profile` that the `config.toml` in `home`
    /// defines; what it printed, and what it wrote on standard error.
    ///
    /// # Errors
    /// When it cannot be started or does not end in time.
    pub async fn sandbox(
        &self,
        (home, folder): (&Path, &Path),
        profile: &str,
        script: &str,
    ) -> anyhow::Result<(String, String)> {
        let mut command = isolated::command(&self.binary, home, folder);
        command.env("CODEX_HOME", home);
        command.args(["sandbox", "-P", profile, "--", "sh", "-c", script]);
        let output = isolated::finished(command).await?;
        Ok((output.stdout, output.stderr))
    }
}

impl Finished {
    /// The session's id as the agent itself printed it.
    ///
    /// # Errors
    /// When it printed none.
    pub fn session_id(&self) -> anyhow::Result<String> {
        let started = self.events.iter().find_map(|event| event.get("thread_id")?.as_str());
        match started {
            Some(id) => Ok(id.to_owned()),
            None => bail!("no thread_id in what codex printed; standard error: {}", self.stderr),
        }
    }

    /// The completed items of one type (`command_execution`, `agent_message`...), as the agent printed them.
    #[must_use]
    pub fn completed(&self, kind: &str) -> Vec<&Value> {
        let completed =
            |event: &&Value| event.get("type").and_then(Value::as_str) == Some("item.completed");
        self.events
            .iter()
            .filter(completed)
            .filter_map(|event| event.get("item"))
            .filter(|item| item.get("type").and_then(Value::as_str) == Some(kind))
            .collect()
    }
}
