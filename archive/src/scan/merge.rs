//! Merging the rows of many files into one order, each event once.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet, VecDeque};
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use arrow_row::Rows;
use arrow_select::interleave::interleave_record_batch;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::ObjectStore;

use crate::order::Order;
use crate::scan::files::DataFile;
use crate::scan::read::{FileRows, Wanted};
use crate::scan::statistics::Counters;
use crate::{Error, Value};

/// Files that are opened at the same time.
const OPENING: usize = 8;

/// Rows of many files in one order.
pub(crate) struct Merge {
    store: Arc<dyn ObjectStore>,
    wanted: Arc<Wanted>,
    counters: Arc<Counters>,
    order: Order,
    /// Files that no row was needed of yet, by the least session they may hold.
    waiting: VecDeque<(Option<String>, DataFile)>,
    /// Files that are being read.
    cursors: Vec<Cursor>,
    /// The next row of each of them; the least first.
    heap: BinaryHeap<Reverse<(Vec<u8>, usize)>>,
    copies: Copies,
    /// Key of the last row that was handed out.
    last: Option<Vec<u8>>,
}

/// A file that is being read.
struct Cursor {
    rows: Option<FileRows>,
    batch: RecordBatch,
    keys: Rows,
    position: usize,
}

impl Merge {
    /// Rows of `files`; those up to the key `after` are left out.
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        order: Order,
        wanted: Arc<Wanted>,
        counters: Arc<Counters>,
        files: Vec<DataFile>,
        after: Option<Vec<u8>>,
    ) -> Self {
        let mut waiting: Vec<_> =
            files.into_iter().map(|file| (least_session(&file), file)).collect();
        waiting.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self {
            store,
            wanted,
            counters,
            order,
            waiting: waiting.into(),
            cursors: Vec::new(),
            heap: BinaryHeap::new(),
            copies: Copies::default(),
            last: after,
        }
    }

    /// Key of the last row that was handed out.
    pub(crate) fn last(&self) -> Option<Vec<u8>> {
        self.last.clone()
    }

    /// The next rows, in order.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        let mut batches: Vec<RecordBatch> = Vec::new();
        // Which of `batches` is a cursor's current one.
        let mut kept: Vec<Option<usize>> = vec![None; self.cursors.len()];
        let mut picked: Vec<(usize, usize)> = Vec::new();
        let mut last = self.last.clone();
        while picked.len() < self.wanted.batch_rows {
            self.open_due().await?;
            kept.resize(self.cursors.len(), None);
            let Some(Reverse((key, index))) = self.heap.pop() else { break };
            let Some(cursor) = self.cursors.get_mut(index) else { break };
            let row = cursor.position;
            // Rows that were handed out before are remembered too, or a copy could follow them.
            let first = self.copies.is_first(&cursor.batch, row);
            if first && last.as_ref().is_none_or(|last| key > *last) {
                let slot = kept.get_mut(index);
                let batch = slot.map_or(0, |slot| {
                    *slot.get_or_insert_with(|| {
                        batches.push(cursor.batch.clone());
                        batches.len() - 1
                    })
                });
                picked.push((batch, row));
                last = Some(key);
            }
            if !cursor.step() {
                if let Some(slot) = kept.get_mut(index) {
                    *slot = None;
                }
                cursor.refill(&self.order).await?;
            }
            if let Some(key) = cursor.key() {
                self.heap.push(Reverse((key, index)));
            }
        }
        if picked.is_empty() {
            return Ok(None);
        }
        let rows = gather(&batches, &picked)?;
        self.last = last;
        Ok(Some(rows))
    }

    /// Opens every file that may hold the least row.
    async fn open_due(&mut self) -> Result<(), Error> {
        while !self.waiting.is_empty() {
            let due = match self.heap.peek() {
                None => OPENING.min(self.waiting.len()),
                Some(Reverse((_, index))) => {
                    let least = self.cursors.get(*index).and_then(Cursor::session);
                    self.waiting.partition_point(|(session, _)| *session <= least)
                }
            };
            if due == 0 {
                return Ok(());
            }
            let due: Vec<_> = self.waiting.drain(..due).map(|(_, file)| file).collect();
            let (store, wanted, counters) = (&self.store, &self.wanted, &self.counters);
            let order = &self.order;
            let opened: Vec<Option<Cursor>> = stream::iter(due)
                .map(|file| async move {
                    let (store, wanted) = (Arc::clone(store), Arc::clone(wanted));
                    let rows = FileRows::open(store, &file, wanted, Arc::clone(counters)).await?;
                    match rows {
                        Some(rows) => Cursor::open(rows, order).await,
                        None => Ok(None),
                    }
                })
                .buffered(OPENING)
                .try_collect()
                .await?;
            for cursor in opened.into_iter().flatten() {
                if let Some(key) = cursor.key() {
                    self.heap.push(Reverse((key, self.cursors.len())));
                    self.cursors.push(cursor);
                }
            }
        }
        Ok(())
    }
}

