//! What a table consists of.

use blotter_schemas::tables::Table;
use chrono::NaiveDate;
use futures::TryStreamExt as _;
use object_store::ObjectMeta;
use object_store::path::Path;

use crate::Error;
use crate::maintenance::APP_ID;
use crate::maintenance::clean::{Amount, CleanOptions, unused};
use crate::maintenance::compact::CompactOptions;
use crate::maintenance::plan::groups;
use crate::scan::files::data_files;
use crate::table_handle::TableHandle;

/// Upper ends of the sizes that files are counted by, in bytes; the last class has none.
const SIZES: [u64; 5] = [64 << 10, 1 << 20, 16 << 20, 96 << 20, u64::MAX];

/// What a table consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableStat {
    /// The table.
    pub table: Table,
    /// Its version: commits since it was created.
    pub version: u64,
    /// Its files.
    pub data: Amount,
    /// Its rows, as the log counts them.
    pub rows: u64,
    /// First and last UTC day on which rows were received, and how many days there are.
    pub days: Option<(NaiveDate, NaiveDate, u64)>,
    /// Its files by size: upper end in bytes, and how many are below it and not below the one before.
    pub sizes: Vec<(u64, u64)>,
    /// Files that a compaction would gather now,
    pub small: Amount,
    /// in so many commits.
    pub small_groups: u64,
    /// Entries in the log's folder.
    pub log_versions: u64,
    /// The oldest of them.
    pub log_oldest: Option<u64>,
    /// Bytes of the log's folder.
    pub log_bytes: u64,
    /// Version of the newest checkpoint.
    pub checkpoint: Option<u64>,
    /// Files that were replaced or removed and are still there for older readers.
    pub replaced: Amount,
    /// Files that no log entry names and that are old enough to be deleted.
    pub orphans: Amount,
    /// Compactions and retentions so far.
    pub maintenance: u64,
}

/// Counts.
pub(crate) async fn stat(handle: &TableHandle) -> Result<TableStat, Error> {
    let unused = unused(handle, &CleanOptions::default()).await?;
    let state = handle.fresh().await?;
    let files = data_files(&state, &["session_id"])?;
    let maintenance = state.transaction_version(&handle.log_store, APP_ID).await?;
    let mut data = Amount::default();
    let mut sizes: Vec<_> = SIZES.map(|size| (size, 0)).into();
    let mut days: Vec<NaiveDate> = Vec::new();
    let mut rows = 0;
    for file in &files {
        data.add(file.size);
        rows += file.known("session_id").rows.unwrap_or_default();
        days.extend(file.date);
        if let Some((_, count)) = sizes.iter_mut().find(|(size, _)| file.size < *size) {
            *count += 1;
        }
    }
    days.sort_unstable();
    days.dedup();
    let days =
        days.first().zip(days.last()).map(|(first, last)| (*first, *last, days.len() as u64));
    let groups = groups(files, &CompactOptions::ALL);
    let mut small = Amount::default();
    for file in groups.iter().flat_map(|group| &group.files) {
        small.add(file.size);
    }
    let sum = |files: &[ObjectMeta]| {
        let mut amount = Amount::default();
        files.iter().for_each(|file| amount.add(file.size));
        amount
    };
    let mut replaced = sum(&unused.replaced);
    replaced.files += unused.waiting.files;
    replaced.bytes += unused.waiting.bytes;
    let log = Log::read(handle).await?;
    Ok(TableStat {
        table: handle.table,
        version: state.version(),
        data,
        rows,
        days,
        sizes,
        small,
        small_groups: groups.len() as u64,
        log_versions: log.versions,
        log_oldest: log.oldest,
        log_bytes: log.bytes,
        checkpoint: log.checkpoint,
        replaced,
        orphans: sum(&unused.orphans),
        maintenance: maintenance.map_or(0, |version| version.unsigned_abs() + 1),
    })
}

#[derive(Default)]
struct Log {
    versions: u64,
    oldest: Option<u64>,
    bytes: u64,
    checkpoint: Option<u64>,
}

impl Log {
    async fn read(handle: &TableHandle) -> Result<Self, Error> {
        let mut log = Self::default();
        let store = handle.store();
        let mut files = store.list(Some(&Path::from("_delta_log")));
        while let Some(file) = files.try_next().await? {
            log.bytes += file.size;
            let name = file.location.filename().unwrap_or_default();
            let Some((version, kind)) = name.split_once('.') else { continue };
            let Ok(version) = version.parse::<u64>() else { continue };
            if kind == "json" {
                log.versions += 1;
                log.oldest = Some(log.oldest.map_or(version, |oldest| oldest.min(version)));
            } else if kind.starts_with("checkpoint") {
                log.checkpoint = log.checkpoint.max(Some(version));
            }
        }
        Ok(log)
    }
}
