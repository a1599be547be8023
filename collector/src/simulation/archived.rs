//! The rows that lie in the files of an archive, read without the archive's own code: nothing is
//! merged, dropped or put in order.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use blotter_disk::{Disk, durable};
use blotter_schemas::tables::{Event, MetricPoint, Row, Span, Table};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use super::ledger::ArchivedRow;

/// What is wrong with an archive, in words.
pub(super) type Broken = String;

/// Reads archives; what a file holds is remembered by its bytes.
#[derive(Debug, Default)]
pub(super) struct Reader {
    known: HashMap<(Table, Bytes), Vec<ArchivedRow>>,
}

impl Reader {
    /// Every row of the three tables below `archive`.
    pub(super) fn rows(
        &mut self,
        disk: &dyn Disk,
        archive: &Path,
    ) -> Result<Vec<ArchivedRow>, Broken> {
        let mut rows = Vec::new();
        for table in Table::ALL {
            let folder = archive.join(table.name());
            for (path, size) in live(disk, &folder)? {
                let content = durable::read(disk, &path)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                if content.len() as u64 != size {
                    return Err(format!(
                        "{} has {} of {size} bytes",
                        path.display(),
                        content.len()
                    ));
                }
                let key = (table, Bytes::from(content));
                if let Some(known) = self.known.get(&key) {
                    rows.extend(known.iter().cloned());
                    continue;
                }
                let read = match table {
                    Table::Events => {
                        read(key.1.clone(), |row: &Event| (row.journal_position, row.text.clone()))
                    }
                    Table::Spans => {
                        read(key.1.clone(), |row: &Span| (row.journal_position, row.name.clone()))
                    }
                    Table::Metrics => read(key.1.clone(), |row: &MetricPoint| {
                        (row.journal_position, row.name.clone())
                    }),
                };
                let read = read.map_err(|reason| format!("{}: {reason}", path.display()))?;
                rows.extend(read.iter().cloned());
                self.known.insert(key, read);
            }
        }
        Ok(rows)
    }
}

fn read<R: Row>(
    content: Bytes,
    what: impl Fn(&R) -> (Option<i64>, Option<String>),
) -> Result<Vec<ArchivedRow>, Broken> {
    let mut rows = Vec::new();
    let reader = ParquetRecordBatchReaderBuilder::try_new(content)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| error.to_string())?;
    for batch in reader {
        let batch = batch.map_err(|error| error.to_string())?;
        for row in R::from_batch(&batch).map_err(|error| error.to_string())? {
            let (position, name) = what(&row);
            rows.push(ArchivedRow {
                table: R::TABLE.name(),
                position: position.unwrap_or(-1),
                name: name.unwrap_or_default(),
            });
        }
    }
    Ok(rows)
}

/// The files that the latest version of the table in `folder` consists of, and their sizes: from its
/// last checkpoint, if there is one, and the commits after it.
fn live(disk: &dyn Disk, folder: &Path) -> Result<BTreeSet<(PathBuf, u64)>, Broken> {
    let log = folder.join("_delta_log");
    let broken = |path: &Path, error: &dyn Display| format!("{}: {error}", path.display());
    let listed = disk.list(&log).map_err(|error| broken(&log, &error))?;
    let names: Vec<_> =
        listed.into_iter().map(|it| it.name.to_string_lossy().into_owned()).collect();
    let versions = |ending: &str| -> Vec<u64> {
        let version = |name: &String| name.strip_suffix(ending)?.parse().ok();
        names.iter().filter_map(version).collect()
    };
    let (commits, checkpoints) = (versions(".json"), versions(".checkpoint.parquet"));
    let mut live = BTreeSet::new();
    let mut next = 0;
    // Clearing away the log before a checkpoint may have got anywhere.
    if let Some(checkpoint) = checkpoints.last() {
        let path = log.join(format!("{checkpoint:020}.checkpoint.parquet"));
        let content = durable::read(disk, &path).map_err(|error| broken(&path, &error))?;
        live = checkpointed(content, folder).map_err(|error| broken(&path, &error))?;
        next = checkpoint + 1;
    }
    for version in commits.into_iter().filter(|version| *version >= next).collect::<Vec<_>>() {
        if version != next {
            return Err(format!("version {version} follows {next} in {}", folder.display()));
        }
        next += 1;
        let path = log.join(format!("{version:020}.json"));
        let content = durable::read(disk, &path).map_err(|error| broken(&path, &error))?;
        for line in content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let action: Value =
                serde_json::from_slice(line).map_err(|error| broken(&path, &error))?;
            let file = |kind: &str| {
                let file = action.get(kind)?;
                let size = file.get("size")?.as_u64()?;
                Some((folder.join(file.get("path")?.as_str()?), size))
            };
            if let Some(file) = file("remove") {
                live.remove(&file);
            }
            live.extend(file("add"));
        }
    }
    Ok(live)
}

/// The files that a checkpoint names.
fn checkpointed(content: Vec<u8>, folder: &Path) -> Result<BTreeSet<(PathBuf, u64)>, Broken> {
    let mut live = BTreeSet::new();
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(content))
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| error.to_string())?;
    for batch in reader {
        let batch = batch.map_err(|error| error.to_string())?;
        let column = batch.column_by_name("add").ok_or("no column `add`")?;
        let adds = column.as_struct_opt().ok_or("`add` is no struct")?;
        let paths = adds.column_by_name("path").and_then(|paths| paths.as_string_opt::<i32>());
        let sizes = adds.column_by_name("size");
        let sizes = sizes.and_then(|sizes| sizes.as_primitive_opt::<Int64Type>());
        let (paths, sizes) = paths.zip(sizes).ok_or("`add` lacks path or size")?;
        for (path, size) in paths.iter().zip(sizes).filter_map(|(path, size)| path.zip(size)) {
            // Rows of other actions.
            if path.is_empty() {
                continue;
            }
            live.insert((folder.join(path), u64::try_from(size).unwrap_or(0)));
        }
    }
    Ok(live)
}
