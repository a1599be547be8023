//! Columns that a table of an earlier version lacks.

use std::collections::HashSet;

use deltalake_core::DeltaTableError;
use deltalake_core::kernel::transaction::CommitBuilder;
use deltalake_core::kernel::{Action, MetadataExt as _, StructField, StructType};
use deltalake_core::protocol::DeltaOperation;
use deltalake_core::table::config::TableProperty;
use deltalake_core::table::state::DeltaTableState;

use crate::Error;
use crate::append::{commit_properties, is_refusal};
use crate::table_definition::{columns, logged_columns};
use crate::table_handle::TableHandle;

/// How often a commit that another one stood against is planned again.
const ATTEMPTS: usize = 8;

/// Adds the columns of the table's schema that its log does not know; nothing happens where it knows
/// all. Appends made meanwhile are made again by those who made them.
pub(crate) async fn add_columns(handle: &TableHandle) -> Result<(), Error> {
    let mut refusal = None;
    for _ in 0..ATTEMPTS {
        let state = handle.fresh().await?;
        let Some((actions, operation)) = plan(handle, &state)? else { return Ok(()) };
        let made = CommitBuilder::from(commit_properties(&state))
            .with_actions(actions)
            .build(Some(&state), handle.log_store.clone(), operation)
            .await;
        match made {
            Ok(_) => return Ok(()),
            // Another process does the same, or appends.
            Err(error) if is_refusal(&error) => refusal = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    refusal.map_or(Ok(()), |error: DeltaTableError| Err(error.into()))
}

/// What adds the lacking columns; nothing where none lacks.
fn plan(
    handle: &TableHandle,
    state: &DeltaTableState,
) -> Result<Option<(Vec<Action>, DeltaOperation)>, Error> {
    let schema = state.schema();
    let there: HashSet<&String> = schema.fields().map(|field| field.name()).collect();
    let lacking: Vec<_> = columns(handle.table)?
        .into_iter()
        .filter(|column| !there.contains(column.name()))
        // Rows that are there have no value.
        .map(|column| StructField { nullable: true, ..column })
        .collect();
    if lacking.is_empty() {
        return Ok(None);
    }
    let all = schema.fields().cloned().chain(lacking.iter().cloned());
    let all = StructType::try_new(all).map_err(DeltaTableError::from)?;
    let statistics = TableProperty::DataSkippingStatsColumns.as_ref().to_owned();
    let metadata = state
        .metadata()
        .clone()
        .with_schema(&all)
        .and_then(|metadata| metadata.add_config_key(statistics, logged_columns(handle.table)))
        .map_err(DeltaTableError::from)?;
    tracing::info!(table = %handle.table, columns = lacking.len(), "adding columns to a table of an earlier version");
    Ok(Some((vec![Action::Metadata(metadata)], DeltaOperation::AddColumn { fields: lacking })))
}
