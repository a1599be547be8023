//! Chores of the workspace: `cargo xtask setup|test|bench|generate`.

mod bench;
mod generate;
mod process_usage;

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
    /// Measure what docs/benchmarks.md reports, in release builds.
    Bench(bench::Options),
    /// Write the Rust names, the rows of the tables and the Markdown reference from `schemas/registry` and `schemas/tables`.
    Generate {
        /// Write nothing; fail if what is in the tree differs from what would be written.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> anyhow::Result<()> {
    match Args::parse().chore {
        Chore::Bench(options) => bench::run(&options),
        Chore::Generate { check } => generate::run(check),
    }
}