impl Cursor {
    async fn open(mut rows: FileRows, order: &Order) -> Result<Option<Self>, Error> {
        if !rows.is_sorted() {
            let batch = rows.sorted(order).await?;
            let keys = order.keys(&batch)?;
            return Ok(Some(Self { rows: None, batch, keys, position: 0 }));
        }
        let Some(batch) = rows.next().await? else { return Ok(None) };
        let keys = order.keys(&batch)?;
        Ok(Some(Self { rows: Some(rows), batch, keys, position: 0 }))
    }

    /// Key of the current row; nothing at the end.
    fn key(&self) -> Option<Vec<u8>> {
        (self.position < self.keys.num_rows())
            .then(|| self.keys.row(self.position).as_ref().to_vec())
    }

    /// Session of the current row.
    fn session(&self) -> Option<String> {
        text(&self.batch, "session_id", self.position).map(str::to_owned)
    }

    /// Goes to the next row; false where the batch has none.
    fn step(&mut self) -> bool {
        self.position += 1;
        self.position < self.batch.num_rows()
    }

    /// Reads the next batch; without one the cursor is at its end.
    async fn refill(&mut self, order: &Order) -> Result<(), Error> {
        let batch = match &mut self.rows {
            Some(rows) => rows.next().await?,
            None => None,
        };
        match batch {
            Some(batch) => {
                self.keys = order.keys(&batch)?;
                self.batch = batch;
                self.position = 0;
            }
            // Nothing is held for a file that is read to its end.
            None => {
                self.batch = self.batch.slice(0, 0);
                self.keys = order.keys(&self.batch)?;
                self.position = 0;
                self.rows = None;
            }
        }
        Ok(())
    }
}

/// Recognises copies of one event. Within a session they may lie apart; rows without a session are
/// compared where they have one time, so that what is remembered stays small.
#[derive(Default)]
struct Copies {
    session: Option<String>,
    time: Option<i64>,
    seen: HashSet<Vec<u8>>,
}

impl Copies {
    /// Whether the event of a row was not there before.
    fn is_first(&mut self, batch: &RecordBatch, row: usize) -> bool {
        let session = text(batch, "session_id", row);
        let time = match session {
            Some(_) => None,
            None => batch
                .column_by_name("time_unix_nano")
                .and_then(|times| times.as_primitive_opt::<Int64Type>())
                .and_then(|times| times.is_valid(row).then(|| times.value(row))),
        };
        if self.session.as_deref() != session || self.time != time {
            self.session = session.map(str::to_owned);
            self.time = time;
            self.seen.clear();
        }
        let ids = batch.column_by_name("event_id").and_then(|ids| ids.as_binary_opt::<i32>());
        ids.is_none_or(|ids| self.seen.insert(ids.value(row).to_vec()))
    }
}

/// The least session of a file as its log says; nothing where rows without session may be in it.
fn least_session(file: &DataFile) -> Option<String> {
    let known = file.known("session_id");
    match (known.minimum, known.nulls) {
        (Some(Value::Text(session)), Some(0)) => Some(session),
        _ => None,
    }
}

fn text<'a>(batch: &'a RecordBatch, column: &str, row: usize) -> Option<&'a str> {
    let texts = batch.column_by_name(column)?.as_string_opt::<i32>()?;
    texts.is_valid(row).then(|| texts.value(row))
}

/// The picked rows as one batch.
fn gather(batches: &[RecordBatch], picked: &[(usize, usize)]) -> Result<RecordBatch, Error> {
    if let ([batch], Some((_, first)), Some((_, last))) = (batches, picked.first(), picked.last())
        && last - first + 1 == picked.len()
    {
        return Ok(batch.slice(*first, picked.len()));
    }
    let batches: Vec<_> = batches.iter().collect();
    Ok(interleave_record_batch(&batches, picked)?)
}
