//! The total order of rows.

use arrow_array::{RecordBatch, UInt32Array};
use arrow_row::{Row, RowConverter, Rows, SortField};
use arrow_schema::{ArrowError, SortOptions};
use blotter_schemas::tables::Table;

use crate::Error;
use crate::table_definition::{TIE, order};

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
