//! Scoring receipts against the truth: for every folder with a `truth.toml` its telemetry is imported, and
//! every fact that a receipt states is compared with what really happened.
//!
//! Start reading at [`score_folder`]; `file.rs` is what a truth file says, `score.rs` the comparison,
//! `table.rs` the report.

pub mod file;
pub mod score;
pub mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use blotter_archive::{Archive, Location};
use blotter_schemas::tables::Event;
use blotter_triage::import::{self, Options};
use blotter_triage::load;
use blotter_triage::receipt::{Beside, Receipt, family};
use blotter_triage::reconstruct::Session;
use blotter_triage::reconstruct::reconstruct;
use blotter_triage::redaction::Settings;
use blotter_triage::replay::attach;
use blotter_triage::sessions::{self, Selection};

use file::Truth;
pub use score::{Scored, Verdict};

/// Name of a truth file.
pub const FILE: &str = "truth.toml";
/// When the imported rows are said to have been received: the same every time.
const RECEIVED_UNIX_NANO: i64 = 1_800_000_000_000_000_000;

/// What is known of one run.
#[derive(Debug)]
pub struct Told {
    /// The sessions that belong to no other, in order of time.
    pub sessions: Vec<Session>,
    /// The receipts of all their calls.
    pub receipts: Vec<Receipt>,
    /// Whether they were replayed against the profiles of the agent's session files.
    pub replayed: bool,
}

/// The folders at or below `folder` that hold a truth file, in order.
///
/// # Errors
/// When a folder cannot be read, or when there is none.
pub fn folders(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    look(folder, &mut found)?;
    found.sort();
    anyhow::ensure!(!found.is_empty(), "no {FILE} in {} or below it", folder.display());
    Ok(found)
}

fn look(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if folder.join(FILE).is_file() {
        found.push(folder.to_owned());
    }
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            look(&path, found)?;
        }
    }
    Ok(())
}

/// Which files of a run are imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trail {
    /// What the agent sent.
    Telemetry,
    /// That, and the agent's own session files beside it.
    WithRollouts,
}

/// Scores the run in this folder.
///
/// # Errors
/// When its truth file cannot be read or its telemetry not be imported.
pub async fn score_folder(folder: &Path, trail: Trail) -> anyhow::Result<Scored> {
    let path = folder.join(FILE);
    let truth = Truth::read(&path)?;
    let told = told(folder, trail).await?;
    score::score(&folder.display().to_string(), &truth, &told)
        .with_context(|| path.display().to_string())
}

/// Imports a run into an archive of its own and derives every receipt.
///
/// # Errors
/// When its telemetry cannot be imported or read back.
pub async fn told(folder: &Path, trail: Trail) -> anyhow::Result<Told> {
    let data = tempfile::tempdir()?;
    let location = Location::parse(&data.path().join("archive").to_string_lossy())?;
    let archive = Archive::open_or_create(&location).await?;
    let redactor = Settings::default().redactor(&location)?;
    let options = Options {
        signal: None,
        received_time_unix_nano: RECEIVED_UNIX_NANO,
        tenant: None,
        redactor,
    };
    let paths = telemetry(folder, trail)?;
    let summary = import::run(&archive, &paths, &options, &mut |_, _| {}).await?;
    anyhow::ensure!(summary.damaged.is_empty(), "damaged: {:?}", summary.damaged);
    let mut listed = sessions::list(&archive, &Selection::default()).await?.sessions;
    listed.sort_by_key(|it| (it.start_unix_nano, it.session_id.clone()));
    let replayed = trail == Trail::WithRollouts;
    let mut told = Told { sessions: Vec::new(), receipts: Vec::new(), replayed };
    for summary in listed.iter().filter(|summary| summary.parent_session_id.is_none()) {
        let loaded = load::session(&archive, &summary.session_id).await?;
        let session = reconstruct(&loaded.session_id, &loaded.rows);
        let beside = Beside { points: loaded.points, ..Beside::default() };
        let mut receipts = family(&session, &beside);
        if replayed {
            let profiles = load::profiles(&archive, &session).await?;
            receipts = replay(receipts, &profiles);
        }
        told.receipts.extend(receipts);
        told.sessions.push(session);
    }
    Ok(told)
}

/// Gives each receipt what the profile of its session says, in the order that they have.
fn replay(receipts: Vec<Receipt>, profiles: &[Event]) -> Vec<Receipt> {
    let mut sessions: BTreeMap<String, Vec<(usize, Receipt)>> = BTreeMap::new();
    for (place, receipt) in receipts.into_iter().enumerate() {
        sessions.entry(receipt.session_id.clone()).or_default().push((place, receipt));
    }
    let mut all = BTreeMap::new();
    for (session_id, own) in sessions {
        let (places, mut own): (Vec<usize>, Vec<Receipt>) = own.into_iter().unzip();
        attach(&session_id, None, &mut own, profiles, None);
        all.extend(places.into_iter().zip(own));
    }
    all.into_values().collect()
}

/// The request bodies of a run, and its rollouts where they are wanted.
fn telemetry(folder: &Path, trail: Trail) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let body = [".logs.", ".traces.", ".metrics."].iter().any(|signal| name.contains(signal));
        if body || (trail == Trail::WithRollouts && name == "rollout") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
