//! `triage connect`

use std::path::PathBuf;

use blotter_triage::connect::{
    self, Agent, Change, Configuration, configuration, unix_configuration,
};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `connect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage connect codex >> ~/.codex/config.toml
  triage connect claude-code --endpoint http://127.0.0.1:4400
  triage connect claude-code --unix /run/user/1000/blotter.sock
  triage connect gemini-cli --write
  triage connect codex --format json

--write shows what it changes in the agent's own file, keeps a copy of that file beside it, and leaves \
everything else in it as it is. Copilot CLI has no such file: put the lines into the profile of your shell.")]
pub struct Arguments {
    /// Agent.
    #[arg(value_enum)]
    agent: Name,
    /// Address of OTLP/HTTP, without a path.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4318")]
    endpoint: String,
    /// The collector's Unix socket instead (`triage up --unix PATH`): the kernel then says which process
    /// each record came from. Claude Code can use one, the others cannot.
    #[arg(long, value_name = "PATH", conflicts_with = "endpoint")]
    unix: Option<PathBuf>,
    /// Change the agent's own file instead of printing what belongs there.
    #[arg(long, conflicts_with = "unix")]
    write: bool,
}

/// Names of agents.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    /// OpenAI Codex: a section of its config.toml.
    Codex,
    /// Claude Code: environment variables, which its settings.json can hold.
    ClaudeCode,
    /// Gemini CLI: a section of its settings.json.
    GeminiCli,
    /// Qwen Code: a section of its settings.json.
    QwenCode,
    /// GitHub Copilot CLI: environment variables.
    CopilotCli,
    /// OpenCode: an environment variable, and a line of its opencode.json.
    #[value(name = "opencode")]
    OpenCode,
}

/// Prints or writes an agent's configuration.
pub fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let agent = match arguments.agent {
        Name::Codex => Agent::Codex,
        Name::ClaudeCode => Agent::ClaudeCode,
        Name::GeminiCli => Agent::GeminiCli,
        Name::QwenCode => Agent::QwenCode,
        Name::CopilotCli => Agent::CopilotCli,
        Name::OpenCode => Agent::OpenCode,
    };
    if arguments.write {
        return write(global, agent, &arguments.endpoint);
    }
    let configuration = match &arguments.unix {
        Some(path) => unix_configuration(agent, &std::path::absolute(path)?)?,
        None => configuration(agent, &arguments.endpoint),
    };
    match global.format {
        Format::Text => {
            let Configuration { file, text, .. } = &configuration;
            output::note(&format!("For {}: put this into {file}.", agent.name()));
            output::data(text)?;
        }
        Format::Json => {
            output::data(&format!("{}\n", serde_json::to_string_pretty(&configuration)?))?;
        }
    }
    Ok(Outcome::Clean)
}

fn write(global: &Global, agent: Agent, endpoint: &str) -> anyhow::Result<Outcome> {
    let change = Change::plan(agent, endpoint, |name| std::env::var_os(name))?;
    let file = change.path.display().to_string();
    let made = change.is_made();
    let diff = change.diff();
    let written = if made { None } else { Some(connect::write(&change)?) };
    let backup = written.and_then(|written| written.backup);
    match global.format {
        Format::Json => {
            let document = json!({"agent": agent.name(), "file": file, "changed": !made, "diff": diff, "backup": backup});
            output::data(&format!("{}\n", serde_json::to_string_pretty(&document)?))?;
        }
        Format::Text => {
            for line in diff.lines() {
                output::data(&format!("{}\n", blotter_triage::render::terminal::escape(line)))?;
            }
            if made {
                output::note(&format!("{file} has these settings already; nothing was changed."));
            } else {
                output::note(&format!("{file} was changed."));
            }
            if let Some(backup) = backup {
                output::note(&format!("What stood there is in {}.", backup.display()));
            }
        }
    }
    if agent == Agent::OpenCode {
        output::note(&format!(
            "OpenCode also needs OTEL_EXPORTER_OTLP_ENDPOINT={endpoint} in its environment."
        ));
    }
    Ok(Outcome::Clean)
}
