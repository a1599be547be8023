//! `triage up`

use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::Context as _;
use blotter_archive::Location;
use blotter_collector::{Collector, CommandLine, quiet_panics};
use blotter_triage::connect::{self, Agent, configuration};
use blotter_triage::render::terminal::escape;
use clap::Args;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::cli::{DEFAULT_ARCHIVE, Format, Global};
use crate::{Outcome, output};

/// Arguments of `up`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage up
  triage up --data /var/tmp/audit --http 127.0.0.1:4400 --grpc 127.0.0.1:4401

Collects until Ctrl-C or SIGTERM, then commits what it has and ends. What was acknowledged to an agent \
is on disk, whatever happens. Secrets that a rule knows are taken out before that, and marks stand in \
their place; what is no secret to any rule is stored as it is sent. On loopback, which is the default, nobody is \
asked who they are; another address needs TLS and credentials in --config (docs/access.md).")]
pub struct Arguments {
    /// Folder of the journal and, unless --archive says otherwise, of the archive [default:
    /// ./blotter-data].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    line: CommandLine,
}

/// Runs the collector until it is told to stop.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,blotter_collector=warn,blotter_archive=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();

    quiet_panics();

    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let Arguments { data, line } = arguments;
    let config = line.effective(line.file()?.as_ref(), data, global.archive.as_deref())?;
    let archive = config.archive.clone();
    let collector = Collector::start(config).await?;
    for warning in collector.warnings() {
        output::note(warning);
    }
    announce(global.format, &collector, &archive)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    output::note("Stopping: committing what was received.");
    collector.shutdown().await?;
    Ok(Outcome::Clean)
}

/// Says where to send and what to configure.
fn announce(format: Format, collector: &Collector, archive: &Location) -> anyhow::Result<()> {
    let (grpc, http) = (collector.grpc_address(), collector.http_address());
    let mut endpoint = connect::endpoint(http);
    if collector.has_tls() {
        endpoint = endpoint.replacen("http:", "https:", 1);
    }
    if format == Format::Json {
        let agents = Agent::ALL.map(|agent| configuration(agent, &endpoint));
        let document = json!({
            "grpc": grpc.to_string(),
            "http": http.to_string(),
            "unix": collector.unix_path().map(|path| path.display().to_string()),
            "archive": archive.to_string(),
            "redacted": true,
            "agents": agents,
        });
        output::data(&format!("{document}\n"))?;
        return Ok(());
    }
    let unix = collector
        .unix_path()
        .map(|path| format!("  both on the Unix socket {}\n", path.display()))
        .unwrap_or_default();
    let mut text = format!(
        "Collecting\n  OTLP/gRPC on {grpc}\n  OTLP/HTTP on {http}\n{unix}  into {archive}\n\n\
         Secrets that a rule knows are replaced by marks before anything is written. Other text, prompts and\n\
         outputs included, is stored as the agents send it.\n"
    );
    for agent in [Agent::Codex, Agent::ClaudeCode] {
        let configuration = configuration(agent, &endpoint);
        text.push_str(&format!("\n--- {}, into {}\n", agent.name(), configuration.file));
        for line in configuration.text.lines().filter(|line| !line.starts_with('#')) {
            text.push_str(line);
            text.push('\n');
        }
    }
    if let Some(path) = collector.unix_path() {
        let path = connect::shell_word(&path.display().to_string());
        text.push_str(&format!(
            "\nClaude Code can use the socket instead: triage connect claude-code --unix {}\n",
            escape(&path)
        ));
    }
    text.push_str("\n`triage connect AGENT` explains each line, also for gemini-cli, qwen-code, copilot-cli and opencode. When an agent has worked for a while:\n  triage sessions");
    if Location::parse(DEFAULT_ARCHIVE)?.url() != archive.url() {
        text.push_str(&format!(
            " --archive {}",
            escape(&connect::shell_word(&archive.to_string()))
        ));
    }
    text.push_str("\n\nCtrl-C stops.\n");
    output::data(&text)?;
    Ok(())
}
