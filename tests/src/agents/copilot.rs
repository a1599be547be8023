//! GitHub Copilot CLI: the released binary, where somebody installed it.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use tempfile::TempDir;

use super::isolated;
use crate::guests;
use crate::model::Model;

const BINARY: &str = "node_modules/@github/copilot-linux-x64/copilot";
/// What stands before the session's id in what it prints at the end.
const RESUME: &str = "copilot --resume=";

/// The agent.
#[derive(Debug, Clone)]
pub struct Copilot {
    binary: PathBuf,
}

/// What a finished run printed and left behind.
#[derive(Debug)]
pub struct Finished {
    /// Exit code; none when it was ended by a signal.
    pub exit_code: Option<i32>,
    /// Everything that it printed.
    pub said: String,
    /// The folder in which it worked.
    pub folder: TempDir,
}

impl Copilot {
    /// The agent; none, with a printed reason, where it is not.
    #[must_use]
    pub fn present() -> Option<Self> {
        guests::present(BINARY).map(|binary| Self { binary })
    }

    /// Runs `copilot -p` with these arguments, without anybody to ask.
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
            .args(["-p", "please do the task"])
            .args(arguments)
            .env("COPILOT_PROVIDER_BASE_URL", model.base_url())
            .env("COPILOT_PROVIDER_TYPE", "openai")
            .env("COPILOT_PROVIDER_API_KEY", "not-a-key")
            .env("COPILOT_MODEL", "scripted")
            .env("COPILOT_OFFLINE", "true")
            .env("COPILOT_AUTO_UPDATE", "false")
            .env("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{http}"));
        let output = isolated::finished(command).await?;
        let said = format!("{}\n{}", output.stdout, output.stderr);
        Ok(Finished { exit_code: output.exit_code, said, folder })
    }
}

impl Finished {
    /// The session's id as the agent itself printed it.
    ///
    /// # Errors
    /// When it printed none.
    pub fn session_id(&self) -> anyhow::Result<&str> {
        let found =
            self.said.split_once(RESUME).and_then(|(_, rest)| rest.split_whitespace().next());
        found.with_context(|| format!("no session id in: {}", self.said))
    }
}
