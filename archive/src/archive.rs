//! A handle on the three tables at one location.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow_array::RecordBatch;
use blotter_schemas::tables::Table;
use chrono::NaiveDate;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::maintenance::{check, clean, compact, retain, stat};
use crate::table_handle::TableHandle;
use crate::{
    Appended, CheckProgress, Checked, CleanOptions, Cleaned, CompactOptions, CompactProgress,
    Compacted, Error, Location, Retained, Scan, ScanRequest, TableStat, Transaction,
};
use crate::{append, evolution, existing, table_definition};

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

    /// Opens an archive for writing: creates the tables that are not there, and gives those that an
    /// earlier version made the columns that they lack. Rows that are there have no values in them.
    ///
    /// # Errors
    /// [`Error::Delta`] or [`Error::Store`] when a table cannot be read or created.
    pub async fn open_or_create(location: &Location) -> Result<Self, Error> {
        let archive = Self::at(location)?;
        for handle in [&archive.spans, &archive.metrics, &archive.events] {
            if table_definition::exists(&handle.log_store).await? {
                handle.settle().await?;
                evolution::add_columns(handle).await?;
            } else {
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
    /// the files that were replaced stay until [`Self::clean`] finds them old enough.
    ///
    /// `progress` is called as rows are written, and says whether to go on.
    ///
    /// # Errors
    /// [`Error::NewerColumns`] where rows would lose columns, [`Error::Miscounted`] where files do not
    /// hold what they should, [`Error::Ambiguous`] when it cannot be told whether a commit was made;
    /// otherwise when a file cannot be read or written. What was committed before stays.
    pub fn compact<'a>(
        &'a self,
        table: Table,
        options: &'a CompactOptions,
        progress: &'a mut (dyn FnMut(CompactProgress) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<Compacted, Error>> {
        compact::compact(self.handle(table), options, progress).boxed()
    }

    /// Removes the rows of `table` that were received before the UTC date `before`, whole days at a
    /// time; with `dry_run` it only says which they are.
    ///
    /// # Errors
    /// [`Error::Overtaken`] when others changed the table again and again, [`Error::Ambiguous`] when it
    /// cannot be told whether the commit was made; otherwise when the log cannot be read or written.
    pub async fn retain(
        &self,
        table: Table,
        before: NaiveDate,
        dry_run: bool,
    ) -> Result<Retained, Error> {
        retain::retain(self.handle(table), before, dry_run).await
    }

    /// Deletes files of `table` from disk that no reader needs any more: those that were replaced or
    /// removed long enough ago, and old ones that no log entry names.
    ///
    /// # Errors
    /// When the folder or the log cannot be read, or a file cannot be deleted.
    pub async fn clean(&self, table: Table, options: &CleanOptions) -> Result<Cleaned, Error> {
        clean::clean(self.handle(table), options).await
    }

    /// What `table` consists of.
    ///
    /// # Errors
    /// When the folder or the log cannot be read.
    pub async fn stat(&self, table: Table) -> Result<TableStat, Error> {
        stat::stat(self.handle(table)).await
    }

    /// Reads `table` to its end and compares it with what its log and its files say. `progress` is
    /// called after every file, and says whether to go on.
    ///
    /// # Errors
    /// When the folder or the log cannot be read; a file that cannot be is a finding.
    pub fn check<'a>(
        &'a self,
        table: Table,
        progress: &'a mut (dyn FnMut(CheckProgress) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<Checked, Error>> {
        check::check(self.handle(table), progress).boxed()
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
