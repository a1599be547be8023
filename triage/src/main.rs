//! The command line of the desk: reads arguments, calls the library, writes what it returns.

mod cli;
mod commands;
mod output;
mod secret_prompt;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing to report.
    Clean,
    /// What was asked for was shown, and something is wrong with it.
    Findings,
    /// Part of the work could not be done; the notes on stderr say which.
    Failed,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::note(&format!("triage: cannot start: {error}"));
            return ExitCode::from(2);
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Ok(Outcome::Failed) => ExitCode::from(2),
        Err(error) => {
            output::note(&format!("triage: {}", output::message(&error)));
            ExitCode::from(2)
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<Outcome> {
    match cli.command {
        Command::Up(arguments) => commands::up::run(&cli.global, arguments).await,
        Command::Connect(arguments) => commands::connect::run(&cli.global, arguments),
        Command::Coverage(arguments) => commands::coverage::run(&cli.global, &arguments),
        Command::Import(arguments) => commands::import::run(&cli.global, arguments).await,
        Command::Sessions(arguments) => commands::sessions::run(&cli.global, arguments).await,
        Command::Show(arguments) => commands::show::run(&cli.global, arguments).await,
        Command::Receipt(arguments) => commands::receipt::run(&cli.global, arguments).await,
        Command::Gaps(arguments) => commands::gaps::run(&cli.global, arguments).await,
        Command::Check(arguments) => commands::check::run(&cli.global, arguments).await,
        Command::Configurations(arguments) => {
            commands::configurations::run(&cli.global, arguments).await
        }
        Command::Credentials(arguments) => commands::credentials::run(&cli.global, arguments).await,
        Command::Snapshot(arguments) => commands::snapshot::run(&cli.global, arguments).await,
        Command::Diff(arguments) => commands::diff::run(&cli.global, arguments).await,
        Command::Profiles(arguments) => commands::profiles::run(&cli.global, &arguments),
        Command::Archive(arguments) => commands::archive::run(&cli.global, arguments).await,
        Command::Fingerprint(arguments) => commands::fingerprint::run(&cli.global, arguments).await,
        Command::Key(arguments) => commands::key::run(&cli.global, arguments),
        Command::Demo(arguments) => commands::demo::run(&cli.global, arguments).await,
    }
}
