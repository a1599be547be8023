//! The total order of rows.

use arrow_array::{RecordBatch, UInt32Array};
use arrow_row::{Row, RowConverter, Rows, SortField};
use arrow_schema::{ArrowError, SortOptions};
use blotter_schemas::tables::Table;

use crate::Error;
use crate::table_definition::{TIE, order};

/// Bytes of the tie-breaker, an `Int64`, at the end of a key: one for its presence, eight for it.
const TIE_BYTES: usize = 9;

/// Turns rows into keys whose bytes compare as the rows do.
#[derive(Debug)]
pub(crate) struct Order {
    columns: Vec<&'static str>,
    converter: RowConverter,
}

impl Order {
    /// Order of `table`: absent values first, but for the tie-breaker, where they come last.
    pub(crate) fn of(table: Table) -> Result<Self, Error> {
        let schema = table.schema();
        let columns: Vec<_> = order(table).collect();
        let fields = columns.iter().map(|name| {
            let data_type = schema.field_with_name(name)?.data_type().clone();
            Ok(SortField::new_with_options(data_type, options(name)))
        });
        let fields = fields.collect::<Result<Vec<SortField>, ArrowError>>()?;
        Ok(Self { columns, converter: RowConverter::new(fields)? })
    }

    /// Names of the columns of the order.
    pub(crate) fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    /// What a key says of a row but for the tie-breaker: copies of one event have it in common.
    pub(crate) fn place<'a>(&self, key: &'a [u8]) -> &'a [u8] {
        let tie = if self.columns.last() == Some(&TIE) { TIE_BYTES } else { 0 };
        key.get(..key.len().saturating_sub(tie)).unwrap_or(key)
    }

    /// Keys of the rows of a batch that has the columns of the order.
    pub(crate) fn keys(&self, batch: &RecordBatch) -> Result<Rows, Error> {
        let columns = self.columns.iter().map(|name| {
            let column = batch.column_by_name(name);
            column.cloned().ok_or_else(|| ArrowError::SchemaError(format!("no column {name}")))
        });
        let columns = columns.collect::<Result<Vec<_>, ArrowError>>()?;
        Ok(self.converter.convert_columns(&columns)?)
    }

    /// Indices of the rows in order.
    pub(crate) fn sorted(&self, batch: &RecordBatch) -> Result<UInt32Array, Error> {
        let keys = self.keys(batch)?;
        let rows = u32::try_from(batch.num_rows()).map_err(|_| {
            ArrowError::InvalidArgumentError("too many rows to sort at once".to_owned())
        })?;
        let mut keyed: Vec<(Row<'_>, u32)> = keys.iter().zip(0..rows).collect();
        keyed.sort_unstable();
        Ok(keyed.into_iter().map(|(_, index)| index).collect())
    }
}

/// How `column` is sorted, where it is one of the order.
pub(crate) fn options(column: &str) -> SortOptions {
    SortOptions { descending: false, nulls_first: column != TIE }
}

#[cfg(test)]
mod tests {
    use blotter_schemas::tables::{Event, MetricPoint, Row as _, Span};

    use super::*;

    #[test]
    fn rows_that_differ_in_the_tie_breaker_alone_have_one_place() {
        let event = |session: &str, journal_position| Event {
            session_id: Some(session.to_owned()),
            journal_position,
            ..Event::default()
        };
        let rows =
            [event("s", None), event("s", Some(1)), event("s", Some(i64::MAX)), event("t", None)];
        let order = Order::of(Table::Events).unwrap();
        let keys = order.keys(&Event::to_batch(&rows).unwrap()).unwrap();
        let place = |row: usize| order.place(keys.row(row).data()).to_vec();
        assert_eq!(place(0), place(1));
        assert_eq!(place(0), place(2));
        assert_ne!(place(0), place(3));
        for (table, batch) in [
            (Table::Spans, Span::to_batch(&[]).unwrap()),
            (Table::Metrics, MetricPoint::to_batch(&[]).unwrap()),
        ] {
            let order = Order::of(table).unwrap();
            order.keys(&batch).unwrap();
            assert_eq!(order.columns().last(), Some(&TIE), "{table}");
        }
    }
}
