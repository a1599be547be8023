//! The files of a table and what its log says about them.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use chrono::NaiveDate;
use deltalake_core::DeltaTableError;
use deltalake_core::table::state::DeltaTableState;
use object_store::path::Path;

use crate::scan::leaf::Known;
use crate::scan::value::value_at;
use crate::table_definition::PARTITION;
use crate::{Error, Value};

/// Column whose date is the partition.
const RECEIVED: &str = "received_time";
/// Times in the log may be cut to milliseconds, so that a maximum may be this much higher.
const CUT_MICROSECONDS: i64 = 999;
const DAY_MICROSECONDS: i64 = 86_400_000_000;

/// A file of a table.
#[derive(Debug, Clone)]
pub(crate) struct DataFile {
    /// Where it lies below the table.
    pub(crate) path: Path,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// UTC date on which its rows were received.
    pub(crate) date: Option<NaiveDate>,
    /// When it was written, milliseconds since the epoch.
    pub(crate) modified: i64,
    /// What is known of the columns that were asked for.
    pub(crate) known: BTreeMap<String, Known>,
}

impl DataFile {
    pub(crate) fn known(&self, column: &str) -> Known {
        self.known.get(column).cloned().unwrap_or_default()
    }
}

/// The files of a snapshot, with what the log knows of `columns`, in order of their paths.
pub(crate) fn data_files(
    state: &DeltaTableState,
    columns: &[&str],
) -> Result<Vec<DataFile>, Error> {
    let log = state.snapshot().try_log_data()?;
    let mut files = Vec::with_capacity(log.num_files());
    for file in log.iter() {
        if file.deletion_vector_descriptor().is_some() {
            let problem = format!("{} has a deletion vector, which is not understood", file.path());
            return Err(DeltaTableError::Generic(problem).into());
        }
        let partition = file.partition_values_map().remove(PARTITION).flatten();
        files.push((
            DataFile {
                path: file.object_store_path(),
                size: u64::try_from(file.size()).unwrap_or_default(),
                date: partition.as_deref().and_then(|date| date.parse().ok()),
                modified: file.modification_time(),
                known: BTreeMap::new(),
            },
            partition,
        ));
    }
    // Rows of these batches are the files in the same order.
    let mut row = files.iter_mut();
    for batch in state.add_actions_batches(true)? {
        for (index, (file, partition)) in (0..batch.num_rows()).zip(row.by_ref()) {
            for column in columns {
                let mut known = known(&batch, index, column);
                if *column == RECEIVED && known.minimum.is_none() {
                    (known.minimum, known.maximum) = day(partition.as_deref());
                }
                file.known.insert((*column).to_owned(), known);
            }
        }
    }
    let mut files: Vec<_> = files.into_iter().map(|(file, _)| file).collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn known(batch: &RecordBatch, index: usize, column: &str) -> Known {
    let value = |kind: &str| {
        batch.column_by_name(&format!("{kind}.{column}")).and_then(|values| value_at(values, index))
    };
    let number = |name: &str| {
        let numbers = batch.column_by_name(name)?.as_primitive_opt::<Int64Type>()?;
        let number = numbers.is_valid(index).then(|| numbers.value(index))?;
        u64::try_from(number).ok()
    };
    let maximum = value("max").map(|maximum| match maximum {
        Value::Time(time) => Value::Time(time.saturating_add(CUT_MICROSECONDS)),
        other => other,
    });
    Known {
        minimum: value("min"),
        maximum,
        nulls: number(&format!("null_count.{column}")),
        rows: number("num_records"),
    }
}

/// The times of a UTC date.
fn day(partition: Option<&str>) -> (Option<Value>, Option<Value>) {
    let start = partition
        .and_then(|date| date.parse::<NaiveDate>().ok())
        .and_then(|date| date.and_hms_opt(0, 0, 0))
        .map(|start| start.and_utc().timestamp_micros());
    (start.map(Value::Time), start.map(|start| Value::Time(start + DAY_MICROSECONDS - 1)))
}
