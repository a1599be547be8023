//! `cargo xtask truth DIR`: scores the receipts of every run below a folder against its truth file.

#![expect(clippy::print_stdout, reason = "a chore talks to the person who started it")]

use std::path::PathBuf;
use std::process::ExitCode;

use blotter_tests::truth::{Trail, folders, score_folder, table};
use clap::Parser;

/// Scores receipts against the truth.
#[derive(Debug, Parser)]
struct Arguments {
    /// Folder of captures with a truth.toml each.
    folder: PathBuf,
    /// Import the agents' own session files too.
    #[arg(long)]
    rollouts: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let trail = if arguments.rollouts { Trail::WithRollouts } else { Trail::Telemetry };
    let mut scores = Vec::new();
    for folder in folders(&arguments.folder)? {
        scores.push(score_folder(&folder, trail).await?);
    }
    print!("{}", table::report(&scores));
    let good = table::counts(&scores).values().all(table::Count::is_good);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
