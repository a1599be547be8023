//! `cargo xtask chaos`: troubles around a real collector, and the ledger.

use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};

use crate::command::cargo;
use crate::fuzz::minutes;
use crate::generate::workspace;

/// How long, and with which chance.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How long troubles come, in minutes; a part of one is allowed.
    #[arg(long, default_value_t = 1.0, value_parser = minutes)]
    minutes: f64,
    /// What decides which troubles come when.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// With release builds.
    #[arg(long)]
    release: bool,
}

/// Runs it: 0 where nothing was lost or doubled, 1 where something was, 2 where it could not be run.
pub(crate) fn run(options: &Options) -> ExitCode {
    match chaos(options) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn chaos(options: &Options) -> anyhow::Result<u8> {
    let mut cargo = cargo();
    cargo.args(["build", "--workspace", "--locked", "--bins"]).current_dir(workspace());
    if options.release {
        cargo.arg("--release");
    }
    if !cargo.status().context("cannot start cargo")?.success() {
        bail!("the programs do not build");
    }
    let profile = if options.release { "release" } else { "debug" };
    // In the folder of the tests, from where it finds the other programs.
    let mut chaos = Command::new(workspace().join("target").join(profile).join("blotter-chaos"));
    chaos.env("BLOTTER_PROGRAMS_BUILT", "1");
    chaos.args(["--minutes", &options.minutes.to_string(), "--seed", &options.seed.to_string()]);
    let ended = chaos.current_dir(workspace()).status().context("cannot start blotter-chaos")?;
    ended.code().and_then(|code| u8::try_from(code).ok()).context("it was killed")
}
