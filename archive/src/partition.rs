//! Which partition a row belongs to, and rows in the order of the table.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray as _;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, RecordBatch, UInt32Array};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;
use blotter_schemas::tables::Table;
use chrono::{DateTime, NaiveDate, Utc};

use crate::Error;
use crate::order::Order;

/// Sorted rows of each UTC date on which they were received; rows that do not say when belong to
/// `now`.
pub(crate) fn partitions(
    table: Table,
    batches: &[RecordBatch],
    now: DateTime<Utc>,
) -> Result<BTreeMap<NaiveDate, RecordBatch>, Error> {
    let schema = table.schema();
    for batch in batches {
        if batch.schema_ref() != &schema {
            let reason = difference(&schema, batch.schema_ref());
            return Err(Error::NotOfTable { table, reason });
        }
    }
    let rows = concat_batches(&schema, batches)?;
    let received = rows
        .column_by_name("received_time")
        .and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
    let mut dates: BTreeMap<NaiveDate, Vec<u32>> = BTreeMap::new();
    for row in Order::of(table)?.sorted(&rows)?.values() {
        let date = received
            .zip(usize::try_from(*row).ok())
            .and_then(|(times, row)| times.is_valid(row).then(|| times.value(row)))
            .and_then(DateTime::from_timestamp_micros)
            .unwrap_or(now)
            .date_naive();
        dates.entry(date).or_default().push(*row);
    }
    dates
        .into_iter()
        .map(|(date, indices)| Ok((date, take_record_batch(&rows, &UInt32Array::from(indices))?)))
        .collect()
}

/// The first difference between the schema of a table and another, in words.
fn difference(expected: &arrow_schema::Schema, found: &arrow_schema::Schema) -> String {
    for field in expected.fields() {
        match found.field_with_name(field.name()) {
            Err(_) => return format!("it lacks column `{}`", field.name()),
            Ok(other) if other.data_type() != field.data_type() => {
                let (is, should) = (other.data_type(), field.data_type());
                return format!("column `{}` is {is} and should be {should}", field.name());
            }
            Ok(_) => {}
        }
    }
    "it has other columns, in another order or with other notes".to_owned()
}
