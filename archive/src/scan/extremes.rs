//! The least and greatest value of a column.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_schema::{DataType, TimeUnit};

use crate::Value;

/// The least and greatest value of a column that has any, and in how many rows it has none. Flags and
/// bytes have no order here.
pub(crate) fn extremes(column: &ArrayRef) -> (Option<Value>, Option<Value>, u64) {
    let rows = column.len();
    let (least, greatest) = match column.data_type() {
        DataType::Utf8 => texts(column.as_string::<i32>().iter().flatten()),
        DataType::Dictionary(..) => match column
            .as_dictionary_opt::<Int32Type>()
            .and_then(|labels| labels.downcast_dict::<StringArray>())
        {
            Some(labels) => texts(labels.into_iter().flatten()),
            None => (None, None),
        },
        DataType::Int64 => numbers(column.as_primitive::<Int64Type>().iter().flatten(), Value::Int),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            numbers(column.as_primitive::<TimestampMicrosecondType>().iter().flatten(), Value::Time)
        }
        DataType::Float64 => {
            let mut least: Option<f64> = None;
            let mut greatest: Option<f64> = None;
            for value in column.as_primitive::<Float64Type>().iter().flatten() {
                if !value.is_nan() {
                    least = Some(least.map_or(value, |least| least.min(value)));
                    greatest = Some(greatest.map_or(value, |greatest| greatest.max(value)));
                }
            }
            (least.map(Value::Float), greatest.map(Value::Float))
        }
        _ => (None, None),
    };
    (least, greatest, column.logical_null_count().min(rows) as u64)
}

fn texts<'a>(values: impl Iterator<Item = &'a str>) -> (Option<Value>, Option<Value>) {
    let ends =
        values.fold(None, |ends: Option<(&str, &str)>, value| {
            Some(ends.map_or((value, value), |(least, greatest)| {
                (least.min(value), greatest.max(value))
            }))
        });
    (ends.map(|(least, _)| least.into()), ends.map(|(_, greatest)| greatest.into()))
}

fn numbers(
    values: impl Iterator<Item = i64>,
    value: fn(i64) -> Value,
) -> (Option<Value>, Option<Value>) {
    let ends =
        values.fold(None, |ends: Option<(i64, i64)>, value| {
            Some(ends.map_or((value, value), |(least, greatest)| {
                (least.min(value), greatest.max(value))
            }))
        });
    (ends.map(|(least, _)| value(least)), ends.map(|(_, greatest)| value(greatest)))
}
