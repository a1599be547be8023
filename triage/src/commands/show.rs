//! `triage show`

use blotter_archive::ScanStatistics;
use blotter_triage::reconstruct::{Session, reconstruct};
use blotter_triage::render::{json, text};
use blotter_triage::{gaps, load, replay, trail};
use clap::Args;

use super::now;
use super::profile_files::ProfileFiles;
use super::tenant::Tenant;
use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage show 01a1fb66
  triage show 01a1fb66 --full | less
  triage show 01a1fb66 --format json | jq '.session.turns[].entries[].call_id'
  triage show 01a1fb66 --trace --config user:config.toml --requirements requirements.toml
  triage show 01a1fb66 --strict > session.txt || echo 'the trail is not whole'

First comes the ledger: what arrived, what a setting of the agent keeps back, which numbers are missing,
and what the trail therefore cannot tell; --full tells it whole (docs/ledger.md). Findings are what
`triage gaps` finds (docs/gaps.md).

Statements without a mark are what the sender's records say. What was concluded from them is marked
(inferred: ...); where nothing is known, it says so. What rests on the word of another process or user
than the first is marked (said by speaker 2). The JSON is described in docs/show.md, speakers in
docs/custody.md.

--trace needs the agent's session file (imported beside the telemetry), or a configuration with --config:
`triage check --profiles` tells only where trail and profile differ (docs/replay.md).

Exit code: 0 clean, 1 where several speakers claim a session, 2 error. With --strict also 1 for any
finding and for a ledger that is not clean: a signal that is always sent did not arrive, a setting keeps
something back, a number is missing, or times do not fit.")]
pub struct Arguments {
    /// Session id, or any unique start of one.
    session: String,
    #[command(flatten)]
    tenant: Tenant,
    /// Show long values whole.
    #[arg(long)]
    full: bool,
    /// End with exit code 1 also where the trail is not whole: any finding, or a ledger that is not clean.
    #[arg(long)]
    strict: bool,
    /// Say of everything that a call wanted what the permission profile in effect says, and by which rule.
    #[arg(long)]
    trace: bool,
    #[command(flatten)]
    files: ProfileFiles,
    /// Say on stderr what had to be read.
    #[arg(long)]
    explain: bool,
}

/// Shows one session.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let archive = super::open(global).await?;
    let mut loaded = load::examined(&archive, arguments.tenant.session(&arguments.session)).await?;
    let mut session = reconstruct(&loaded.session_id, &loaded.rows);
    let beside = loaded.beside(Some(now()));
    trail::examine(&mut session, &loaded.rows, &beside);
    if arguments.trace {
        let configured = arguments.files.configured()?;
        let profiles = load::profiles(&archive, &session).await?;
        replay::family(&mut session, &profiles, configured.as_ref());
    }
    write(global.format, &session, arguments.full)?;
    if arguments.explain {
        output::note(&explain(&loaded.statistics));
    }
    let findings = gaps::family(&session);
    let contested = findings.iter().any(|finding| finding.rule == gaps::SEVERAL_SPEAKERS);
    let not_whole = arguments.strict && !(findings.is_empty() && is_clean(&session));
    Ok(if contested || not_whole { Outcome::Findings } else { Outcome::Clean })
}

fn is_clean(session: &Session) -> bool {
    session.ledger.as_ref().is_none_or(|ledger| ledger.clean)
        && session.sessions.iter().all(is_clean)
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
