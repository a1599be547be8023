//! `triage connect`

use std::path::PathBuf;

use blotter_triage::connect::{Agent, configuration, unix_configuration};
use clap::{Args, ValueEnum};

use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `connect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage connect codex >> ~/.codex/config.toml
  triage connect claude-code --endpoint http://127.0.0.1:4400
  triage connect claude-code --unix /run/user/1000/blotter.sock
  triage connect codex --format json")]
pub struct Arguments {
    /// Agent.
    #[arg(value_enum)]
    agent: Name,
    /// Address of OTLP/HTTP, without a path.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4318")]
    endpoint: String,
    /// The collector's Unix socket instead (`triage up --unix PATH`): the kernel then says which process
    /// each record came from. Claude Code can use one, Codex cannot.
    #[arg(long, value_name = "PATH", conflicts_with = "endpoint")]
    unix: Option<PathBuf>,
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
    let configuration = match &arguments.unix {
        Some(path) => unix_configuration(agent, &std::path::absolute(path)?)?,
        None => configuration(agent, &arguments.endpoint),
    };
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
