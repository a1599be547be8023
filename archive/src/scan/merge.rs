//! Merging the rows of many files into one order, each event once.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_row::Rows;
use arrow_select::interleave::interleave_record_batch;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::ObjectStore;

use crate::order::Order;
use crate::scan::copies::{Copies, Verdict, text};
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
    /// A cursor that needs its next batch before anything else is done.
    drained: Option<usize>,
    copies: Copies,
    /// The rows that are handed out next.
    picked: Picked,
    /// Key of the last row that was handed out, or left out as a copy after it.
    last: Option<Vec<u8>>,
    /// The same once the picked rows are handed out.
    reached: Option<Vec<u8>>,
    /// Copies that were dropped, and where they came from, where somebody wants to know.
    dropped: Option<Vec<(RecordBatch, usize)>>,
}

/// Rows of several batches.
#[derive(Default)]
struct Picked {
    batches: Vec<RecordBatch>,
    /// Which of `batches` is a cursor's current one.
    current: Vec<Option<usize>>,
    rows: Vec<(usize, usize)>,
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
            drained: None,
            copies: Copies::default(),
            picked: Picked::default(),
            reached: after.clone(),
            last: after,
            dropped: None,
        }
    }

    /// Remembers every dropped copy until [`Self::take_dropped`].
    pub(crate) fn noting_copies(mut self) -> Self {
        self.dropped = Some(Vec::new());
        self
    }

    /// The copies that were dropped since the last call: a batch and the row in it.
    pub(crate) fn take_dropped(&mut self) -> Vec<(RecordBatch, usize)> {
        self.dropped.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Key of the last row that was handed out.
    pub(crate) fn last(&self) -> Option<Vec<u8>> {
        self.last.clone()
    }

    /// The next rows, in order. What was picked when the future is dropped comes with the next call.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        loop {
            if let Some(index) = self.drained {
                self.refill(index).await?;
                self.drained = None;
            }
            self.open_due().await?;
            let Some(Reverse((key, _))) = self.heap.peek() else { break };
            // Copies of the last row may follow it: one that was received earlier is kept in its place.
            if self.picked.rows.len() >= self.wanted.batch_rows
                && !self.copies.continues(self.order.place(key))
            {
                break;
            }
            self.take_least();
        }
        self.copies.handed_out();
        self.last.clone_from(&self.reached);
        let picked = std::mem::take(&mut self.picked);
        if picked.rows.is_empty() { Ok(None) } else { picked.gather().map(Some) }
    }

    /// Picks or drops the least row.
    fn take_least(&mut self) {
        let Some(Reverse((key, index))) = self.heap.pop() else { return };
        let Some(cursor) = self.cursors.get_mut(index) else { return };
        let row = cursor.position;
        let new = self.last.as_ref().is_none_or(|last| key > *last);
        let pick = new.then_some(self.picked.rows.len());
        let verdict = self.copies.judge(self.order.place(&key), &cursor.batch, row, pick);
        let mut gone = None;
        if new {
            match verdict {
                Verdict::Keep => {
                    let batch = self.picked.batch(index, &cursor.batch);
                    self.picked.rows.push((batch, row));
                }
                Verdict::Replace(number) => {
                    let batch = self.picked.batch(index, &cursor.batch);
                    if let Some(picked) = self.picked.rows.get_mut(number) {
                        gone = Some(std::mem::replace(picked, (batch, row)));
                    }
                    let from = |(batch, row): (usize, usize)| {
                        self.picked.batches.get(batch).map(|batch| (batch.clone(), row))
                    };
                    note(&mut self.dropped, &self.counters, gone.and_then(from));
                }
                Verdict::Drop => {
                    note(&mut self.dropped, &self.counters, Some((cursor.batch.clone(), row)));
                }
            }
            self.reached = Some(key);
        }
        if cursor.step() {
            if let Some(key) = cursor.key() {
                self.heap.push(Reverse((key, index)));
            }
        } else {
            self.picked.forget(index);
            self.drained = Some(index);
        }
    }

    /// Reads a cursor's next batch.
    async fn refill(&mut self, index: usize) -> Result<(), Error> {
        let Some(cursor) = self.cursors.get_mut(index) else { return Ok(()) };
        cursor.refill(&self.order).await?;
        if let Some(key) = cursor.key() {
            self.heap.push(Reverse((key, index)));
        }
        Ok(())
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
            let files: Vec<_> =
                self.waiting.iter().take(due).map(|(_, file)| file.clone()).collect();
            let (store, wanted, counters) = (&self.store, &self.wanted, &self.counters);
            let order = &self.order;
            let opened: Vec<Option<Cursor>> = stream::iter(files)
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
            // Only now: had the future been dropped, they would be opened again.
            self.waiting.drain(..due);
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

fn note(
    dropped: &mut Option<Vec<(RecordBatch, usize)>>,
    counters: &Counters,
    copy: Option<(RecordBatch, usize)>,
) {
    counters.copies_dropped.add(1);
    if let (Some(dropped), Some(copy)) = (dropped, copy) {
        dropped.push(copy);
    }
}

impl Picked {
    /// Number of a cursor's current batch.
    fn batch(&mut self, cursor: usize, batch: &RecordBatch) -> usize {
        if self.current.len() <= cursor {
            self.current.resize(cursor + 1, None);
        }
        let batches = &mut self.batches;
        self.current.get_mut(cursor).map_or(0, |slot| {
            *slot.get_or_insert_with(|| {
                batches.push(batch.clone());
                batches.len() - 1
            })
        })
    }

    /// The cursor goes on to another batch.
    fn forget(&mut self, cursor: usize) {
        if let Some(slot) = self.current.get_mut(cursor) {
            *slot = None;
        }
    }

    /// The picked rows as one batch.
    fn gather(self) -> Result<RecordBatch, Error> {
        let neighbours =
            || self.rows.windows(2).all(|pair| matches!(pair, [(_, a), (_, b)] if a + 1 == *b));
        if let ([batch], Some((_, first))) = (self.batches.as_slice(), self.rows.first())
            && neighbours()
        {
            return Ok(batch.slice(*first, self.rows.len()));
        }
        let batches: Vec<_> = self.batches.iter().collect();
        Ok(interleave_record_batch(&batches, &self.rows)?)
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
                self.batch = RecordBatch::new_empty(self.batch.schema());
                self.keys = order.keys(&self.batch)?;
                self.position = 0;
                self.rows = None;
            }
        }
        Ok(())
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
