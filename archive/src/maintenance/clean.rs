//! Deleting from disk what no reader of the table needs any more.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use deltalake_core::table::config::TablePropertiesExt as _;
use deltalake_core::table::state::DeltaTableState;
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt as _};

use crate::Error;
use crate::table_handle::TableHandle;

/// Age from which a file that no log entry names is taken for the rest of something that failed. What
/// is younger may be an append or a compaction that is about to commit.
const ORPHAN_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// When files are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanOptions {
    /// Only says what would be deleted.
    pub dry_run: bool,
    /// How long a file is kept after it was replaced or its day removed; the table's own setting
    /// without. Readers of an older snapshot need it, so that a short time is for tests.
    pub replaced_for: Option<Duration>,
    /// How old a file must be that no log entry names; 24 hours unless said otherwise. It must be
    /// longer than any append or compaction takes from its first file to its commit.
    pub orphaned_for: Duration,
}

impl Default for CleanOptions {
    fn default() -> Self {
        Self { dry_run: false, replaced_for: None, orphaned_for: ORPHAN_AGE }
    }
}

/// Files and bytes of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many files.
    pub files: u64,
    /// How many bytes they have together.
    pub bytes: u64,
}

impl Amount {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

/// What was deleted from a table's folder, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Files that were replaced or whose day was removed, long enough ago.
    pub replaced: Amount,
    /// Files that no log entry names: of commits that were refused, of processes that were killed.
    pub orphans: Amount,
    /// Parts of files that were never finished.
    pub unfinished: Amount,
    /// Replaced files that stay for now.
    pub waiting: Amount,
}

/// Files in a table's folder that no row is read from.
pub(crate) struct Unused {
    pub(crate) replaced: Vec<ObjectMeta>,
    pub(crate) orphans: Vec<ObjectMeta>,
    pub(crate) waiting: Amount,
}

/// Deletes files that nobody needs.
pub(crate) async fn clean(handle: &TableHandle, options: &CleanOptions) -> Result<Cleaned, Error> {
    let unused = unused(handle, options).await?;
    let store = handle.store();
    let mut cleaned = Cleaned { waiting: unused.waiting, ..Cleaned::default() };
    let kinds = [(unused.replaced, &mut cleaned.replaced), (unused.orphans, &mut cleaned.orphans)];
    for (files, amount) in kinds {
        for file in files {
            if !options.dry_run {
                match store.delete(&file.location).await {
                    // Somebody else cleans too.
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            amount.add(file.size);
        }
    }
    if let Ok(folder) = handle.log_store.root_url().to_file_path() {
        let options = *options;
        cleaned.unfinished =
            tokio::task::spawn_blocking(move || unfinished(&folder, &options)).await?;
    }
    Ok(cleaned)
}

/// What lies in the folder and is not the table's.
pub(crate) async fn unused(handle: &TableHandle, options: &CleanOptions) -> Result<Unused, Error> {
    // First the folder, then the log: what is committed in between is in the log, and what comes
    // later is not in the list.
    let listed: Vec<ObjectMeta> = handle.store().list(None).try_collect().await?;
    let state = handle.fresh().await?;
    let now = Utc::now();
    let log = state.snapshot().try_log_data()?;
    let live: HashSet<Path> = log.iter().map(|file| file.object_store_path()).collect();
    let retention = options
        .replaced_for
        .unwrap_or_else(|| state.table_config().deleted_file_retention_duration());
    let replaced = tombstones(handle, &state).await?;
    let mut unused = Unused { replaced: vec![], orphans: vec![], waiting: Amount::default() };
    for file in listed {
        let path = file.location.as_ref();
        if !path.ends_with(".parquet") || path.starts_with("_") || live.contains(&file.location) {
            continue;
        }
        match replaced.get(&file.location) {
            Some(at) if older(now, *at, retention) => unused.replaced.push(file),
            Some(_) => unused.waiting.add(file.size),
            // A tombstone leaves the log after the table's own retention: then this is one of those.
            None if older(now, Some(file.last_modified), options.orphaned_for) => {
                unused.orphans.push(file);
            }
            None => {}
        }
    }
    Ok(unused)
}

/// When the files were removed from the table that the log still knows of.
pub(crate) async fn tombstones(
    handle: &TableHandle,
    state: &DeltaTableState,
) -> Result<HashMap<Path, Option<DateTime<Utc>>>, Error> {
    let removed = state.all_tombstones(&handle.log_store).map_ok(|removed| {
        let path = removed.path();
        let path = Path::parse(path.as_ref()).unwrap_or_else(|_| Path::from(path.as_ref()));
        let at = removed.deletion_timestamp().and_then(DateTime::from_timestamp_millis);
        (path, at)
    });
    Ok(removed.try_collect().await?)
}

/// Whether `at` lies `age` or more before `now`; a time that is not known is taken for a young one.
fn older(now: DateTime<Utc>, at: Option<DateTime<Utc>>, age: Duration) -> bool {
    at.and_then(|at| (now - at).to_std().ok()).is_some_and(|passed| passed >= age)
}

/// Deletes staging files of a local folder that nobody writes any more. The object store hides their
/// names: `file#number`.
fn unfinished(folder: &std::path::Path, options: &CleanOptions) -> Amount {
    let mut amount = Amount::default();
    let folders = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in folders.flat_map(|entry| std::fs::read_dir(entry.path())).flatten().flatten() {
        let name = entry.file_name();
        let is_staged =
            name.to_str().and_then(|name| name.rsplit_once('#')).is_some_and(|(file, number)| {
                (file.ends_with(".parquet") || file.ends_with(".json"))
                    && !number.is_empty()
                    && number.bytes().all(|byte| byte.is_ascii_digit())
            });
        let Ok(metadata) = entry.metadata() else { continue };
        let age = metadata
            .modified()
            .ok()
            .and_then(|modified| SystemTime::now().duration_since(modified).ok());
        if !is_staged || age.is_none_or(|age| age < options.orphaned_for) {
            continue;
        }
        if options.dry_run || std::fs::remove_file(entry.path()).is_ok() {
            amount.add(metadata.len());
        }
    }
    amount
}
