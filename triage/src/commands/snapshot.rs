//! `triage snapshot`

use std::path::PathBuf;

use blotter_archive::Archive;
use blotter_schemas::names::blotter::Grade;
use blotter_triage::load;
use blotter_triage::receipt::Beside;
use blotter_triage::reconstruct::{Session, reconstruct};
use blotter_triage::snapshot::model::Run;
use blotter_triage::snapshot::{self, Snapshot, file};
use blotter_triage::trail;
use clap::Args;

use super::now;
use super::tenant::Tenant;
use crate::cli::Global;
use crate::{Outcome, output};

/// Arguments of `snapshot`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage snapshot 01a1fb66 -o before.json
  triage snapshot 01a1fb66 01a1fb69 > week.json        several runs in one file, in this order
  triage diff before.json 01a1fb69                     what another run did otherwise

A snapshot is JSON: how the run was set up, then its calls in order, each with its decision, its
outcome and so on, as the receipts say them; null where a fact is not known. Ids, times, temporary
paths, ports, user names and the like are replaced by rules that the file lists, so that two runs that
did the same give the same bytes. Words of prompts and arguments do not stand in it, only their
digests: whoever guesses a short one can check the guess. See docs/snapshot.md.")]
pub struct Arguments {
    /// Session id, or any unique start of one.
    #[arg(required = true, value_name = "SESSION")]
    sessions: Vec<String>,
    #[command(flatten)]
    tenant: Tenant,
    /// Write to this file instead of stdout, whole or not at all. An older snapshot is replaced.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file also when it is no snapshot.
    #[arg(long, requires = "output")]
    force: bool,
}

/// Writes a snapshot of sessions.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let archive = super::open(global).await?;
    let snapshot = of_sessions(&archive, &arguments.sessions, &arguments.tenant).await?;
    let text = file::write(&snapshot)?;
    match &arguments.output {
        Some(path) => file::save(path, &text, arguments.force)?,
        None => output::data(&text)?,
    }
    if is_open(&snapshot.runs) {
        output::note("A session may still go on: what is graded pending may come yet.");
    }
    Ok(Outcome::Clean)
}

/// The snapshot of the sessions whose ids begin so.
pub(super) async fn of_sessions(
    archive: &Archive,
    prefixes: &[String],
    tenant: &Tenant,
) -> anyhow::Result<Snapshot> {
    let mut sessions: Vec<(Session, Beside)> = Vec::new();
    for prefix in prefixes {
        let mut loaded = load::examined(archive, tenant.session(prefix)).await?;
        let mut session = reconstruct(&loaded.session_id, &loaded.rows);
        let beside = loaded.beside(Some(now()));
        trail::examine(&mut session, &loaded.rows, &beside);
        sessions.push((session, beside));
    }
    let sessions: Vec<(&Session, &Beside)> =
        sessions.iter().map(|(session, beside)| (session, beside)).collect();
    Ok(snapshot::snapshot(&sessions)?)
}

/// Whether records of a run may still come.
fn is_open(runs: &[Run]) -> bool {
    runs.iter().any(|run| {
        let pending = |grade: Grade| grade == Grade::Pending;
        run.steps.iter().any(|step| pending(step.outcome.grade) || pending(step.decision.grade))
            || is_open(&run.runs)
    })
}
