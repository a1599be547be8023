//! A handle on the three tables at one location.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow_array::RecordBatch;
use blotter_schemas::tables::Table;

use crate::maintenance::compact;
use crate::table_handle::TableHandle;
use crate::{
    Appended, CompactOptions, CompactProgress, Compacted, Error, Location, Scan, ScanRequest,
    Transaction,
};
use crate::{append, existing, table_definition};

/// The three tables at one location. Cheap to clone; clones share what they have loaded.
#[derive(Debug, Clone)]
pub struct Archive {
    location: Location,
    events: Arc<TableHandle>,
    spans: Arc<TableHandle>,
    metrics: Arc<TableHandle>,
}

impl Archive {
    /// Opens an archive that exists.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, [`Error::Delta`] when it cannot be read.
    pub async fn open(location: &Location) -> Result<Self, Error> {
        let archive = Self::at(location)?;
        // It is created last, so that where it is the others are.
        if !table_definition::exists(&archive.events.log_store).await? {
            return Err(Error::NotFound { location: location.to_string() });
        }
        Ok(archive)
    }

    /// Opens an archive, creating the tables that are not there.
    ///
    /// # Errors
    /// [`Error::Delta`] or [`Error::Store`] when a table cannot be read or created.
    pub async fn open_or_create(location: &Location) -> Result<Self, Error> {
        let archive = Self::at(location)?;
        for handle in [&archive.spans, &archive.metrics, &archive.events] {
            if !table_definition::exists(&handle.log_store).await? {
                table_definition::create(handle.table, Arc::clone(&handle.log_store)).await?;
            }
        }
        Ok(archive)
    }

    /// Where the archive lies.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Appends rows in one commit; when this returns they are durable and every reader sees them.
    /// Each batch has the schema [`Table::schema`]; their order does not matter.
    ///
    /// # Errors
    /// [`Error::NotOfTable`] for a batch of another schema; [`Error::Ambiguous`] when it cannot be
    /// told whether the commit was made.
    pub async fn append(
        &self,
        table: Table,
        batches: Vec<RecordBatch>,
        transaction: Option<Transaction>,
    ) -> Result<Appended, Error> {
        append::append(self.handle(table), batches, transaction).await
    }

    /// Last version that the application `app_id` committed to `table`, from a fresh snapshot.
    ///
    /// # Errors
    /// When the table's log cannot be read.
    pub async fn transaction_version(
        &self,
        table: Table,
        app_id: &str,
    ) -> Result<Option<i64>, Error> {
        self.handle(table).transaction_version(app_id).await
    }

    /// Starts to read rows, from a fresh snapshot.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] or [`Error::Comparison`] for a request that does not fit the table;
    /// otherwise when the table or a file cannot be read.
    pub async fn scan(&self, request: ScanRequest) -> Result<Scan, Error> {
        Scan::start(Arc::clone(self.handle(request.table)), request).await
    }

    /// Which event ids of `batches` are already in `table`, from a fresh snapshot. Only files are
    /// read that can hold a row of the same time; a record whose time is the time it was received
    /// (so that a second copy has another) is looked for in all.
    ///
    /// # Errors
    /// [`Error::NotOfTable`] for a batch of another schema; otherwise when the table or a file
    /// cannot be read.
    pub async fn existing_ids(
        &self,
        table: Table,
        batches: &[RecordBatch],
    ) -> Result<HashSet<[u8; 16]>, Error> {
        existing::existing_ids(self.handle(table), batches).await
    }

    /// Rewrites the small files of `table` as fewer, larger ones, each event once. Rows are never
    /// missing or doubled, for whoever reads or appends meanwhile and whatever else rewrites files;
    /// the files that were replaced stay, for readers of an older snapshot.
    ///
    /// `progress` is called as rows are written, and says whether to go on.
    ///
    /// # Errors
    /// [`Error::NewerColumns`] where rows would lose columns, [`Error::Miscounted`] where files do not
    /// hold what they should, [`Error::Ambiguous`] when it cannot be told whether a commit was made;
    /// otherwise when a file cannot be read or written. What was committed before stays.
    pub async fn compact(
        &self,
        table: Table,
        options: &CompactOptions,
        progress: &mut (dyn FnMut(CompactProgress) -> ControlFlow<()> + Send),
    ) -> Result<Compacted, Error> {
        compact::compact(self.handle(table), options, progress).await
    }

    fn at(location: &Location) -> Result<Self, Error> {
        let handle = |table| TableHandle::new(table, location).map(Arc::new);
        Ok(Self {
            location: location.clone(),
            events: handle(Table::Events)?,
            spans: handle(Table::Spans)?,
            metrics: handle(Table::Metrics)?,
        })
    }

    fn handle(&self, table: Table) -> &Arc<TableHandle> {
        match table {
            Table::Events => &self.events,
            Table::Spans => &self.spans,
            Table::Metrics => &self.metrics,
        }
    }
}
