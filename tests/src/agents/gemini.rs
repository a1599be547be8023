//! Gemini CLI: the released package under Node, in a home and a working folder of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::isolated;
use crate::guests;
use crate::model::Model;

/// Where the npm package puts its program.
const PROGRAM: &str = "npm/node_modules/@google/gemini-cli/bundle/gemini.js";

/// The installed agent.
#[derive(Debug, Clone)]
pub struct Gemini {
    program: PathBuf,
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

impl Gemini {
    /// The installed Gemini CLI; none, with a printed reason, when the test is to be skipped.
    ///
    /// # Errors
    /// When it is missing on a continuous-integration machine.
    pub fn installed() -> anyhow::Result<Option<Self>> {
        Ok(guests::installed(PROGRAM)?.map(|program| Self { program }))
    }

    /// Runs it once, without anybody to ask, under an approval mode and a policy (TOML; empty for none).
    ///
    /// # Errors
    /// When it cannot be started or does not end in time.
    pub async fn prompt(
        &self,
        model: &Model,
        http: SocketAddr,
        approval_mode: &str,
        policy: &str,
    ) -> anyhow::Result<Finished> {
        let (home, folder) = (TempDir::new()?, TempDir::new()?);
        let settings = home.path().join(".gemini");
        fs::create_dir_all(settings.join("policies"))?;
        fs::write(settings.join("settings.json"), configuration(http).to_string())?;
        if !policy.is_empty() {
            fs::write(settings.join("policies/test.toml"), policy)?;
        }
        fs::write(folder.path().join("README.md"), "hi\n")?;
        let mut command = isolated::command("node", home.path(), folder.path());
        command
            .arg(&self.program)
            .args(["-p", "please do the task", "--output-format", "stream-json"])
            .args(["-m", "gemini-2.5-pro", "--approval-mode", approval_mode])
            .env("GEMINI_API_KEY", "not-a-key")
            .env("GOOGLE_GEMINI_BASE_URL", format!("http://{}", model.address()))
            .env("GEMINI_CLI_NO_RELAUNCH", "true");
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

    /// The results of its calls, as the agent printed them, in order.
    #[must_use]
    pub fn results(&self) -> Vec<&Value> {
        let is_result =
            |event: &&Value| event.get("type").is_some_and(|kind| kind == "tool_result");
        self.events.iter().filter(is_result).collect()
    }
}

fn configuration(http: SocketAddr) -> Value {
    json!({
        "security": {
            "auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": false},
        },
        "privacy": {"usageStatisticsEnabled": false},
        "general": {
            "disableAutoUpdate": true, "enableAutoUpdate": false, "disableUpdateNag": true,
        },
        "telemetry": {
            "enabled": true, "target": "local", "otlpEndpoint": format!("http://{http}"),
            "otlpProtocol": "http", "traces": true,
        },
    })
}
