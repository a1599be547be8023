//! `cargo xtask chaos`: troubles around a real collector, and the ledger.

#![expect(clippy::print_stdout, reason = "the report is this program's output")]

use std::process::ExitCode;
use std::time::Duration;

use blotter_tests::chaos::{self, Options, previous};
use clap::Parser;

/// Troubles around a real collector, and the ledger.
#[derive(Debug, Parser)]
struct Arguments {
    /// How long troubles come, in minutes.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// What decides which troubles come when.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Instead, write the data folder that the next versions are tried on, with this one.
    #[arg(long)]
    write_previous: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.write_previous {
        return match previous::write().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                println!("error: {error:#}");
                ExitCode::from(2)
            }
        };
    }
    let Ok(time) = Duration::try_from_secs_f64(arguments.minutes * 60.0) else {
        println!("error: --minutes says how many minutes");
        return ExitCode::from(2);
    };
    match chaos::run(Options { time, seed: arguments.seed }).await {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("seed {}: {error:#}", arguments.seed);
            ExitCode::FAILURE
        }
    }
}
