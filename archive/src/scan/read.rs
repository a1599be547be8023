//! Reading the wanted rows of one file.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{FieldRef, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;
use futures::StreamExt as _;
use object_store::ObjectStore;
use parquet::arrow::arrow_reader::{
    ArrowPredicate, ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, RowFilter,
    RowSelection, RowSelector,
};
use parquet::arrow::async_reader::ParquetRecordBatchStream;
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use crate::Error;
use crate::order::Order;
use crate::scan::fetch::Fetch;
use crate::scan::files::DataFile;
use crate::scan::filter::Filter;
use crate::scan::prune;
use crate::scan::statistics::Counters;
use crate::write::{PAGE_ROWS, SORTED_BY_KEY};

/// Rows of a row group whose pages are held at once.
const WINDOW_ROWS: usize = 16_384;

/// Bytes of one batch before compression, by the average of the rows of its file.
const BATCH_BYTES: usize = 256 << 20;

/// What is read from every file of a scan.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// Types of all columns of the table.
    pub(crate) table: SchemaRef,
    /// Columns of the batches that come out.
    pub(crate) columns: SchemaRef,
    /// Which rows.
    pub(crate) filter: Option<Filter>,
    /// Value of [`SORTED_BY_KEY`] in files whose rows are in order.
    pub(crate) sorted_by: String,
    /// Rows of a batch at most.
    pub(crate) batch_rows: usize,
    /// Bytes that one file may hold decoded, by the average of its rows; no limit without.
    pub(crate) held_bytes: Option<usize>,
}

/// The wanted rows of one file, in the order of the table.
pub(crate) struct FileRows {
    wanted: Arc<Wanted>,
    fetch: Fetch,
    file: ArrowReaderMetadata,
    counters: Arc<Counters>,
    /// Row groups still to be read, in parts.
    windows: VecDeque<(usize, RowSelection)>,
    stream: Option<ParquetRecordBatchStream<Fetch>>,
    last_group: Option<usize>,
    batch_rows: usize,
}

impl FileRows {
    /// Opens a file; `None` where nothing in it can match.
    pub(crate) async fn open(
        store: Arc<dyn ObjectStore>,
        file: &DataFile,
        wanted: Arc<Wanted>,
        counters: Arc<Counters>,
    ) -> Result<Option<Self>, Error> {
        let mut fetch = Fetch::new(store, file.path.clone(), file.size, Arc::clone(&counters));
        counters.files_read.add(1);
        let footer = typed(fetch.footer().await?, &wanted.table)?;
        let mut groups: Vec<usize> = (0..footer.metadata().num_row_groups()).collect();
        counters.row_groups_total.add(groups.len() as u64);
        if let Some(filter) = &wanted.filter {
            groups = prune::row_groups(&footer, filter)?;
            let mut blooms =
                ParquetRecordBatchStreamBuilder::new_with_metadata(fetch.clone(), footer.clone());
            let mut kept = Vec::with_capacity(groups.len());
            for group in groups {
                if prune::may_be_in_bloom_filters(&mut blooms, group, filter).await? {
                    kept.push(group);
                }
            }
            groups = kept;
        }
        if groups.is_empty() {
            return Ok(None);
        }
        let footer = Arc::unwrap_or_clone(Arc::clone(footer.metadata()));
        let file = typed(fetch.page_index(footer).await?, &wanted.table)?;
        let mut windows = VecDeque::new();
        let held_bytes = wanted.held_bytes.unwrap_or(BATCH_BYTES).min(BATCH_BYTES);
        let batch_rows = (held_bytes / row_bytes(&file)).clamp(1, wanted.batch_rows);
        let window_rows = match wanted.held_bytes {
            Some(_) => WINDOW_ROWS.min(4 * batch_rows.next_multiple_of(PAGE_ROWS)),
            None => WINDOW_ROWS,
        };
        for group in groups {
            let rows = file.metadata().row_group(group).num_rows();
            let rows = usize::try_from(rows).unwrap_or_default();
            let selection = match &wanted.filter {
                Some(filter) => prune::rows(&file, group, filter)?,
                None => None,
            };
            split(group, rows, window_rows, selection, &mut windows);
        }
        fetch.count_pages(page_starts(&file, &wanted));
        let (stream, last_group) = (None, None);
        Ok(Some(Self { wanted, fetch, file, counters, windows, stream, last_group, batch_rows }))
    }

    /// Whether the rows of the file are in the order of the table.
    pub(crate) fn is_sorted(&self) -> bool {
        let notes = self.file.metadata().file_metadata().key_value_metadata();
        notes.into_iter().flatten().any(|note| {
            note.key == SORTED_BY_KEY && note.value.as_ref() == Some(&self.wanted.sorted_by)
        })
    }

