//! `triage diff`

use std::path::Path;

use blotter_triage::diff::diff;
use blotter_triage::render::{json, text};
use blotter_triage::snapshot::{Snapshot, file};
use clap::Args;

use super::snapshot;
use super::tenant::Tenant;
use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage diff 01a1fb66 01a1fb69            two sessions of the archive
  triage diff before.json 01a1fb69         a snapshot and a session
  triage diff before.json after.json --format json | jq '.differences[].class'

First it says whether the two can be compared, then what differs, what matters most for security
first: new tools, MCP servers and runs; wider policies; who decided, and what; new hosts and kinds of
arguments; sandbox, transport, executor, outcome; then what is gone, arguments, order and count. A fact
that one side does not know is not comparable, never a difference. Two runs cannot tell behaviour from
luck. The JSON is described in docs/snapshot.md.
Exit code: 0 nothing differs, 1 something differs, 2 error.")]
pub struct Arguments {
    /// A snapshot file, or a session id or any unique start of one.
    a: String,
    /// What to compare it with.
    b: String,
    #[command(flatten)]
    tenant: Tenant,
    /// Show every difference and value whole.
    #[arg(long)]
    full: bool,
}

/// Compares two runs.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let (a, b) = (
        snapshot_of(global, &arguments, &arguments.a).await?,
        snapshot_of(global, &arguments, &arguments.b).await?,
    );
    let diff = diff((&arguments.a, &a), (&arguments.b, &b));
    let text = match global.format {
        Format::Json => json::diff(&diff)?,
        Format::Text => {
            let (width, colour) = (output::width(), output::colour());
            text::diff(&diff, text::Options { width, colour, full: arguments.full })
        }
    };
    output::data(&text)?;
    Ok(if diff.differs { Outcome::Findings } else { Outcome::Clean })
}

/// A file where there is one of that name, else a session.
async fn snapshot_of(
    global: &Global,
    arguments: &Arguments,
    name: &str,
) -> anyhow::Result<Snapshot> {
    let path = Path::new(name);
    if path.exists() {
        return Ok(file::open(path)?);
    }
    let archive = super::open(global).await?;
    snapshot::of_sessions(&archive, &[name.to_owned()], &arguments.tenant).await
}
