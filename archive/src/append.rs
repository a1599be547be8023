//! Appending rows to a table in one commit.

use std::collections::{HashMap, HashSet};

use arrow_array::RecordBatch;
use blotter_schemas::tables::Table;
use chrono::{DateTime, NaiveDate, Utc};
use deltalake_core::DeltaTableError;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake_core::kernel::{Action, Add, Transaction as Txn};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::table::state::DeltaTableState;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parquet::file::metadata::ParquetMetaData;
use uuid::Uuid;

use crate::Error;
use crate::partition::partitions;
use crate::statistics;
use crate::table_definition::{CHECKPOINT_INTERVAL, PARTITION};
use crate::table_handle::{Loaded, TableHandle};
use crate::write::{ParquetFile, encode};

/// How often a commit is tried again because another was made at the same moment.
const RETRIES: usize = 30;
/// How often a commit that another one stood against is made again on what that one left.
const REPEATS: usize = 8;
/// Files that are written at the same time.
const WRITING: usize = 4;

/// Idempotency mark of an append: the table remembers the last version of every application.
///
/// The mark alone prevents nothing: the caller skips what lies at or below
/// [`crate::Archive::transaction_version`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Who appends: collector id and journal incarnation.
    pub app_id: String,
    /// Position after the last record of a contiguous prefix.
    pub version: i64,
}

/// What became of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// The rows are in the table, durably.
    Committed {
        /// Version of the table that holds them.
        table_version: u64,
        /// Rows written.
        rows: u64,
        /// Files written.
        files: u64,
        /// Bytes of those files.
        bytes: u64,
    },
    /// The table already holds this transaction's version or a later one; nothing was added.
    AlreadyCommitted {
        /// Version of the application that the table holds.
        transaction_version: i64,
    },
    /// There was no row to append; no commit was made.
    Nothing,
}

/// Appends `batches` in one commit.
pub(crate) async fn append(
    handle: &TableHandle,
    batches: Vec<RecordBatch>,
    transaction: Option<Transaction>,
) -> Result<Appended, Error> {
    if batches.iter().all(|batch| batch.num_rows() == 0) && transaction.is_none() {
        return Ok(Appended::Nothing);
    }
    if let Some(transaction) = &transaction
        && let Some(stored) = stored_version(handle, transaction).await?
        && stored >= transaction.version
    {
        return Ok(Appended::AlreadyCommitted { transaction_version: stored });
    }
    let table = handle.table;
    let files = tokio::task::spawn_blocking(move || encode_all(table, &batches)).await??;
    let store = handle.store();
    let written: Vec<(Add, u64)> = stream::iter(files)
        .map(|file| {
            let store = &store;
            async move {
                let path = Path::from(file.add.path.as_str());
                store.put(&path, file.parquet.bytes.into()).await?;
                Ok::<_, Error>((file.add, file.rows))
            }
        })
        .buffered(WRITING)
        .try_collect()
        .await?;
    let rows = written.iter().map(|(_, rows)| rows).sum();
    let adds: Vec<Add> = written.into_iter().map(|(add, _)| add).collect();
    let mut loaded = handle.loaded().await;
    let mut appended = commit(handle, &mut loaded, &adds, rows, transaction.as_ref()).await;
    for _ in 0..REPEATS {
        if !appended.as_ref().is_err_and(is_refused) {
            break;
        }
        // Another commit removed old days or added columns: that does not touch what is added here.
        appended = commit(handle, &mut loaded, &adds, rows, transaction.as_ref()).await;
    }
    drop(loaded);
    if matches!(&appended, Ok(Appended::AlreadyCommitted { .. }))
        || appended.as_ref().is_err_and(is_refused)
    {
        // Nobody refers to them; left behind they would only cost space.
        delete_all(store.as_ref(), &adds).await;
    }
    appended
}

/// Deletes files that no commit refers to; what cannot be deleted is an orphan that is cleaned up by
/// its age.
pub(crate) async fn delete_all(store: &dyn ObjectStore, adds: &[Add]) {
    for add in adds {
        if let Err(error) = store.delete(&Path::from(add.path.as_str())).await {
            tracing::debug!(path = add.path, %error, "deleting a file that was not committed");
        }
    }
}

fn is_refused(error: &Error) -> bool {
    matches!(error, Error::Delta(error) if is_refusal(error))
}

/// A file that is to be written, and how the log will name it.
struct NewFile {
    add: Add,
    rows: u64,
    parquet: ParquetFile,
}

fn encode_all(table: Table, batches: &[RecordBatch]) -> Result<Vec<NewFile>, Error> {
    let now = Utc::now();
    let mut files = Vec::new();
    for (date, rows) in partitions(table, batches, now)? {
        for parquet in encode(table, &rows)? {
            let rows =
                u64::try_from(parquet.metadata.file_metadata().num_rows()).unwrap_or_default();
            let size = i64::try_from(parquet.bytes.len()).unwrap_or(i64::MAX);
            let path = new_path(date);
            let add = add_action(table, date, &path, size, now, &parquet.metadata, true)?;
            files.push(NewFile { add, rows, parquet });
        }
    }
    Ok(files)
}

/// Path of a new file of the partition `date`, below the table.
pub(crate) fn new_path(date: NaiveDate) -> String {
    format!("{PARTITION}={date}/part-{}.parquet", Uuid::new_v4())
}

