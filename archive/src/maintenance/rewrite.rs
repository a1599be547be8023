//! Rewriting files as fewer, larger ones: a merge that holds a part of each.

use std::ops::ControlFlow;
use std::sync::Arc;

use deltalake_core::kernel::Add;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::Error;
use crate::append::delete_all;
use crate::maintenance::dropped::Dropped;
use crate::maintenance::output::Output;
use crate::maintenance::plan::Group;
use crate::order::Order;
use crate::scan::fetch::Fetch;
use crate::scan::merge::Merge;
use crate::scan::read::Wanted;
use crate::scan::statistics::Counters;
use crate::table_handle::TableHandle;
use crate::write::{STEP_ROWS, sorted_by};

/// Bytes that all files of a group may hold decoded at the same time, roughly.
const HELD_BYTES: usize = 32 * 1024 * 1024;
/// Rows of a batch at most.
const BATCH_ROWS: usize = 1_024;
/// Footers that are read at the same time.
const FOOTERS: usize = 8;

/// What a group of files became.
#[derive(Debug)]
pub(super) struct Rewritten {
    pub(super) added: Vec<Add>,
    /// Rows in the new files.
    pub(super) rows: u64,
    /// Rows that were left out as copies.
    pub(super) copies: u64,
}

/// Writes the rows of `group` into new files, each event once; nothing stays behind on failure, or
/// where `progress`, which is told of rows as they are written, says to stop (then nothing is
/// returned).
pub(super) async fn rewrite(
    handle: &TableHandle,
    group: &Group,
    progress: &mut (dyn FnMut(u64) -> ControlFlow<()> + Send),
) -> Result<Option<Rewritten>, Error> {
    let mut added = Vec::new();
    let written = write_all(handle, group, &mut added, progress).await;
    if !matches!(written, Ok(Some(_))) {
        delete_all(handle.store().as_ref(), &added).await;
    }
    let Some((rows, copies)) = written? else { return Ok(None) };
    Ok(Some(Rewritten { added, rows, copies }))
}

async fn write_all(
    handle: &TableHandle,
    group: &Group,
    added: &mut Vec<Add>,
    progress: &mut (dyn FnMut(u64) -> ControlFlow<()> + Send),
) -> Result<Option<(u64, u64)>, Error> {
    let (table, store) = (handle.table, handle.store());
    let counters = Arc::new(Counters::default());
    let (expected, mut dropped) = footers(handle, group, &counters).await?;
    let schema = table.schema();
    let wanted = Arc::new(Wanted {
        table: Arc::clone(&schema),
        columns: schema,
        filter: None,
        sorted_by: sorted_by(table),
        batch_rows: BATCH_ROWS,
        held_bytes: Some(HELD_BYTES / group.files.len().max(1)),
    });
    let order = Order::of(table)?;
    let files = group.files.clone();
    let mut merge =
        Merge::new(Arc::clone(&store), order, wanted, counters, files, None).noting_copies();
    let (mut rows, mut copies) = (0_u64, 0_u64);
    let mut output: Option<Output> = None;
    let ended = loop {
        let batch = match merge.next().await {
            Ok(batch) => batch,
            Err(error) => break Err(error),
        };
        for (batch, row) in merge.take_dropped() {
            copies += 1;
            dropped.add(&batch, row);
        }
        let Some(batch) = batch else { break Ok(true) };
        let left = usize::try_from(expected.saturating_sub(rows)).unwrap_or(usize::MAX);
        rows += batch.num_rows() as u64;
        let mut start = 0;
        let wrote = async {
            while start < batch.num_rows() {
                let mut file = match output.take() {
                    Some(file) => file,
                    None => Output::new(table, group.date, Arc::clone(&store), left)?,
                };
                let length = (batch.num_rows() - start).min(STEP_ROWS);
                let wrote = file.write(&batch.slice(start, length)).await;
                start += length;
                if wrote.is_ok() && file.is_full() {
                    added.push(file.finish(None).await?);
                } else {
                    output = Some(file);
                }
                wrote?;
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = wrote.await {
            break Err(error);
        }
        if progress(rows).is_break() {
            break Ok(false);
        }
    };
    let complete = match ended {
        Ok(true) if rows + copies == expected => true,
        Ok(false) => false,
        ended => {
            if let Some(output) = output {
                output.abort().await;
            }
            ended?;
            return Err(Error::Miscounted { table, expected, written: rows, copies });
        }
    };
    match output {
        Some(output) if !complete => output.abort().await,
        Some(output) => added.push(output.finish(dropped.note()).await?),
        None => {}
    }
    Ok(complete.then_some((rows, copies)))
}

/// How many rows the files hold by their footers, and what these say of copies dropped before.
async fn footers(
    handle: &TableHandle,
    group: &Group,
    counters: &Arc<Counters>,
) -> Result<(u64, Dropped), Error> {
    let store = handle.store();
    let mut footers = stream::iter(group.files.clone())
        .map(|file| {
            let (store, counters) = (Arc::clone(&store), Arc::clone(counters));
            let mut fetch = Fetch::new(store, file.path, file.size, counters);
            async move { fetch.footer().await }
        })
        .buffered(FOOTERS);
    let (mut rows, mut dropped) = (0, Dropped::default());
    while let Some(footer) = footers.try_next().await? {
        rows += u64::try_from(footer.file_metadata().num_rows()).unwrap_or_default();
        dropped.add_noted(&footer);
    }
    Ok((rows, dropped))
}
