//! `triage demo`

use std::path::PathBuf;

use anyhow::Context as _;
use blotter_archive::{Archive, Location};
use blotter_triage::import::{self, Options};
use blotter_triage::reconstruct::reconstruct;
use blotter_triage::redaction::Settings;
use blotter_triage::{demo, load, trail};
use clap::Args;

use super::{now, show};
use crate::cli::Global;
use crate::{Outcome, output};

/// Arguments of `demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage demo
  triage --archive blotter-data-demo/archive sessions

Three short runs of real agents, recorded with a scripted model, go into an archive of their own; one \
of them is shown. Running it again adds nothing.")]
pub struct Arguments {
    /// Folder the archive is made in.
    #[arg(long, value_name = "DIR", default_value = "./blotter-data-demo")]
    data: PathBuf,
    /// Show long values whole.
    #[arg(long)]
    full: bool,
}

/// Takes in the captures that ship with the program and shows one session.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let place = arguments.data.join("archive");
    // The demo never writes into an archive that was named for something else.
    let location = Location::parse(&place.to_string_lossy())?;
    let archive = Archive::open_or_create(&location).await?;
    let redactor = Settings::default().redactor(&location)?;
    let options = Options { signal: None, received_time_unix_nano: now(), tenant: None, redactor };
    let summary = import::bodies(&archive, demo::BODIES, &options).await?;
    let mut loaded = load::examined(&archive, demo::SESSION)
        .await
        .with_context(|| format!("in {}; delete it and try again", place.display()))?;
    let mut session = reconstruct(&loaded.session_id, &loaded.rows);
    let beside = loaded.beside(Some(now()));
    trail::examine(&mut session, &loaded.rows, &beside);
    show::write(global.format, &session, arguments.full)?;
    let place = place.display();
    output::note(&format!(
        "\nTook in {} recorded requests; {} rows are new. More to see:\n  \
         triage --archive {place} sessions",
        summary.files, summary.added
    ));
    Ok(Outcome::Clean)
}
