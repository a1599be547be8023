//! OpenAI Codex: the released binary, in a home and a working folder of its own.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::guests;
use crate::model::Model;

/// Where the npm package puts the binary.
const BINARY: &str =
    "npm/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex";
/// A run that takes longer hangs: scripted runs take a few seconds.
const TIMEOUT: Duration = Duration::from_secs(120);

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

    /// Runs `codex exec` with `prompt` and `arguments` until it ends by itself.
    ///
    /// The environment is cleared and whatever does not go to loopback goes to a proxy that nobody
    /// serves, so that a run neither sees the machine's own settings nor leaves it.
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
        let home = TempDir::new()?;
        let folder = TempDir::new()?;
        fs::write(home.path().join("config.toml"), config(&model.base_url(), export))?;
        fs::write(folder.path().join("README.md"), "hi\n")?;
        let mut command = self.command(home.path(), folder.path());
        command.args(["exec", "--json", "--skip-git-repo-check"]).args(arguments).arg(prompt);
        let output = tokio::time::timeout(TIMEOUT, command.output())
            .await
            .with_context(|| format!("codex did not end within {TIMEOUT:?}"))??;
        let stdout = String::from_utf8_lossy(&output.stdout);
        let events = stdout
            .lines()
            .map(|line| serde_json::from_str(line).with_context(|| format!("not JSON: {line}")))
            .collect::<anyhow::Result<_>>()?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(Finished { exit_code: output.status.code(), events, stderr, folder })
    }

    fn command(&self, home: &Path, folder: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .current_dir(folder)
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("CODEX_HOME", home)
            .env("SCRIPTED_API_KEY", "not-a-key")
            .env("TERM", "xterm")
            .envs(
                ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].map(|name| (name, "http://127.0.0.1:9")),
            )
            .env("NO_PROXY", "127.0.0.1,localhost")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
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

/// The configuration of a run: the scripted model, and all three exporters.
fn config(model: &str, export: Export) -> String {
    let exporter = |signal: &str| match export {
        Export::Http(address) => format!(
            r#"{{ otlp-http = {{ endpoint = "http://{address}/v1/{signal}", protocol = "binary" }} }}"#
        ),
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
exporter = {logs}
trace_exporter = {traces}
metrics_exporter = {metrics}
"#
    )
}
