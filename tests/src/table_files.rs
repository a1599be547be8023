//! The rows of a table as they lie in its files, read without the archive's own code: nothing is
//! merged, dropped or put in order.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use arrow_array::RecordBatch;
use blotter_schemas::tables::Row;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

/// The files that the latest version of the Delta table in `folder` consists of, from its log.
///
/// # Errors
/// When the log cannot be read, or starts with a checkpoint, which this reader does not understand.
pub fn live(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let log = folder.join("_delta_log");
    let mut commits: Vec<PathBuf> = fs::read_dir(&log)
        .with_context(|| log.display().to_string())?
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<_>>()?;
    commits.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    commits.sort();
    if commits.first().and_then(|path| path.file_stem()) != Some("00000000000000000000".as_ref()) {
        bail!("{}: the first commit is not there", log.display());
    }
    let mut live = BTreeSet::new();
    for commit in commits {
        for line in fs::read_to_string(&commit)?.lines() {
            let action: Value = serde_json::from_str(line)?;
            let path = |kind: &str| action.get(kind)?.get("path")?.as_str();
            if let Some(path) = path("remove") {
                live.remove(&folder.join(path));
            }
            if let Some(path) = path("add") {
                live.insert(folder.join(path));
            }
        }
    }
    Ok(live.into_iter().collect())
}

/// Every row of the table `R` in the archive at `archive`, a local folder.
///
/// # Errors
/// When a file cannot be read.
pub fn rows<R: Row>(archive: &Path) -> anyhow::Result<Vec<R>> {
    let mut rows = Vec::new();
    for path in live(&archive.join(R::TABLE.name()))? {
        let file = File::open(&path).with_context(|| path.display().to_string())?;
        for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.build()? {
            let batch: RecordBatch = batch?;
            rows.extend(R::from_batch(&batch)?);
        }
    }
    Ok(rows)
}
