//! Claude Code: the released binary, where somebody installed it.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::Value;
use tempfile::TempDir;

use super::isolated;
use crate::guests;
use crate::model::Model;

const BINARY: &str = "node_modules/@anthropic-ai/claude-code-linux-x64/claude";

/// The agent.
#[derive(Debug, Clone)]
pub struct Claude {
    binary: PathBuf,
}

/// What a finished run printed and left behind.
#[derive(Debug)]
pub struct Finished {
    /// Exit code; none when it was ended by a signal.
    pub exit_code: Option<i32>,
    /// The events of `--output-format stream-json`, in order.
    pub events: Vec<Value>,
    /// What it wrote on standard error.
    pub stderr: String,
    /// The folder in which it worked.
    pub folder: TempDir,
}

impl Claude {
    /// The agent; none, with a printed reason, where it is not.
    #[must_use]
    pub fn present() -> Option<Self> {
        guests::present(BINARY).map(|binary| Self { binary })
    }

    /// Runs `claude -p` with these arguments, without anybody to ask.
    ///
    /// # Errors
    /// When it cannot be started or does not end in time.
    pub async fn prompt(
        &self,
        model: &Model,
        http: SocketAddr,
        arguments: &[&str],
    ) -> anyhow::Result<Finished> {
        let (home, folder) = (TempDir::new()?, TempDir::new()?);
        let mut command = isolated::command(&self.binary, home.path(), folder.path());
        command
            .args(["-p", "please do the task", "--output-format", "stream-json", "--verbose"])
            .args(arguments)
            .env("ANTHROPIC_BASE_URL", format!("http://{}", model.address()))
            .env("ANTHROPIC_API_KEY", "not-a-key")
            .env("DISABLE_AUTOUPDATER", "1")
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .env("CLAUDE_CODE_ENABLE_TELEMETRY", "1")
            .env("OTEL_LOGS_EXPORTER", "otlp")
            .env("OTEL_METRICS_EXPORTER", "otlp")
            .env("OTEL_LOG_TOOL_DETAILS", "1")
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{http}"));
        let output = isolated::finished(command).await?;
        let events =
            output.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok(Finished { exit_code: output.exit_code, events, stderr: output.stderr, folder })
    }
}

impl Finished {
    /// The session's id as the agent itself printed it.
    ///
    /// # Errors
    /// When it printed none.
    pub fn session_id(&self) -> anyhow::Result<&str> {
        let mut ids = self.events.iter().filter_map(|event| event.get("session_id")?.as_str());
        ids.next().with_context(|| format!("no session_id; standard error: {}", self.stderr))
    }
}
