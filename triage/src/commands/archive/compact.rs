//! `triage archive compact`

use std::ops::ControlFlow;

use blotter_archive::{CleanOptions, CompactOptions, CompactProgress};
use blotter_schemas::tables::Table;
use blotter_triage::render::archive;
use clap::Args;
use indicatif::HumanBytes;
use serde_json::json;

use super::progress::bar;
use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `archive compact`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage archive compact
  triage archive compact --table events --format json

Files below 96 MiB of one received day are merged, 64 at a time, into files of about 128 MiB in the \
table's order. Rows that are copies of one event (one session, one sender, one event id) are dropped \
but for the one received first, counted, and their journal positions written into the new file. \
Files that were replaced stay on disk for a day, for readers that began before; those from earlier \
runs are deleted now. If another compaction was faster, its work stands and ours is thrown away.

Exit code: 0 when it is done, whatever there was to do; 2 on an error.")]
pub struct Arguments {
    /// Only this table: events, spans or metrics.
    #[arg(long, value_name = "TABLE", value_parser = super::table)]
    table: Option<Table>,
}

/// Compacts.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let archive = crate::commands::open(global).await?;
    let mut done = Vec::new();
    for table in super::tables(arguments.table) {
        let bar = bar(None);
        let mut progress = |at: CompactProgress| {
            let bytes = HumanBytes(at.bytes);
            bar.set_message(format!(
                "{table} of {}: {} files, {bytes}, {} rows written",
                at.date, at.files, at.rows
            ));
            bar.tick();
            ControlFlow::Continue(())
        };
        let compacted = archive.compact(table, &CompactOptions::ALL, &mut progress).await;
        bar.finish_and_clear();
        let cleaned = archive.clean(table, &CleanOptions::default()).await?;
        done.push((table, compacted?, cleaned));
    }
    match global.format {
        Format::Text => output::data(&archive::compacted(&done))?,
        Format::Json => {
            let tables = done.iter().map(|(table, compacted, cleaned)| {
                json!({
                    "table": table.name(),
                    "commits": compacted.commits,
                    "files_before": compacted.files_before,
                    "files_after": compacted.files_after,
                    "bytes_before": compacted.bytes_before,
                    "bytes_after": compacted.bytes_after,
                    "rows": compacted.rows,
                    "copies_dropped": compacted.copies_dropped,
                    "lost": compacted.lost,
                    "cleaned": archive::cleaned_json(cleaned),
                })
            });
            output::data(&format!("{}\n", json!({"tables": tables.collect::<Vec<_>>()})))?;
        }
    }
    Ok(Outcome::Clean)
}
