//! `triage connect`

use blotter_triage::connect::{Agent, configuration};
use clap::{Args, ValueEnum};

use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `connect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage connect codex >> ~/.codex/config.toml
  triage connect claude-code --endpoint http://127.0.0.1:4400
  triage connect codex --format json")]
pub struct Arguments {
    /// Agent.
    #[arg(value_enum)]
    agent: Name,
    /// Address of OTLP/HTTP, without a path.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4318")]
    endpoint: String,
}

/// Names of agents.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    /// OpenAI Codex: a section of its config.toml.
    Codex,
    /// Claude Code: environment variables.
    ClaudeCode,
}

/// Prints an agent's configuration.
pub fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let agent = match arguments.agent {
        Name::Codex => Agent::Codex,
        Name::ClaudeCode => Agent::ClaudeCode,
    };
    let configuration = configuration(agent, &arguments.endpoint);
    match global.format {
        Format::Text => {
            output::note(&format!("For {}: put this into {}.", agent.name(), configuration.file));
            output::data(&configuration.text)?;
        }
        Format::Json => {
            output::data(&format!("{}\n", serde_json::to_string_pretty(&configuration)?))?;
        }
    }
    Ok(Outcome::Clean)
}
