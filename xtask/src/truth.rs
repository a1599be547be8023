//! `cargo xtask truth`: receipts against what really happened.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::command::cargo;
use crate::generate::workspace;

/// What to score.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Folder of captures, each with a truth.toml beside its request bodies.
    #[arg(default_value = "tests/captures")]
    folder: PathBuf,
    /// Import the agents' own session files too.
    #[arg(long)]
    rollouts: bool,
}

/// Scores; exits with 1 where a fact is wrong or too few are stated.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let folder = std::path::absolute(&options.folder)?;
    let mut cargo = cargo();
    cargo.current_dir(workspace());
    cargo.args(["run", "--quiet", "--locked", "--package", "blotter-tests"]);
    cargo.args(["--bin", "blotter-truth", "--"]).arg(folder);
    if options.rollouts {
        cargo.arg("--rollouts");
    }
    let status = cargo.status().context("cannot start cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
