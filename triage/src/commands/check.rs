//! `triage check`

use blotter_archive::Archive;
use blotter_triage::reconstruct::findings::Finding;
use blotter_triage::reconstruct::reconstruct;
use blotter_triage::render::{json, text};
use blotter_triage::replay::{Configured, Replay, family};
use blotter_triage::tenant::Wanted;
use blotter_triage::{load, trail};
use clap::Args;

use super::gaps::roots;
use super::now;
use super::profile_files::ProfileFiles;
use super::tenant::Tenant;
use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage check --profiles 01a1fb66
  triage check --profiles --since 7d --requirements requirements.toml
  triage check --profiles 01a1fb66 --config user:config.toml --full
  triage check --profiles 01a1fb66 --format json | jq '.checks[] | select(.result == \"differs\")'

For every connection that the network proxy decided about, every patch and every file that a command's
words name, the profile in effect is asked what it says. That profile is the one in the agent's own
session file (import it beside the telemetry: `triage import ~/.codex/sessions`); a profile that records
only name needs --config FILE. With both, the session file says what was in effect and the configuration
which rule that is.

A command is read by its words, not by what it did: `from` says where a path stands. What profiles do not
govern (MCP servers, the browser, what a person let out of the sandbox) is named and not judged, and so is
what the trail does not tell. docs/replay.md lists the findings, and when each is wrong.

Exit code: 0 nothing found, 1 a finding, 2 error.")]
pub struct Arguments {
    /// Session id, or any unique start of one; every session without it.
    session: Option<String>,
    #[command(flatten)]
    tenant: Tenant,
    /// Check against permission profiles.
    #[arg(long, required = true)]
    profiles: bool,
    /// Only sessions with an event at or after this time: 2h, 7d, a date or an RFC 3339 time (UTC).
    #[arg(long, value_name = "TIME", conflicts_with = "session")]
    since: Option<String>,
    /// Show every check, not only those that differ, and the rows behind findings.
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    files: ProfileFiles,
}

/// Checks sessions.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    debug_assert!(arguments.profiles, "nothing else can be checked");
    let configured = arguments.files.configured()?;
    let archive = super::open(global).await?;
    let wanted = match &arguments.session {
        Some(session) => vec![arguments.tenant.session(session)],
        None => roots(&archive, arguments.since.as_deref(), &arguments.tenant).await?,
    };
    let options =
        text::Options { width: output::width(), colour: output::colour(), full: arguments.full };
    let (mut found, mut shown, sessions) = (0, 0, wanted.len());
    for session in wanted {
        for replay in replays(&archive, session, configured.as_ref()).await? {
            // Of many sessions only those are told of which there is something to tell.
            let tells = !replay.profiles.is_empty() || arguments.session.is_some();
            if global.format == Format::Text && !tells {
                continue;
            }
            output::data(&match global.format {
                Format::Json => json::lines(std::slice::from_ref(&replay))?,
                Format::Text => text::replay(&replay, shown > 0, options),
            })?;
            shown += 1;
            found += replay.findings.iter().filter(is_more_than_information).count();
        }
    }
    if shown == 0 {
        output::note(&format!("No profile is known of any of {} sessions.", sessions));
    }
    Ok(if found > 0 { Outcome::Findings } else { Outcome::Clean })
}

fn is_more_than_information(finding: &&Finding) -> bool {
    finding.severity > blotter_triage::reconstruct::findings::Severity::Info
}

async fn replays(
    archive: &Archive,
    wanted: Wanted,
    configured: Option<&Configured>,
) -> anyhow::Result<Vec<Replay>> {
    let mut loaded = load::examined(archive, wanted).await?;
    let mut session = reconstruct(&loaded.session_id, &loaded.rows);
    let profiles = load::profiles(archive, &session).await?;
    let beside = loaded.beside(Some(now()));
    trail::examine(&mut session, &loaded.rows, &beside);
    Ok(family(&mut session, &profiles, configured))
}
