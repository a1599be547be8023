//! Reading everything and comparing it with what the log and the files say of themselves.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use blotter_schemas::tables::Table;
use object_store::ObjectStoreExt as _;

use crate::maintenance::clean::{CleanOptions, unused};
use crate::order::Order;
use crate::scan::copies;
use crate::scan::extremes::extremes;
use crate::scan::files::{DataFile, data_files};
use crate::scan::merge::Merge;
use crate::scan::read::{FileRows, Wanted};
use crate::scan::statistics::Counters;
use crate::table_definition::has_logged_statistics;
use crate::table_handle::TableHandle;
use crate::write::sorted_by;
use crate::{Error, Value};

/// Rows of a batch.
const BATCH_ROWS: usize = 4_096;
/// Bytes of one file that are held decoded, roughly.
const HELD_BYTES: usize = 16 * 1024 * 1024;
/// Rows of a batch while all files are merged.
const MERGE_ROWS: usize = 1_024;

/// What can be wrong with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// A file that the log names is not there.
    MissingFile,
    /// A file has another size than the log says.
    WrongSize,
    /// A file cannot be read to its end.
    Unreadable,
    /// A file has another number of rows than the log says.
    WrongRows,
    /// A file says that its rows are in order, and they are not.
    OutOfOrder,
    /// A column has values that its statistics rule out: scans miss them.
    WrongStatistics,
    /// Rows are copies of others; scans leave them out, and compaction drops those it meets.
    Copies,
    /// A file that no log entry names lies in the folder; cleaning deletes it.
    Orphan,
}

impl FindingKind {
    /// As it is written in output: `missing_file`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingFile => "missing_file",
            Self::WrongSize => "wrong_size",
            Self::Unreadable => "unreadable",
            Self::WrongRows => "wrong_rows",
            Self::OutOfOrder => "out_of_order",
            Self::WrongStatistics => "wrong_statistics",
            Self::Copies => "copies",
            Self::Orphan => "orphan",
        }
    }
}

/// Something that is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The table.
    pub table: Table,
    /// What kind of thing.
    pub kind: FindingKind,
    /// The file below the table's folder, where it is about one.
    pub file: Option<String>,
    /// What was expected and what was found.
    pub detail: String,
}

/// What was checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Files that were read.
    pub files: u64,
    /// Rows that were read.
    pub rows: u64,
    /// Files of other writers, which do not say that their rows are in order.
    pub unsorted_files: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Whether it was told to stop before the end.
    pub stopped: bool,
}

/// How far a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckProgress {
    /// Table.
    pub table: Table,
    /// Files that were read.
    pub files: u64,
    /// Files there are.
    pub files_total: u64,
}

/// Reads a table and compares.
pub(crate) async fn check(
    handle: &TableHandle,
    progress: &mut (dyn FnMut(CheckProgress) -> ControlFlow<()> + Send),
) -> Result<Checked, Error> {
    let table = handle.table;
    let schema = table.schema();
    let logged: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .filter(|name| has_logged_statistics(name))
        .collect();
    let files = data_files(&handle.fresh().await?, &logged)?;
    let mut checked = Checked::default();
    let files_total = files.len() as u64;
    let mut sound = Vec::with_capacity(files.len());
    for file in files {
        let before = checked.findings.len();
        check_file(handle, &file, &logged, &mut checked).await?;
        if checked.findings.len() == before {
            sound.push(file);
        }
        checked.files += 1;
        if progress(CheckProgress { table, files: checked.files, files_total }).is_break() {
            checked.stopped = true;
            return Ok(checked);
        }
    }
    checked.findings.extend(count_copies(handle, sound).await?);
    for orphan in unused(handle, &CleanOptions::default()).await?.orphans {
        checked.findings.push(Finding {
            table,
            kind: FindingKind::Orphan,
            file: Some(orphan.location.to_string()),
            detail: format!("{} bytes that no log entry names", orphan.size),
        });
    }
    Ok(checked)
}

