//! `triage archive retain`

use anyhow::Context as _;
use blotter_archive::CleanOptions;
use blotter_triage::render::archive;
use chrono::{Days, Utc};
use clap::Args;
use serde_json::json;

use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `archive retain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage archive retain --keep 90 --dry-run
  triage archive retain --keep 90

Days are UTC days on which rows were received, whatever time the agents say. `--keep 90` keeps today \
and the 90 days before it, in every table. What is removed is gone from every question at once, and \
from disk a day later, when a retention or compaction runs again: readers that began before may still \
need it.

Exit code: 0 when it is done, 2 on an error.")]
pub struct Arguments {
    /// Whole days to keep, beside today.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=36_500))]
    keep: u32,
    /// Only say what would be removed.
    #[arg(long)]
    dry_run: bool,
}

/// Removes old days.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let Arguments { keep, dry_run } = arguments;
    let before = Utc::now()
        .date_naive()
        .checked_sub_days(Days::new(keep.into()))
        .context("--keep reaches before the calendar begins")?;
    let archive = crate::commands::open(global).await?;
    let mut done = Vec::new();
    for table in super::tables(None) {
        let retained = archive.retain(table, before, dry_run).await?;
        let options = CleanOptions { dry_run, ..CleanOptions::default() };
        let cleaned = archive.clean(table, &options).await?;
        done.push((table, retained, cleaned));
    }
    match global.format {
        Format::Text => output::data(&archive::retained(&done, before, dry_run))?,
        Format::Json => {
            let tables = done.iter().map(|(table, retained, cleaned)| {
                json!({
                    "table": table.name(),
                    "days": retained.days.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    "files": retained.files,
                    "bytes": retained.bytes,
                    "rows": retained.rows,
                    "cleaned": archive::cleaned_json(cleaned),
                })
            });
            let tables = tables.collect::<Vec<_>>();
            let before = before.to_string();
            let document = json!({"before": before, "dry_run": dry_run, "tables": tables});
            output::data(&format!("{document}\n"))?;
        }
    }
    Ok(Outcome::Clean)
}
