//! `triage archive`: looking after the archive.

mod check;
mod compact;
mod progress;
mod retain;
mod stat;

use blotter_schemas::tables::Table;
use clap::{Args, Subcommand};

use crate::Outcome;
use crate::cli::Global;

/// Arguments of `archive`.
#[derive(Debug, Args)]
#[command(after_help = "\
A collector does all this by itself unless it was told not to (compaction), or where it was told to \
(retention). These commands are for archives that no collector writes, and for looking. They may run \
while collectors write and others read: nobody waits, and nothing is lost or doubled.")]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Rewrite small files as large ones, so that questions open few files.
    Compact(compact::Arguments),
    /// Remove what was received before a number of days ago.
    Retain(retain::Arguments),
    /// Count files, rows, days, log entries, and what compaction would gather.
    Stat,
    /// Read everything and compare it with what the log and the files say.
    Check(check::Arguments),
}

/// Runs the command.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    match arguments.command {
        Command::Compact(arguments) => compact::run(global, arguments).await,
        Command::Retain(arguments) => retain::run(global, arguments).await,
        Command::Stat => stat::run(global).await,
        Command::Check(arguments) => check::run(global, arguments).await,
    }
}

/// The table that was named, or all.
fn tables(named: Option<Table>) -> Vec<Table> {
    named.map_or_else(|| Table::ALL.to_vec(), |table| vec![table])
}

fn table(name: &str) -> Result<Table, String> {
    let found = Table::ALL.into_iter().find(|table| table.name() == name);
    found.ok_or_else(|| format!("it is one of {}", Table::ALL.map(Table::name).join(", ")))
}
