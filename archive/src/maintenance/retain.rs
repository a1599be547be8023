//! Retention: whole days go.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use deltalake_core::protocol::DeltaOperation;
use serde_json::json;

use crate::Error;
use crate::maintenance::REPLANS;
use crate::maintenance::commit::{Change, Made, commit, version};
use crate::scan::files::{DataFile, data_files};
use crate::table_definition::PARTITION;
use crate::table_handle::TableHandle;

/// What a retention removes from a table, or would remove.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retained {
    /// Days on which the removed rows were received, in order.
    pub days: Vec<NaiveDate>,
    /// Files that are not the table's any more.
    pub files: u64,
    /// Their bytes; they are free once [`crate::Archive::clean`] finds the files old enough.
    pub bytes: u64,
    /// Their rows, as the log counts them.
    pub rows: u64,
    /// How often it was planned again because a compaction was faster.
    pub replanned: u64,
}

/// Removes the rows that were received before the UTC date `before`; with `dry_run` it only says
/// which.
pub(crate) async fn retain(
    handle: &TableHandle,
    before: NaiveDate,
    dry_run: bool,
) -> Result<Retained, Error> {
    let mut replanned = 0;
    loop {
        let state = handle.fresh().await?;
        let planned_at = version(handle, &state).await?;
        let mut files = data_files(&state, &["session_id"])?;
        drop(state);
        files.retain(|file| file.date.is_some_and(|date| date < before));
        let retained = summary(&files, replanned);
        if dry_run || files.is_empty() {
            return Ok(retained);
        }
        let change = Change {
            planned_at,
            removed: files.into_iter().map(|file| file.path).collect(),
            added: Vec::new(),
            data_change: true,
            operation: DeltaOperation::Delete {
                predicate: Some(format!("{PARTITION} < '{before}'")),
            },
            notes: HashMap::from([("blotter.rows".to_owned(), json!(retained.rows))]),
        };
        match commit(handle, &change).await? {
            Made::Committed => return Ok(retained),
            Made::Lost if replanned >= REPLANS as u64 => {
                return Err(Error::Overtaken { table: handle.table });
            }
            Made::Lost => replanned += 1,
        }
    }
}

fn summary(files: &[DataFile], replanned: u64) -> Retained {
    let days: BTreeSet<_> = files.iter().filter_map(|file| file.date).collect();
    Retained {
        days: days.into_iter().collect(),
        files: files.len() as u64,
        bytes: files.iter().map(|file| file.size).sum(),
        rows: files.iter().filter_map(|file| file.known("session_id").rows).sum(),
        replanned,
    }
}
