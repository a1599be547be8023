//! `triage archive check`

use std::ops::ControlFlow;

use blotter_archive::CheckProgress;
use blotter_schemas::tables::Table;
use blotter_triage::render::archive;
use clap::Args;
use serde_json::json;

use super::progress::bar;
use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `archive check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage archive check
  triage archive check --table events --format json | jq .findings

Every file that the log names is read to its end: is it there, has it the size and the rows that the \
log says, are the rows in order, is every value within the statistics that scans go by. Then: are rows \
copies of others (scans leave them out; `compact` drops those in small files), and does the folder hold \
files that no log entry names (`compact` deletes them once they are a day old). \
What it cannot tell: whether a value was changed together with its file and the log.

Exit code: 0 nothing found, 1 findings, 2 error.")]
pub struct Arguments {
    /// Only this table: events, spans or metrics.
    #[arg(long, value_name = "TABLE", value_parser = super::table)]
    table: Option<Table>,
}

/// Checks.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let archive = crate::commands::open(global).await?;
    let mut checked = Vec::new();
    for table in super::tables(arguments.table) {
        let bar = bar(Some(0));
        let mut progress = |at: CheckProgress| {
            bar.set_length(at.files_total);
            bar.set_position(at.files);
            bar.set_message(format!("files of {table}"));
            ControlFlow::Continue(())
        };
        let found = archive.check(table, &mut progress).await;
        bar.finish_and_clear();
        checked.push((table, found?));
    }
    let findings: usize = checked.iter().map(|(_, checked)| checked.findings.len()).sum();
    match global.format {
        Format::Text => output::data(&archive::checked(&checked))?,
        Format::Json => {
            let tables = checked.iter().map(|(table, checked)| {
                json!({"table": table.name(), "files": checked.files, "rows": checked.rows,
                       "files_of_other_writers": checked.unsorted_files})
            });
            let tables = tables.collect::<Vec<_>>();
            let findings = checked.iter().flat_map(|(_, checked)| &checked.findings);
            let findings = findings.map(archive::finding_json).collect::<Vec<_>>();
            output::data(&format!("{}\n", json!({"tables": tables, "findings": findings})))?;
        }
    }
    Ok(if findings == 0 { Outcome::Clean } else { Outcome::Findings })
}
