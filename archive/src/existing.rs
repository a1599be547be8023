//! Which events are already there.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array as _, RecordBatch, StringArray};
use arrow_schema::Schema;
use blotter_schemas::names::blotter::TimeSource;
use blotter_schemas::tables::Table;

use crate::Error;
use crate::scan::candidates;
use crate::scan::filter::Filter;
use crate::scan::read::{FileRows, Wanted};
use crate::scan::statistics::Counters;
use crate::table_handle::TableHandle;
use crate::write::sorted_by;
use crate::{Op, Predicate};

/// Rows of a batch at most.
const BATCH_ROWS: usize = 8_192;
const ID: &str = "event_id";
const TIME: &str = "time_unix_nano";

/// Which event ids of `batches` the newest snapshot of the table holds.
pub(crate) async fn existing_ids(
    handle: &TableHandle,
    batches: &[RecordBatch],
) -> Result<HashSet<[u8; 16]>, Error> {
    let table = handle.table;
    let mut asked = HashSet::new();
    let mut times = Some((i64::MAX, i64::MIN));
    for batch in batches {
        asked.extend(ids(table, batch)?);
        times = times.and_then(|times| widen(times, batch));
    }
    if asked.is_empty() {
        return Ok(asked);
    }
    let filter = times.map(|(first, last)| {
        let from = Predicate::compare(TIME, Op::GtEq, first);
        Filter::bind(table, &from.and(Predicate::compare(TIME, Op::LtEq, last)))
    });
    let filter = filter.transpose()?;
    let schema = table.schema();
    let counters = Arc::new(Counters::default());
    let files = candidates(handle, filter.as_ref(), &counters).await?;
    let wanted = Arc::new(Wanted {
        columns: Arc::new(Schema::new(vec![schema.field_with_name(ID)?.clone()])),
        table: schema,
        filter,
        sorted_by: sorted_by(table),
        batch_rows: BATCH_ROWS,
        held_bytes: None,
    });
    let mut found = HashSet::new();
    for file in files {
        let (store, wanted) = (handle.store(), Arc::clone(&wanted));
        let Some(mut rows) = FileRows::open(store, &file, wanted, Arc::clone(&counters)).await?
        else {
            continue;
        };
        while let Some(batch) = rows.next().await? {
            found.extend(ids(table, &batch)?.filter(|id| asked.contains(id)));
        }
    }
    Ok(found)
}

fn ids(table: Table, batch: &RecordBatch) -> Result<impl Iterator<Item = [u8; 16]> + '_, Error> {
    let ids = batch.column_by_name(ID).and_then(|ids| ids.as_binary_opt::<i32>());
    let ids =
        ids.ok_or_else(|| Error::NotOfTable { table, reason: format!("it lacks column `{ID}`") })?;
    Ok(ids.iter().flatten().filter_map(|id| id.try_into().ok()))
}

/// The range of times widened to those of the batch; nothing where a row has none of its own.
fn widen((first, last): (i64, i64), batch: &RecordBatch) -> Option<(i64, i64)> {
    let times = batch.column_by_name(TIME)?.as_primitive_opt::<Int64Type>()?;
    let sources = batch.column_by_name("time_source")?.as_dictionary_opt::<Int32Type>()?;
    let sources = sources.downcast_dict::<StringArray>()?;
    let received = TimeSource::Received.as_str();
    if times.null_count() > 0
        || sources.into_iter().any(|source| source.is_none_or(|it| it == received))
    {
        return None;
    }
    let values = times.values();
    let (least, most) = (values.iter().min().copied(), values.iter().max().copied());
    Some((first.min(least.unwrap_or(first)), last.max(most.unwrap_or(last))))
}
