//! Chores of the workspace: `cargo xtask setup|test|bench|fuzz|chaos|truth|generate`.

#![expect(clippy::print_stdout, reason = "a chore talks to the person who started it")]

mod bench;
mod chaos;
mod command;
mod documents;
mod fuzz;
mod generate;
mod process_usage;
mod setup;
mod tally;
mod test;
mod tools;
mod truth;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chores of the Blotter workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", version)]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Install what a bare Debian machine lacks for the tests: Debian packages, and into `.tools` a
    /// licence checker, the agents that the tests drive and a Python environment.
    Setup,
    /// Install what is missing, then check formatting, documents, generated files, lints, licences and
    /// the documentation, and run every test.
    Test,
    /// Measure what docs/benchmarks.md reports, in release builds.
    Bench(bench::Options),
    /// Run the fuzz targets for a while; exits with 1 where something was found, with 2 where they could
    /// not be run.
    Fuzz(fuzz::Options),
    /// Make trouble around a real collector for a while, and count what was acknowledged, archived and
    /// forwarded; exits with 1 where something was lost or doubled, with 2 where it could not be run.
    Chaos(chaos::Options),
    /// Score the receipts of every capture below a folder against its truth.toml.
    Truth(truth::Options),
    /// Write the Rust names, the rows of the tables and the Markdown reference from `schemas/registry` and `schemas/tables`.
    Generate {
        /// Write nothing; fail if what is in the tree differs from what would be written.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    match Args::parse().chore {
        Chore::Setup => setup::run().map(|_| ExitCode::SUCCESS),
        Chore::Test => test::run_all(),
        Chore::Generate { check } => generate::run(check).map(|()| ExitCode::SUCCESS),
        Chore::Fuzz(options) => Ok(fuzz::run(&options)),
        Chore::Chaos(options) => Ok(chaos::run(&options)),
        Chore::Truth(options) => truth::run(&options),
        Chore::Bench(options) => bench::run(&options).map(|()| ExitCode::SUCCESS),
    }
}
