//! `triage gaps`

use std::collections::BTreeSet;

use blotter_archive::Archive;
use blotter_triage::reconstruct::findings::{Finding, Severity};
use blotter_triage::reconstruct::{Session, reconstruct};
use blotter_triage::render::{json, text};
use blotter_triage::sessions::{Selection, Summary, list};
use blotter_triage::tenant::{SessionKey, Wanted};
use blotter_triage::{gaps, load, trail};
use chrono::Utc;
use clap::Args;

use super::moment::moment;
use super::now;
use super::tenant::Tenant;
use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `gaps`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage gaps 01a1fb66
  triage gaps --since 2h --severity medium
  triage gaps --format json | jq -r '[.severity, .rule, .summary] | @tsv'
  triage gaps --rules                     the rules, and when each is wrong

A finding says that something is missing from the trail of a session, or that its records do not fit;
never what happened. It names its rule, the calls it is about (as `triage receipt` takes them), when the
same is found without harm, and in JSON the rows that prove it. What an agent leaves out by design is no
finding: `triage show` tells that in its ledger. Sub-agents' sessions are told with the session that
started them. JSON is one finding a line; docs/gaps.md describes it.

Exit code: 0 nothing found, 1 a finding that is shown, 2 error.")]
pub struct Arguments {
    /// Session id, or any unique start of one; every session without it.
    session: Option<String>,
    #[command(flatten)]
    tenant: Tenant,
    /// Only sessions with an event at or after this time: 2h, 7d, a date or an RFC 3339 time (UTC).
    #[arg(long, value_name = "TIME", conflicts_with = "session")]
    since: Option<String>,
    /// Only findings that matter so much, or more: info, low, medium, high.
    #[arg(long, value_name = "SEVERITY", value_parser = severity, default_value = "info")]
    severity: Severity,
    /// Show every rule's false-positive cause and the rows that prove a finding.
    #[arg(long)]
    full: bool,
    /// Print the rules instead.
    #[arg(long, conflicts_with_all = ["session", "since", "severity", "full"])]
    rules: bool,
}

fn severity(word: &str) -> Result<Severity, String> {
    let known = Severity::ALL.into_iter().find(|severity| severity.as_str() == word);
    known.ok_or_else(|| "it is one of info, low, medium, high".to_owned())
}

/// Finds gaps and contradictions.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    if arguments.rules {
        output::data(&match global.format {
            Format::Text => text::rules(output::width()),
            Format::Json => json::rules()?,
        })?;
        return Ok(Outcome::Clean);
    }
    let archive = super::open(global).await?;
    let wanted = match &arguments.session {
        Some(session) => vec![arguments.tenant.session(session)],
        None => roots(&archive, arguments.since.as_deref(), &arguments.tenant).await?,
    };
    let (width, colour) = (output::width(), output::colour());
    let options = text::Options { width, colour, full: arguments.full };
    let (mut found, sessions) = (0, wanted.len());
    for session in wanted {
        let session = examined(&archive, session).await?;
        let shown = |finding: &&Finding| finding.severity >= arguments.severity;
        let findings: Vec<&Finding> = gaps::family(&session).into_iter().filter(shown).collect();
        if findings.is_empty() {
            continue;
        }
        output::data(&match global.format {
            Format::Json => json::findings(&findings)?,
            Format::Text => text::findings(&session, &findings, found > 0, options),
        })?;
        found += findings.len();
    }
    if found == 0 {
        output::note(&format!("Nothing found in {} sessions.", sessions));
        return Ok(Outcome::Clean);
    }
    Ok(Outcome::Findings)
}

async fn examined(archive: &Archive, wanted: Wanted) -> anyhow::Result<Session> {
    let mut loaded = load::examined(archive, wanted).await?;
    let mut session = reconstruct(&loaded.session_id, &loaded.rows);
    let beside = loaded.beside(Some(now()));
    trail::examine(&mut session, &loaded.rows, &beside);
    Ok(session)
}

/// The sessions that no other one of those listed is around, newest first.
pub(super) async fn roots(
    archive: &Archive,
    since: Option<&str>,
    tenant: &Tenant,
) -> anyhow::Result<Vec<Wanted>> {
    let since = since.map(|text| moment("--since", text, Utc::now())).transpose()?;
    let found =
        list(archive, &Selection { since, tenant: tenant.asked(), ..Selection::default() }).await?;
    if found.without_session > 0 {
        let rows = found.without_session;
        output::note(&format!("Rows that name no session, and are not looked at: {rows}."));
    }
    let listed: BTreeSet<SessionKey> = found.sessions.iter().map(Summary::key).collect();
    let is_root = |session: &&Summary| session.parent().is_none_or(|it| !listed.contains(&it));
    let roots = found.sessions.iter().filter(is_root);
    Ok(roots.map(|session| Wanted::from(&session.key())).collect())
}
