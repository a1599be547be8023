//! One table: its log and the snapshot that is loaded.

use std::collections::HashMap;
use std::sync::Arc;

use blotter_schemas::tables::Table;
use deltalake_core::logstore::LogStoreRef;
use deltalake_core::table::state::DeltaTableState;
use object_store::ObjectStore;
use tokio::sync::{Mutex, MutexGuard};

use crate::location::LocalFolder;
use crate::{Error, Location};

/// One table: its log and the snapshot that is loaded.
pub(crate) struct TableHandle {
    pub(crate) table: Table,
    pub(crate) log_store: LogStoreRef,
    local: Option<LocalFolder>,
    loaded: Mutex<Loaded>,
}

/// What is known of a table's log.
#[derive(Default)]
pub(crate) struct Loaded {
    /// The last snapshot; it is brought up to date, not read anew.
    pub(crate) state: Option<DeltaTableState>,
    /// Versions of the applications that committed through this handle.
    pub(crate) applications: HashMap<String, i64>,
}

impl TableHandle {
    pub(crate) fn new(table: Table, location: &Location) -> Result<Self, Error> {
        let (log_store, local) = location.log_store(table.name())?;
        Ok(Self { table, log_store, local, loaded: Mutex::default() })
    }

    /// Makes durable what is there, whoever wrote it; before anything is built on it.
    pub(crate) async fn settle(&self) -> Result<(), Error> {
        match &self.local {
            Some(local) => local.settle().await,
            None => Ok(()),
        }
    }

    /// The store of the table's files, with the table's folder as its root.
    pub(crate) fn store(&self) -> Arc<dyn ObjectStore> {
        self.log_store.object_store(None)
    }

    /// What is loaded; nobody else commits through this handle meanwhile.
    pub(crate) async fn loaded(&self) -> MutexGuard<'_, Loaded> {
        self.loaded.lock().await
    }

    /// The newest snapshot.
    pub(crate) async fn fresh(&self) -> Result<DeltaTableState, Error> {
        self.update(&mut *self.loaded().await).await
    }

    /// Brings what is loaded up to date.
    pub(crate) async fn update(&self, loaded: &mut Loaded) -> Result<DeltaTableState, Error> {
        if let Some(mut state) = loaded.state.take() {
            match state.update(&self.log_store, None).await {
                Ok(()) => {
                    loaded.state = Some(state.clone());
                    return Ok(state);
                }
                // What it was built on may have been cleaned up since.
                Err(error) => tracing::debug!(table = %self.table, %error, "reading the log anew"),
            }
        }
        let state = DeltaTableState::try_new(&self.log_store, None).await?;
        loaded.state = Some(state.clone());
        Ok(state)
    }

    /// Version of an application in the newest snapshot.
    pub(crate) async fn transaction_version(&self, app_id: &str) -> Result<Option<i64>, Error> {
        let mut loaded = self.loaded().await;
        let state = self.update(&mut loaded).await?;
        let version = state.transaction_version(&self.log_store, app_id).await?;
        if let Some(version) = version {
            loaded.applications.insert(app_id.to_owned(), version);
        }
        Ok(version)
    }
}

impl std::fmt::Debug for TableHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableHandle")
            .field("table", &self.table)
            .field("url", &self.log_store.root_url().as_str())
            .finish()
    }
}
