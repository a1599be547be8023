//! Commits that replace or remove files.

use std::collections::{HashMap, HashSet};

use chrono::Utc;
use deltalake_core::DeltaTableError;
use deltalake_core::kernel::transaction::CommitBuilder;
use deltalake_core::kernel::{Action, Add, Transaction};
use deltalake_core::protocol::DeltaOperation;
use deltalake_core::table::state::DeltaTableState;
use object_store::path::Path;
use serde_json::Value as Json;

use crate::Error;
use crate::append::{commit_properties, holds, is_refusal};
use crate::maintenance::APP_ID;
use crate::table_handle::TableHandle;

/// How often a commit is made again on what others committed meanwhile.
const ATTEMPTS: usize = 5;

/// A change of a table that keeps no row that lies elsewhere.
pub(super) struct Change {
    /// Version of [`APP_ID`] when the change was planned.
    pub(super) planned_at: Option<i64>,
    /// Files that are removed.
    pub(super) removed: HashSet<Path>,
    /// Files that take their place.
    pub(super) added: Vec<Add>,
    /// Whether rows go away; false where they only lie elsewhere.
    pub(super) data_change: bool,
    pub(super) operation: DeltaOperation,
    /// What is written into the log beside it.
    pub(super) notes: HashMap<String, Json>,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// It is in the table.
    Committed,
    /// Another change was made since it was planned; it is not in the table and never will be.
    Lost,
}

/// Commits `change`, unless another change was made since it was planned. Appends do not matter to
/// it, nor it to them.
pub(super) async fn commit(handle: &TableHandle, change: &Change) -> Result<Made, Error> {
    let ambiguous = |error: Error| Error::Ambiguous { table: handle.table, source: error.into() };
    let mut refusal = None;
    for _ in 0..ATTEMPTS {
        let state = handle.fresh().await?;
        // What lies between the plan and this snapshot is checked here, what comes after it by the
        // transaction: looking through every commit made meanwhile would take long in a busy table.
        if version(handle, &state).await? != change.planned_at {
            return Ok(Made::Lost);
        }
        let Some(actions) = actions(&state, change)? else { return Ok(Made::Lost) };
        let error = match try_commit(handle, &state, actions, change).await {
            Ok(()) => return Ok(Made::Committed),
            Err(error) => error,
        };
        tracing::debug!(table = %handle.table, %error, "looking up what became of a change");
        let Ok(state) = handle.fresh().await else { return Err(ambiguous(error.into())) };
        if is_made(&state, change)? {
            return Ok(Made::Committed);
        }
        if !is_refusal(&error) {
            return Err(ambiguous(error.into()));
        }
        refusal = Some(error);
    }
    refusal.map_or(Ok(Made::Lost), |error| Err(error.into()))
}

/// Version of the last change of a table.
pub(super) async fn version(
    handle: &TableHandle,
    state: &DeltaTableState,
) -> Result<Option<i64>, Error> {
    Ok(state.transaction_version(&handle.log_store, APP_ID).await?)
}

/// The actions of a change; nothing where a file that it removes is not in the table.
fn actions(state: &DeltaTableState, change: &Change) -> Result<Option<Vec<Action>>, Error> {
    let mut actions: Vec<_> = state
        .snapshot()
        .try_log_data()?
        .iter()
        .filter(|file| change.removed.contains(&file.object_store_path()))
        .map(|file| Action::Remove(file.remove_action(change.data_change)))
        .collect();
    if actions.len() != change.removed.len() {
        return Ok(None);
    }
    actions.extend(change.added.iter().cloned().map(Action::Add));
    Ok(Some(actions))
}

async fn try_commit(
    handle: &TableHandle,
    state: &DeltaTableState,
    actions: Vec<Action>,
    change: &Change,
) -> Result<(), DeltaTableError> {
    let now = Utc::now().timestamp_millis();
    let next = change.planned_at.map_or(0, |version| version.saturating_add(1));
    let properties = commit_properties(state)
        .with_metadata(change.notes.clone())
        .with_application_transaction(Transaction::new_with_last_update(APP_ID, next, Some(now)));
    let made = CommitBuilder::from(properties)
        .with_actions(actions)
        .build(Some(state), handle.log_store.clone(), change.operation.clone())
        .into_prepared_commit_future()
        .await?
        .await?;
    let version = made.version;
    if let Err(error) = made.await {
        // The commit stands; a checkpoint that failed is made by a later one.
        tracing::warn!(table = %handle.table, version, %error, "after a commit");
    }
    Ok(())
}

/// Whether the table is as the change leaves it.
fn is_made(state: &DeltaTableState, change: &Change) -> Result<bool, Error> {
    if !change.added.is_empty() {
        return holds(state, &change.added);
    }
    let log = state.snapshot().try_log_data()?;
    Ok(!log.iter().any(|file| change.removed.contains(&file.object_store_path())))
}
