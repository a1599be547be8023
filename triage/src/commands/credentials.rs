//! `triage credentials`

use blotter_triage::credentials::{Revoked, list, revoked};
use blotter_triage::render;
use chrono::Utc;
use clap::Args;

use super::moment::moment;
use super::tenant::Tenant;
use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `credentials`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage credentials
  triage credentials --since 7d --format json | jq .sessions
  triage credentials --revoked k1f30a2b4.0123456789abcdef@2026-11-21T12:00:00Z

Lists which types of credentials acted, in which sessions, from when until when. Agents say the type or
how they were signed in; the keyed fingerprint comes from instrumented agents alone (docs/instrumentation.md),
and `triage fingerprint` tells that of a secret that you hold. What no record says stands as not reported.

--revoked names the sessions that had a record after a credential was revoked: they went on, or their agent's
clock is wrong. Exit code: 0, or with --revoked 1 where a session went on; 2 on an error.

JSON is one object a line: a credential, or with --revoked what was asked for.")]
pub struct Arguments {
    /// Only what happened at or after this time: 2h, 7d, a date or an RFC 3339 time (UTC).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    #[command(flatten)]
    tenant: Tenant,
    /// Only the sessions that went on after the credential with this fingerprint was revoked; may be given
    /// several times.
    #[arg(long, value_name = "FINGERPRINT@TIME")]
    revoked: Vec<String>,
}

/// Lists credentials.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let now = Utc::now();
    let since = arguments.since.map(|text| moment("--since", &text, now)).transpose()?;
    let mut asked = Vec::new();
    for text in &arguments.revoked {
        let Some((fingerprint, time)) = text.rsplit_once('@') else {
            anyhow::bail!("--revoked `{text}` is no FINGERPRINT@TIME");
        };
        asked.push((fingerprint, moment("--revoked", time, now)?.saturating_mul(1_000)));
    }
    let archive = super::open(global).await?;
    let credentials = list(&archive, since, &arguments.tenant.asked()).await?;
    let (width, colour) = (output::width(), output::colour());
    if asked.is_empty() {
        match global.format {
            Format::Text if credentials.is_empty() => output::note("No session acted."),
            Format::Text => {
                output::data(&render::credentials::list(&credentials, width, colour))?;
            }
            Format::Json => output::data(&render::json::lines(&credentials)?)?,
        }
        return Ok(Outcome::Clean);
    }
    let answers: Vec<Revoked> =
        asked.iter().map(|(fingerprint, at)| revoked(&credentials, fingerprint, *at)).collect();
    match global.format {
        Format::Text => {
            for answer in &answers {
                output::data(&render::credentials::revoked(answer, width, colour))?;
            }
        }
        Format::Json => output::data(&render::json::lines(&answers)?)?,
    }
    let went_on = answers.iter().any(|answer| !answer.went_on.is_empty());
    Ok(if went_on { Outcome::Findings } else { Outcome::Clean })
}