    /// The next matching rows; never an empty batch.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        loop {
            if let Some(stream) = &mut self.stream {
                match stream.next().await.transpose()? {
                    Some(batch) if batch.num_rows() == 0 => continue,
                    Some(batch) => return complete(&batch, &self.wanted.columns).map(Some),
                    None => self.stream = None,
                }
            }
            let Some((group, selection)) = self.windows.pop_front() else { return Ok(None) };
            if self.last_group.replace(group) != Some(group) {
                self.counters.row_groups_read.add(1);
            }
            self.counters.rows_read.add(selection.row_count() as u64);
            let Some(filters) = self.row_filters()? else { return Ok(None) };
            let stream = ParquetRecordBatchStreamBuilder::new_with_metadata(
                self.fetch.clone(),
                self.file.clone(),
            )
            .with_row_groups(vec![group])
            .with_row_selection(selection)
            .with_row_filter(RowFilter::new(filters))
            .with_projection(mask(&self.file, self.wanted.columns.fields().iter().map(name)))
            .with_batch_size(self.batch_rows)
            .build()?;
            self.stream = Some(stream);
        }
    }

    /// All matching rows at once, put in order: for a file that someone else wrote.
    pub(crate) async fn sorted(&mut self, order: &Order) -> Result<RecordBatch, Error> {
        let mut batches = Vec::new();
        while let Some(batch) = self.next().await? {
            batches.push(batch);
        }
        let all = concat_batches(&self.wanted.columns, &batches)?;
        Ok(take_record_batch(&all, &order.sorted(&all)?)?)
    }

    /// The tests of rows; `None` where one of them fails for every row because the file lacks its
    /// columns.
    fn row_filters(&self) -> Result<Option<Vec<Box<dyn ArrowPredicate>>>, Error> {
        let mut tests: Vec<Box<dyn ArrowPredicate>> = Vec::new();
        for part in self.wanted.filter.iter().flat_map(Filter::conjuncts) {
            let columns = part.columns();
            if !columns.iter().any(|column| self.file.schema().column_with_name(column).is_some()) {
                let one = RecordBatchOptions::new().with_row_count(Some(1));
                let nothing =
                    RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &one)?;
                if part.matches(&nothing).true_count() == 0 {
                    return Ok(None);
                }
                continue;
            }
            let part_of_file = mask(&self.file, columns.into_iter());
            let part = part.clone();
            let test = ArrowPredicateFn::new(part_of_file, move |batch| Ok(part.matches(&batch)));
            tests.push(Box::new(test));
        }
        Ok(Some(tests))
    }
}

fn name(field: &FieldRef) -> &str {
    field.name()
}

/// The footer with the types of the table's columns, whatever the file says of them; columns that
/// the table does not know keep their own.
fn typed(footer: ParquetMetaData, table: &Schema) -> Result<ArrowReaderMetadata, Error> {
    let footer = Arc::new(footer);
    let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let found = ArrowReaderMetadata::try_new(Arc::clone(&footer), plain.clone())?;
    let fields =
        found.schema().fields().iter().map(|field| match table.field_with_name(field.name()) {
            Ok(known) => Arc::new(field.as_ref().clone().with_data_type(known.data_type().clone())),
            Err(_) => Arc::clone(field),
        });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    Ok(ArrowReaderMetadata::try_new(footer, plain.with_schema(schema))?)
}

fn mask<'a>(file: &ArrowReaderMetadata, columns: impl Iterator<Item = &'a str>) -> ProjectionMask {
    let indices = columns.filter_map(|name| file.schema().index_of(name).ok());
    ProjectionMask::roots(file.parquet_schema(), indices)
}

/// Bytes of a row before compression: the average of the row group where it is greatest.
fn row_bytes(file: &ArrowReaderMetadata) -> usize {
    let of_group = |group: &RowGroupMetaData| {
        usize::try_from(group.total_byte_size() / group.num_rows().max(1)).unwrap_or(usize::MAX)
    };
    file.metadata().row_groups().iter().map(of_group).max().unwrap_or_default().max(1)
}

/// Cuts the rows of a row group into parts that are read one after another.
fn split(
    group: usize,
    rows: usize,
    window_rows: usize,
    selection: Option<RowSelection>,
    windows: &mut VecDeque<(usize, RowSelection)>,
) {
    let mut rest = selection.unwrap_or_else(|| vec![RowSelector::select(rows)].into());
    if rest.row_count() <= window_rows {
        if rest.selects_any() {
            windows.push_back((group, rest));
        }
        return;
    }
    let mut start = 0;
    while rest.selects_any() {
        let window = rest.split_off(window_rows);
        if window.selects_any() {
            let before = RowSelector::skip(start);
            let selectors = std::iter::once(before).chain(window.iter().copied());
            windows.push_back((group, selectors.collect::<Vec<_>>().into()));
        }
        start += window_rows;
    }
}

/// Where the data pages of the wanted columns begin; a column without page index is one page.
fn page_starts(file: &ArrowReaderMetadata, wanted: &Wanted) -> Vec<u64> {
    let filtered = wanted.filter.iter().flat_map(Filter::columns);
    let columns: Vec<&str> = wanted.columns.fields().iter().map(name).chain(filtered).collect();
    let metadata = file.metadata();
    let mut starts = Vec::new();
    for (index, group) in metadata.row_groups().iter().enumerate() {
        for (column_index, column) in group.columns().iter().enumerate() {
            if !columns.contains(&column.column_descr().name()) {
                continue;
            }
            let pages = metadata
                .offset_index()
                .and_then(|offsets| offsets.get(index)?.get(column_index))
                .map(|offsets| offsets.page_locations());
            match pages {
                Some(pages) => {
                    starts.extend(pages.iter().filter_map(|page| u64::try_from(page.offset).ok()))
                }
                None => starts.push(column.byte_range().0),
            }
        }
    }
    starts.sort_unstable();
    starts.dedup();
    starts
}

/// The batch with exactly `columns`; those that the file lacks have no values.
fn complete(batch: &RecordBatch, columns: &SchemaRef) -> Result<RecordBatch, Error> {
    let rows = batch.num_rows();
    let values = columns.fields().iter().map(|field| {
        let found = batch.column_by_name(field.name()).cloned();
        found.unwrap_or_else(|| new_null_array(field.data_type(), rows))
    });
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let values = values.collect();
    Ok(RecordBatch::try_new_with_options(Arc::clone(columns), values, &options)?)
}
