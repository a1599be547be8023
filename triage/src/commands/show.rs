//! `triage show`

use blotter_archive::ScanStatistics;
use blotter_triage::load;
use blotter_triage::reconstruct::{Session, reconstruct};
use blotter_triage::render::{json, text};
use clap::Args;

use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage show 01a1fb66
  triage show 01a1fb66 --full | less
  triage show 01a1fb66 --format json | jq '.session.turns[].entries[].call_id'

Statements without a mark are what the sender's records say. What was concluded from them is marked
(inferred: ...); where nothing is known, it says so. Where several processes or users sent records of
the session, that is a finding, and what rests on the word of another than the first is marked (said
by speaker 2). The JSON is described in docs/show.md, speakers in docs/custody.md.
Exit code: 0 clean, 1 a finding, 2 error.")]
pub struct Arguments {
    /// Session id, or any unique start of one.
    session: String,
    /// Show long values whole.
    #[arg(long)]
    full: bool,
    /// Say on stderr what had to be read.
    #[arg(long)]
    explain: bool,
}

/// Shows one session.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let archive = super::open(global).await?;
    let loaded = load::session(&archive, &arguments.session).await?;
    let session = reconstruct(&loaded.session_id, &loaded.rows);
    write(global.format, &session, arguments.full)?;
    if arguments.explain {
        output::note(&explain(&loaded.statistics));
    }
    Ok(if has_findings(&session) { Outcome::Findings } else { Outcome::Clean })
}

fn has_findings(session: &Session) -> bool {
    !session.findings.is_empty() || session.sessions.iter().any(has_findings)
}

/// Writes a session as the format asks.
pub fn write(format: Format, session: &Session, full: bool) -> anyhow::Result<()> {
    let text = match format {
        Format::Json => json::show(session)?,
        Format::Text => {
            let (width, colour) = (output::width(), output::colour());
            text::show(session, text::Options { width, colour, full })
        }
    };
    output::data(&text)?;
    Ok(())
}

fn explain(statistics: &ScanStatistics) -> String {
    let ScanStatistics {
        files_total,
        files_read,
        row_groups_total,
        row_groups_read,
        pages_total,
        pages_read,
        bytes_total,
        bytes_read,
        rows_read,
        rows_returned,
        copies_dropped,
    } = statistics;
    format!(
        "read by all scans together:\n\
         files       {files_read} (the table has {files_total})\n\
         row groups  {row_groups_read} (files that were opened have {row_groups_total})\n\
         pages       {pages_read} (files that were opened have {pages_total})\n\
         bytes       {bytes_read} (the table has {bytes_total})\n\
         rows        {rows_returned} wanted of {rows_read} decoded, {copies_dropped} left out as copies"
    )
}
