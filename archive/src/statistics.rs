//! What the log says about a file: number of rows, and for every column with statistics its
//! minimum, maximum and number of nulls, as Delta Lake's JSON.

use arrow_array::ArrayRef;
use blotter_schemas::tables::Table;
use chrono::DateTime;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::file::metadata::ParquetMetaData;
use serde_json::{Map, Value as Json};

use crate::Error;
use crate::Value;
use crate::scan::value::value_at;
use crate::table_definition::has_logged_statistics;

/// Statistics of a file of `table`, from its footer.
///
/// The footer's strings are cut so that a minimum is never above and a maximum never below the
/// column's; here they are passed on as they are.
pub(crate) fn of_file(table: Table, metadata: &ParquetMetaData) -> Result<String, Error> {
    let schema = table.schema();
    let parquet = metadata.file_metadata().schema_descr();
    let groups = metadata.row_groups();
    let (mut minima, mut maxima, mut nulls) = (Map::new(), Map::new(), Map::new());
    for field in schema.fields().iter().filter(|field| has_logged_statistics(field.name())) {
        let converter = StatisticsConverter::try_new(field.name(), &schema, parquet)?;
        let null_counts = converter.row_group_null_counts(groups)?;
        let count: u64 = null_counts.iter().flatten().sum();
        nulls.insert(field.name().clone(), count.into());
        let minimum = extreme(&converter.row_group_mins(groups)?, std::cmp::Ordering::Less);
        let maximum = extreme(&converter.row_group_maxes(groups)?, std::cmp::Ordering::Greater);
        // One without the other says nothing safely.
        if let Some((minimum, maximum)) = minimum.zip(maximum) {
            minima.insert(field.name().clone(), minimum);
            maxima.insert(field.name().clone(), maximum);
        }
    }
    let rows = metadata.file_metadata().num_rows();
    let statistics = Json::Object(Map::from_iter([
        ("numRecords".to_owned(), rows.into()),
        ("minValues".to_owned(), Json::Object(minima)),
        ("maxValues".to_owned(), Json::Object(maxima)),
        ("nullCount".to_owned(), Json::Object(nulls)),
    ]));
    Ok(statistics.to_string())
}

/// The least or greatest of the row groups' values. A row group without one has only nulls, or a
/// value that cannot be ordered; then the file's says nothing about it and readers go by the nulls.
fn extreme(values: &ArrayRef, wanted: std::cmp::Ordering) -> Option<Json> {
    let mut best: Option<Value> = None;
    for index in 0..values.len() {
        let Some(value) = value_at(values, index) else { continue };
        let better = best.as_ref().is_none_or(|best| value.order(best) == Some(wanted));
        if better {
            best = Some(value);
        }
    }
    best.as_ref().and_then(json)
}

/// A value as Delta Lake writes it in statistics; flags and bytes have no minimum there.
fn json(value: &Value) -> Option<Json> {
    match value {
        Value::Text(text) => Some(text.as_str().into()),
        Value::Int(number) => Some((*number).into()),
        Value::Float(number) => serde_json::Number::from_f64(*number).map(Json::Number),
        Value::Time(microseconds) => {
            let time = DateTime::from_timestamp_micros(*microseconds)?;
            Some(time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string().into())
        }
        Value::Flag(_) | Value::Bytes(_) => None,
    }
}
