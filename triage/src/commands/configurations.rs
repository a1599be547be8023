//! `triage configurations`

use blotter_triage::configurations::list;
use blotter_triage::render;
use chrono::Utc;
use clap::Args;

use super::moment::moment;
use super::tenant::Tenant;
use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `configurations`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage configurations
  triage configurations --digest $(sha256sum AGENTS.md | cut -c1-64)
  triage configurations --since 7d --format json | jq '.configurations[] | select(.versions > 1)'

Lists the settings, standing instructions (AGENTS.md), hooks, skills, plugins and MCP definitions that steered \
agents, each version by its SHA-256, and the sessions that ran under it: from when it was taken up until \
another version was, or the session's last record. Only instrumented agents report this \
(docs/instrumentation.md, docs/emit.md). How many sessions report nothing is said on stderr: they may have run \
under anything.

Exit code: 0, or with --digest 1 where a session ran under it; 2 on an error.

JSON is one object: configurations, sessions_without.")]
pub struct Arguments {
    /// Only sessions with a record at or after this time: 2h, 7d, a date or an RFC 3339 time (UTC).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    #[command(flatten)]
    tenant: Tenant,
    /// Only what has this SHA-256, or one that begins so.
    #[arg(long, value_name = "HEX")]
    digest: Option<String>,
}

/// Lists configurations.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let now = Utc::now();
    let since = arguments.since.map(|text| moment("--since", &text, now)).transpose()?;
    if let Some(digest) = &arguments.digest {
        let digits = digest.strip_prefix("sha256:").unwrap_or(digest);
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            anyhow::bail!(
                "--digest `{digest}` is no SHA-256: give its hexadecimal digits, or the first of them"
            );
        }
    }
    let archive = super::open(global).await?;
    let mut found = list(&archive, since, &arguments.tenant.asked()).await?;
    if let Some(digest) = &arguments.digest {
        found = found.of_digest(digest);
    }
    match global.format {
        Format::Text if found.configurations.is_empty() => {
            output::note("No session reports that.");
        }
        Format::Text => {
            let text = render::configurations::list(&found, output::width(), output::colour());
            output::data(&text)?;
        }
        Format::Json => output::data(&render::json::lines(std::slice::from_ref(&found))?)?,
    }
    if matches!(global.format, Format::Text) {
        match found.sessions_without {
            0 => {}
            1 => output::note("Another session does not report what it ran under."),
            more => {
                output::note(&format!("{more} other sessions do not report what they ran under."))
            }
        }
    }
    let ran = arguments.digest.is_some() && !found.configurations.is_empty();
    Ok(if ran { Outcome::Findings } else { Outcome::Clean })
}