/// How the log names a file that is written.
pub(crate) fn add_action(
    table: Table,
    date: NaiveDate,
    path: &str,
    size: i64,
    now: DateTime<Utc>,
    metadata: &ParquetMetaData,
    data_change: bool,
) -> Result<Add, Error> {
    Ok(Add {
        path: path.to_owned(),
        partition_values: HashMap::from([(PARTITION.to_owned(), Some(date.to_string()))]),
        size,
        modification_time: now.timestamp_millis(),
        data_change,
        stats: Some(statistics::of_file(table, metadata)?),
        ..Add::default()
    })
}

/// Version of the transaction's application, as far as it has to be looked up: what was committed
/// through this handle is known, and what others commit meanwhile conflicts.
async fn stored_version(
    handle: &TableHandle,
    transaction: &Transaction,
) -> Result<Option<i64>, Error> {
    if let Some(version) = handle.loaded().await.applications.get(&transaction.app_id) {
        return Ok(Some(*version));
    }
    handle.transaction_version(&transaction.app_id).await
}

/// Commits files that are written, and says what became of it.
async fn commit(
    handle: &TableHandle,
    loaded: &mut Loaded,
    adds: &[Add],
    rows: u64,
    transaction: Option<&Transaction>,
) -> Result<Appended, Error> {
    let committed = |table_version| Appended::Committed {
        table_version,
        rows,
        files: adds.len() as u64,
        bytes: adds.iter().filter_map(|add| u64::try_from(add.size).ok()).sum(),
    };
    let error = match try_commit(handle, loaded, adds, transaction).await {
        Ok(table_version) => {
            if let Some(transaction) = transaction {
                loaded.applications.insert(transaction.app_id.clone(), transaction.version);
            }
            return Ok(committed(table_version));
        }
        Err(error) => error,
    };
    // The answer may be lost or be about our own commit: only the log can tell.
    tracing::debug!(table = %handle.table, %error, "looking up what became of a commit");
    let ambiguous =
        |error| Error::Ambiguous { table: handle.table, source: Box::new(Error::from(error)) };
    *loaded = Loaded::default();
    let Ok(state) = handle.update(loaded).await else { return Err(ambiguous(error)) };
    if holds(&state, adds)? {
        return Ok(committed(state.version()));
    }
    if let Some(transaction) = transaction {
        let stored = state.transaction_version(&handle.log_store, &transaction.app_id).await;
        match stored {
            Ok(Some(transaction_version)) if transaction_version >= transaction.version => {
                return Ok(Appended::AlreadyCommitted { transaction_version });
            }
            Ok(_) => {}
            Err(_) => return Err(ambiguous(error)),
        }
    }
    Err(if is_refusal(&error) { error.into() } else { ambiguous(error) })
}

/// Makes the commit; its version in the table.
async fn try_commit(
    handle: &TableHandle,
    loaded: &mut Loaded,
    adds: &[Add],
    transaction: Option<&Transaction>,
) -> Result<u64, DeltaTableError> {
    let now = Utc::now().timestamp_millis();
    let state = match loaded.state.take() {
        Some(state) => state,
        None => DeltaTableState::try_new(&handle.log_store, None).await?,
    };
    let mut properties = commit_properties(&state);
    if let Some(Transaction { app_id, version }) = transaction {
        let txn = Txn::new_with_last_update(app_id, *version, Some(now));
        properties = properties.with_application_transaction(txn);
    }
    let operation = DeltaOperation::Write {
        mode: SaveMode::Append,
        partition_by: Some(vec![PARTITION.to_owned()]),
        predicate: None,
    };
    let actions = adds.iter().cloned().map(Action::Add).collect();
    let made = CommitBuilder::from(properties)
        .with_actions(actions)
        .build(Some(&state), handle.log_store.clone(), operation)
        .into_prepared_commit_future()
        .await?
        .await?;
    let version = made.version;
    match made.await {
        Ok(finished) => loaded.state = Some(finished.snapshot),
        // The commit stands; a checkpoint that failed is made by a later one.
        Err(error) => tracing::warn!(table = %handle.table, version, %error, "after a commit"),
    }
    Ok(version)
}

/// What every commit has in common.
pub(crate) fn commit_properties(state: &DeltaTableState) -> CommitProperties {
    // Cleaning up lists the whole log: once for every checkpoint is enough.
    let checkpoint_due = (state.version() + 2).is_multiple_of(CHECKPOINT_INTERVAL);
    CommitProperties::default()
        .with_max_retries(RETRIES)
        .with_cleanup_expired_logs(Some(checkpoint_due))
}

/// Whether the table holds all of these files.
pub(crate) fn holds(state: &DeltaTableState, adds: &[Add]) -> Result<bool, Error> {
    let mut missing: HashSet<&str> = adds.iter().map(|add| add.path.as_str()).collect();
    for file in state.snapshot().try_log_data()?.iter() {
        missing.remove(file.path().as_ref());
    }
    Ok(missing.is_empty() && !adds.is_empty())
}

/// Whether an error says that the commit was refused, so that it will not appear later.
pub(crate) fn is_refusal(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::VersionAlreadyExists(_)
            | DeltaTableError::Transaction {
                source: TransactionError::CommitConflict(_)
                    | TransactionError::MaxCommitAttempts(_)
                    | TransactionError::VersionAlreadyExists(_)
            }
    )
}
