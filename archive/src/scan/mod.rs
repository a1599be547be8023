//! Reading rows back: only the bytes that can matter, in a total order, each event once.

pub(crate) mod copies;
pub(crate) mod extremes;
pub(crate) mod fetch;
pub(crate) mod files;
pub(crate) mod filter;
pub(crate) mod leaf;
pub(crate) mod merge;
pub(crate) mod predicate;
mod prune;
pub(crate) mod read;
pub(crate) mod request;
pub(crate) mod statistics;
pub(crate) mod value;

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use blotter_schemas::tables::Table;
use parquet::errors::ParquetError;

use crate::order::Order;
use crate::scan::files::DataFile;
use crate::scan::filter::Filter;
use crate::scan::leaf::Leaf;
use crate::scan::merge::Merge;
use crate::scan::read::Wanted;
use crate::scan::statistics::Counters;
use crate::table_handle::TableHandle;
use crate::write::sorted_by;
use crate::{Error, ScanRequest, ScanStatistics};

/// Rows of a batch at most.
const BATCH_ROWS: usize = 8_192;
/// Rows that all files of a scan may hold decoded at the same time, roughly.
const HELD_ROWS: usize = 65_536;
/// Rows of a batch at least.
const LEAST_BATCH_ROWS: usize = 256;

/// Rows of a scan, in order of `session_id`, `time_unix_nano`, `observed_time_unix_nano`,
/// `sequence`, `event_id` (those that the table has; absent values first), each event once.
///
/// Copies are rows of one session and one sender with equal event ids; the id covers the sender, so
/// that nobody can make another's record disappear. The one that was received first is kept, of
/// those the one with the least journal position. Copies have one time and lie beside each other,
/// so that nothing has to be remembered. The exception are records without any time of their own,
/// whose time is that of receipt: within a session the last 262,144 of them are remembered, without
/// a session only those received at the same moment are compared.
pub struct Scan {
    handle: Arc<TableHandle>,
    table: Table,
    wanted: Arc<Wanted>,
    /// Positions of the requested columns among those that are read.
    projection: Vec<usize>,
    counters: Arc<Counters>,
    merge: Merge,
    restarted: bool,
}

impl std::fmt::Debug for Scan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan").field("table", &self.table).field("wanted", &self.wanted).finish()
    }
}

impl Scan {
    pub(crate) async fn start(
        handle: Arc<TableHandle>,
        request: ScanRequest,
    ) -> Result<Self, Error> {
        let table = request.table;
        let schema = table.schema();
        let order = Order::of(table)?;
        let filter = request.predicate.as_ref().map(|it| Filter::bind(table, it)).transpose()?;
        let mut columns: Vec<&str> = match &request.columns {
            Some(columns) => columns.iter().map(String::as_str).collect(),
            None => schema.fields().iter().map(|field| field.name().as_str()).collect(),
        };
        let requested = columns.len();
        let known = |column: &&&str| schema.column_with_name(column).is_some();
        for column in order.columns().iter().chain(copies::COLUMNS.iter().filter(known)) {
            if !columns.contains(column) {
                columns.push(column);
            }
        }
        let unknown = |column: &str| Error::UnknownColumn { table, column: column.to_owned() };
        let fields = columns
            .iter()
            .map(|column| schema.field_with_name(column).cloned().map_err(|_| unknown(column)));
        let read = Arc::new(Schema::new(fields.collect::<Result<Vec<_>, _>>()?));
        let counters = Arc::new(Counters::default());
        let files = candidates(&handle, filter.as_ref(), &counters).await?;
        let wanted = Arc::new(Wanted {
            table: schema,
            columns: read,
            filter,
            sorted_by: sorted_by(table),
            batch_rows: (HELD_ROWS / files.len().max(1)).clamp(LEAST_BATCH_ROWS, BATCH_ROWS),
            held_bytes: None,
        });
        let merge = Merge::new(
            handle.store(),
            order,
            Arc::clone(&wanted),
            Arc::clone(&counters),
            files,
            None,
        );
        let projection = (0..requested).collect();
        Ok(Self { handle, table, wanted, projection, counters, merge, restarted: false })
    }

    /// The next rows; `None` at the end. A batch has the columns of the request, in its order.
    ///
    /// # Errors
    /// When a file cannot be read. A file that is gone because the table was compacted since is
    /// looked up once more in a fresh snapshot; nothing is lost or repeated by that. Nor is it when
    /// the future is dropped before it is ready: the rows come with the next call.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        let rows = loop {
            match self.merge.next().await {
                Err(error) if !self.restarted && is_gone(&error) => {
                    tracing::debug!(table = %self.table, %error, "reading on from a fresh snapshot");
                    self.restart().await?;
                }
                rows => break rows?,
            }
        };
        self.restarted = false;
        let Some(rows) = rows else { return Ok(None) };
        self.counters.rows_returned.add(rows.num_rows() as u64);
        Ok(Some(rows.project(&self.projection)?))
    }

    /// All remaining rows, for a scan whose result is known to be small.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub async fn collect(&mut self) -> Result<Vec<RecordBatch>, Error> {
        let mut batches = Vec::new();
        while let Some(batch) = self.next().await? {
            batches.push(batch);
        }
        Ok(batches)
    }

    /// What was read so far.
    #[must_use]
    pub fn statistics(&self) -> ScanStatistics {
        self.counters.snapshot()
    }

    async fn restart(&mut self) -> Result<(), Error> {
        let counters = Counters::default();
        let files = candidates(&self.handle, self.wanted.filter.as_ref(), &counters).await?;
        self.restarted = true;
        self.merge = Merge::new(
            self.handle.store(),
            Order::of(self.table)?,
            Arc::clone(&self.wanted),
            Arc::clone(&self.counters),
            files,
            self.merge.last(),
        );
        Ok(())
    }
}

/// The files of a fresh snapshot that what the log says of them does not rule out.
pub(crate) async fn candidates(
    handle: &TableHandle,
    filter: Option<&Filter>,
    counters: &Counters,
) -> Result<Vec<DataFile>, Error> {
    let mut columns = filter.map(Filter::columns).unwrap_or_default();
    columns.push("session_id");
    let files = files::data_files(&handle.fresh().await?, &columns)?;
    counters.files_total.add(files.len() as u64);
    counters.bytes_total.add(files.iter().map(|file| file.size).sum());
    let possible = |file: &DataFile| {
        filter.is_none_or(|filter| {
            filter.may_match(&mut |leaf: &Leaf| leaf.may_match(&file.known(&leaf.column)))
        })
    };
    Ok(files.into_iter().filter(possible).collect())
}

/// Whether an error says that a file is not there any more.
pub(crate) fn is_gone(error: &Error) -> bool {
    match error {
        Error::Store(object_store::Error::NotFound { .. }) => true,
        Error::Parquet(ParquetError::External(source)) => {
            matches!(source.downcast_ref(), Some(object_store::Error::NotFound { .. }))
        }
        _ => false,
    }
}