async fn check_file(
    handle: &TableHandle,
    file: &DataFile,
    logged: &[&str],
    checked: &mut Checked,
) -> Result<(), Error> {
    let finding = |kind, detail| Finding {
        table: handle.table,
        kind,
        file: Some(file.path.to_string()),
        detail,
    };
    match handle.store().head(&file.path).await {
        Ok(found) if found.size == file.size => {}
        Ok(found) => {
            let detail = format!("the log says {} bytes, it has {}", file.size, found.size);
            checked.findings.push(finding(FindingKind::WrongSize, detail));
            return Ok(());
        }
        Err(object_store::Error::NotFound { .. }) => {
            if is_live(handle, file).await? {
                let detail = "the log names it and it is not there".to_owned();
                checked.findings.push(finding(FindingKind::MissingFile, detail));
            }
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    }
    let mut rows = Rows::new(handle.table, file)?;
    let read = rows.read(handle, file, logged).await;
    checked.rows += rows.count;
    checked.unsorted_files += u64::from(!rows.says_sorted && read.is_ok());
    if let Err(error) = read {
        if crate::scan::is_gone(&error) && !is_live(handle, file).await? {
            return Ok(());
        }
        checked.findings.push(finding(FindingKind::Unreadable, error.to_string()));
        return Ok(());
    }
    let known = file.known("session_id").rows;
    if known.is_some_and(|known| known != rows.count) {
        let detail = format!("the log says {} rows, it has {}", known.unwrap_or(0), rows.count);
        checked.findings.push(finding(FindingKind::WrongRows, detail));
    }
    if let Some(row) = rows.out_of_order {
        let detail = format!("row {row} belongs before the one above it");
        checked.findings.push(finding(FindingKind::OutOfOrder, detail));
    }
    for detail in rows.wrong_statistics(file, logged) {
        checked.findings.push(finding(FindingKind::WrongStatistics, detail));
    }
    Ok(())
}

/// Whether a file is still the table's: it may have been replaced since the check began.
async fn is_live(handle: &TableHandle, file: &DataFile) -> Result<bool, Error> {
    let state = handle.fresh().await?;
    let log = state.snapshot().try_log_data()?;
    Ok(log.iter().any(|live| live.object_store_path() == file.path))
}

/// What the rows of a file are.
struct Rows {
    order: Order,
    count: u64,
    last: Option<Vec<u8>>,
    out_of_order: Option<u64>,
    says_sorted: bool,
    /// Of every column with statistics: least and greatest value, and how many rows have none.
    columns: Vec<(Option<Value>, Option<Value>, u64)>,
}

impl Rows {
    fn new(table: Table, _file: &DataFile) -> Result<Self, Error> {
        Ok(Self {
            order: Order::of(table)?,
            count: 0,
            last: None,
            out_of_order: None,
            says_sorted: false,
            columns: Vec::new(),
        })
    }

    async fn read(
        &mut self,
        handle: &TableHandle,
        file: &DataFile,
        logged: &[&str],
    ) -> Result<(), Error> {
        let schema = handle.table.schema();
        // Everything is decoded, or damage in a column that nobody compares would not be seen.
        let wanted = Arc::new(Wanted {
            table: Arc::clone(&schema),
            columns: schema,
            filter: None,
            sorted_by: sorted_by(handle.table),
            batch_rows: BATCH_ROWS,
            held_bytes: Some(HELD_BYTES),
        });
        self.columns = logged.iter().map(|_| (None, None, 0)).collect();
        let counters = Arc::new(Counters::default());
        let Some(mut rows) = FileRows::open(handle.store(), file, wanted, counters).await? else {
            return Ok(());
        };
        self.says_sorted = rows.is_sorted();
        while let Some(batch) = rows.next().await? {
            self.look_at(&batch, logged)?;
        }
        Ok(())
    }

    fn look_at(&mut self, batch: &RecordBatch, logged: &[&str]) -> Result<(), Error> {
        if self.says_sorted && self.out_of_order.is_none() {
            let keys = self.order.keys(batch)?;
            for (row, key) in (self.count..).zip(keys.iter()) {
                let key = key.as_ref();
                if self.last.as_deref().is_some_and(|last| last > key) {
                    self.out_of_order = Some(row);
                    break;
                }
                let last = self.last.get_or_insert_default();
                last.clear();
                last.extend_from_slice(key);
            }
        }
        self.count += batch.num_rows() as u64;
        for (name, (least, greatest, nulls)) in logged.iter().zip(&mut self.columns) {
            let Some(column) = batch.column_by_name(name) else { continue };
            let (low, high, absent) = extremes(column);
            *nulls += absent;
            for value in low.into_iter().chain(high) {
                if least
                    .as_ref()
                    .is_none_or(|least| value.order(least).is_some_and(|it| it.is_lt()))
                {
                    *least = Some(value.clone());
                }
                if greatest
                    .as_ref()
                    .is_none_or(|greatest| value.order(greatest).is_some_and(|it| it.is_gt()))
                {
                    *greatest = Some(value);
                }
            }
        }
        Ok(())
    }

    /// Values that the log's statistics rule out.
    fn wrong_statistics(&self, file: &DataFile, logged: &[&str]) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, (least, greatest, nulls)) in logged.iter().zip(&self.columns) {
            let known = file.known(name);
            if let (Some(least), Some(minimum)) = (least, &known.minimum)
                && least.order(minimum).is_some_and(|it| it.is_lt())
            {
                wrong.push(format!(
                    "`{name}` has {least}, below the least one in the log, {minimum}"
                ));
            }
            if let (Some(greatest), Some(maximum)) = (greatest, &known.maximum)
                && greatest.order(maximum).is_some_and(|it| it.is_gt())
            {
                wrong.push(format!(
                    "`{name}` has {greatest}, above the greatest one in the log, {maximum}"
                ));
            }
            if let Some(known) = known.nulls.filter(|known| known != nulls) {
                wrong.push(format!("`{name}` is absent in {nulls} rows, the log says in {known}"));
            }
        }
        wrong
    }
}

/// Rows of the whole table that are copies of others.
async fn count_copies(
    handle: &TableHandle,
    files: Vec<DataFile>,
) -> Result<Option<Finding>, Error> {
    let table = handle.table;
    let schema = table.schema();
    let order = Order::of(table)?;
    let names = order.columns().iter().chain(copies::COLUMNS.iter());
    let fields = names.filter_map(|name| schema.field_with_name(name).ok().cloned());
    let columns = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let wanted = Arc::new(Wanted {
        table: schema,
        columns,
        filter: None,
        sorted_by: sorted_by(table),
        batch_rows: MERGE_ROWS,
        held_bytes: Some(HELD_BYTES / files.len().max(1)),
    });
    let counters = Arc::new(Counters::default());
    let mut merge = Merge::new(handle.store(), order, wanted, Arc::clone(&counters), files, None);
    while merge.next().await?.is_some() {}
    let copies = counters.snapshot().copies_dropped;
    Ok((copies > 0).then(|| Finding {
        table,
        kind: FindingKind::Copies,
        file: None,
        detail: format!("{copies} rows are copies of others; no scan shows them"),
    }))
}
