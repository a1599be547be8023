//! `triage sessions`

use blotter_triage::render;
use blotter_triage::sessions::{Selection, list};
use chrono::Utc;
use clap::Args;

use super::moment::moment;
use super::tenant::Tenant;
use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `sessions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage sessions
  triage sessions --since 2h --agent codex
  triage sessions --since 2026-11-20 --until 2026-11-21T12:00:00Z --limit 10
  triage sessions --format json | jq -r .session_id

A session that more than one process or user claims is a finding: docs/custody.md says what is told
apart. `triage gaps` finds more. Exit code: 0 clean, 1 a session that is listed has a finding, 2 error.

What a sub-agent or a reviewer said is shown within the session it belongs to; --nested lists such
conversations too.

JSON is one object a line; `-` in the table and null in JSON mean that no record says.")]
pub struct Arguments {
    /// Only sessions with an event at or after this time: 2h, 7d, a date or an RFC 3339 time (UTC).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only sessions with an event before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only sessions of this agent: codex, claude-code, ...
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
    #[command(flatten)]
    tenant: Tenant,
    /// Only the newest so many.
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// Also the conversations of sub-agents and reviewers, each a line of its own.
    #[arg(long)]
    nested: bool,
}

/// Lists sessions.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let now = Utc::now();
    let selection = Selection {
        since: arguments.since.map(|text| moment("--since", &text, now)).transpose()?,
        until: arguments.until.map(|text| moment("--until", &text, now)).transpose()?,
        agent: arguments.agent,
        tenant: arguments.tenant.asked(),
        limit: arguments.limit,
        of_users: !arguments.nested,
    };
    let archive = super::open(global).await?;
    let found = list(&archive, &selection).await?;
    match global.format {
        Format::Text if found.sessions.is_empty() => output::note("No session matches."),
        Format::Text => {
            let (width, colour) = (output::width(), output::colour());
            output::data(&render::sessions::table(&found.sessions, width, colour))?;
        }
        Format::Json => output::data(&render::json::lines(&found.sessions)?)?,
    }
    if found.nested_left_out > 0 {
        let count = found.nested_left_out;
        output::note(&format!("Sessions nested in these: {count}; --nested lists them too."));
    }
    if found.without_session > 0 {
        output::note(&format!("Rows that name no session: {}.", found.without_session));
    }
    let findings = found.sessions.iter().any(|session| !session.findings.is_empty());
    Ok(if findings { Outcome::Findings } else { Outcome::Clean })
}
