//! Compaction: few large files instead of many small ones.

use std::collections::HashMap;
use std::ops::ControlFlow;

use blotter_schemas::tables::Table;
use chrono::NaiveDate;
use deltalake_core::protocol::DeltaOperation;
use deltalake_core::table::state::DeltaTableState;
use serde_json::json;

use crate::Error;
use crate::append::delete_all;
use crate::maintenance::REPLANS;
use crate::maintenance::commit::{Change, Made, commit, version};
use crate::maintenance::plan::{Group, groups};
use crate::maintenance::rewrite::{Rewritten, rewrite};
use crate::scan::files::data_files;
use crate::table_definition::PARTITION;
use crate::table_handle::TableHandle;
use crate::write::FILE_BYTES;

/// How often what a table became is looked at again: a pass merges 64 files into one.
const PASSES: usize = 4;

/// Which files compaction gathers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactOptions {
    /// A day is left alone while it has fewer files that would be gathered; at least 2.
    pub least_files: usize,
    /// Whether a file waits until those smaller than it are together about as large: every row is
    /// then rewritten a few times only, however many files come.
    pub tiered: bool,
}

impl CompactOptions {
    /// Everything that can be gathered.
    pub const ALL: Self = Self { least_files: 2, tiered: false };
}

/// What a compaction did to a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Commits that were made.
    pub commits: u64,
    /// Files that were replaced,
    pub files_before: u64,
    /// and by how many.
    pub files_after: u64,
    /// Bytes of the files that were replaced,
    pub bytes_before: u64,
    /// and of the new ones.
    pub bytes_after: u64,
    /// Rows in the new files.
    pub rows: u64,
    /// Rows that were dropped as copies of others.
    pub copies_dropped: u64,
    /// Rewrites that were thrown away because another compaction or a retention was faster.
    pub lost: u64,
    /// Whether it was told to stop before the end.
    pub stopped: bool,
}

/// How far a compaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactProgress {
    /// Table.
    pub table: Table,
    /// Day whose files are being rewritten.
    pub date: NaiveDate,
    /// Files that are being rewritten together.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rows of these files that are written.
    pub rows: u64,
}

/// Rewrites the small files of a table.
pub(crate) async fn compact(
    handle: &TableHandle,
    options: &CompactOptions,
    progress: &mut (dyn FnMut(CompactProgress) -> ControlFlow<()> + Send),
) -> Result<Compacted, Error> {
    let mut done = Compacted::default();
    let mut lost = 0;
    let mut passes = 0;
    'plan: while passes < PASSES && lost <= REPLANS {
        let state = handle.fresh().await?;
        refuse_unknown_columns(handle.table, &state)?;
        let mut planned_at = version(handle, &state).await?;
        let groups = groups(data_files(&state, &["session_id"])?, options);
        drop(state);
        if groups.is_empty() {
            break;
        }
        passes += 1;
        for group in groups {
            match replace(handle, &group, planned_at, &mut done, progress).await? {
                Step::Committed => {
                    planned_at = Some(planned_at.map_or(0, |version| version.saturating_add(1)));
                }
                Step::Stopped => {
                    done.stopped = true;
                    break 'plan;
                }
                Step::Lost => {
                    lost += 1;
                    passes -= 1;
                    continue 'plan;
                }
            }
        }
    }
    done.lost = lost as u64;
    Ok(done)
}

enum Step {
    Committed,
    Lost,
    Stopped,
}

/// Replaces the files of a group.
async fn replace(
    handle: &TableHandle,
    group: &Group,
    planned_at: Option<i64>,
    done: &mut Compacted,
    progress: &mut (dyn FnMut(CompactProgress) -> ControlFlow<()> + Send),
) -> Result<Step, Error> {
    let (files, bytes) = (group.files.len() as u64, group.bytes());
    let mut report = |rows| {
        progress(CompactProgress { table: handle.table, date: group.date, files, bytes, rows })
    };
    if report(0).is_break() {
        return Ok(Step::Stopped);
    }
    let rewritten = match rewrite(handle, group, &mut report).await {
        Ok(Some(rewritten)) => rewritten,
        Ok(None) => return Ok(Step::Stopped),
        // Another compaction or a retention replaced a file, and it is cleaned up already.
        Err(error) if crate::scan::is_gone(&error) => return Ok(Step::Lost),
        Err(error) => return Err(error),
    };
    let Rewritten { added, rows, copies } = rewritten;
    let operation = DeltaOperation::Optimize {
        predicate: Some(format!("{PARTITION} = '{}'", group.date)),
        target_size: i64::try_from(FILE_BYTES).unwrap_or(i64::MAX),
    };
    let notes = HashMap::from([
        ("blotter.rows".to_owned(), json!(rows)),
        ("blotter.copies_dropped".to_owned(), json!(copies)),
    ]);
    let removed = group.files.iter().map(|file| file.path.clone()).collect();
    let change = Change { planned_at, removed, added, data_change: false, operation, notes };
    match commit(handle, &change).await {
        Ok(Made::Committed) => {}
        Ok(Made::Lost) => {
            delete_all(handle.store().as_ref(), &change.added).await;
            return Ok(Step::Lost);
        }
        Err(error) => {
            // Where it is not certain that the commit was refused, the files may be the table's.
            if !matches!(error, Error::Ambiguous { .. }) {
                delete_all(handle.store().as_ref(), &change.added).await;
            }
            return Err(error);
        }
    }
    done.commits += 1;
    done.files_before += files;
    done.bytes_before += bytes;
    done.files_after += change.added.len() as u64;
    done.bytes_after +=
        change.added.iter().filter_map(|add| u64::try_from(add.size).ok()).sum::<u64>();
    done.rows += rows;
    done.copies_dropped += copies;
    Ok(Step::Committed)
}

/// A rewrite keeps the columns that this program knows; where the table has others, a newer one
/// wrote them and must do it.
fn refuse_unknown_columns(table: Table, state: &DeltaTableState) -> Result<(), Error> {
    let known = table.schema();
    let unknown: Vec<_> = state
        .schema()
        .fields()
        .map(|field| field.name().clone())
        .filter(|name| name != PARTITION && known.column_with_name(name).is_none())
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Error::NewerColumns { table, columns: unknown.join(", ") })
}
