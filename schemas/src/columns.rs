//! Building and reading Arrow columns, one pair of functions per column type of `schemas/tables`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringDictionaryBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{ArrowError, DataType, Field, TimeUnit};

/// Time zone of every timestamp column.
const UTC: &str = "UTC";

fn field(name: &str, data_type: DataType, nullable: bool, doc: &str) -> Field {
    let comment = HashMap::from([("comment".to_owned(), doc.to_owned())]);
    Field::new(name, data_type, nullable).with_metadata(comment)
}

pub(crate) fn id_field(name: &str, doc: &str) -> Field {
    field(name, DataType::Binary, false, doc)
}

pub(crate) fn optional_id_field(name: &str, doc: &str) -> Field {
    field(name, DataType::Binary, true, doc)
}

pub(crate) fn text_field(name: &str, doc: &str) -> Field {
    field(name, DataType::Utf8, true, doc)
}

pub(crate) fn label_field(name: &str, doc: &str) -> Field {
    let data_type = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    field(name, data_type, true, doc)
}

pub(crate) fn int_field(name: &str, doc: &str) -> Field {
    field(name, DataType::Int64, true, doc)
}

pub(crate) fn float_field(name: &str, doc: &str) -> Field {
    field(name, DataType::Float64, true, doc)
}

pub(crate) fn flag_field(name: &str, doc: &str) -> Field {
    field(name, DataType::Boolean, true, doc)
}

pub(crate) fn time_field(name: &str, doc: &str) -> Field {
    field(name, DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())), true, doc)
}

/// A value of a column, to be written elsewhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Text or a label.
    Text(&'a str),
    /// An integer.
    Int(i64),
    /// A number.
    Float(f64),
    /// A boolean.
    Flag(bool),
    /// An id.
    Id([u8; 16]),
}

type Named<'a> = Vec<(&'static str, Value<'a>)>;

pub(crate) fn text_value<'a>(value: Option<&'a str>, name: &'static str, all: &mut Named<'a>) {
    all.extend(value.map(|value| (name, Value::Text(value))));
}

pub(crate) fn label_value<'a>(value: Option<&'a str>, name: &'static str, all: &mut Named<'a>) {
    text_value(value, name, all);
}

pub(crate) fn int_value(value: Option<i64>, name: &'static str, all: &mut Named<'_>) {
    all.extend(value.map(|value| (name, Value::Int(value))));
}

pub(crate) fn float_value(value: Option<f64>, name: &'static str, all: &mut Named<'_>) {
    all.extend(value.map(|value| (name, Value::Float(value))));
}

pub(crate) fn flag_value(value: Option<bool>, name: &'static str, all: &mut Named<'_>) {
    all.extend(value.map(|value| (name, Value::Flag(value))));
}

pub(crate) fn id_value(value: [u8; 16], name: &'static str, all: &mut Named<'_>) {
    all.push((name, Value::Id(value)));
}

pub(crate) fn optional_id_value(value: Option<[u8; 16]>, name: &'static str, all: &mut Named<'_>) {
    all.extend(value.map(|value| (name, Value::Id(value))));
}

pub(crate) fn id(values: impl Iterator<Item = [u8; 16]>) -> Result<ArrayRef, ArrowError> {
    optional_id(values.map(Some))
}

pub(crate) fn optional_id(
    values: impl Iterator<Item = Option<[u8; 16]>>,
) -> Result<ArrayRef, ArrowError> {
    let mut builder = BinaryBuilder::new();
    for value in values {
        builder.append_option(value);
    }
    Ok(Arc::new(builder.finish()))
}

pub(crate) fn text<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

pub(crate) fn label<'a>(
    values: impl Iterator<Item = Option<&'a str>>,
) -> Result<ArrayRef, ArrowError> {
    let mut builder = StringDictionaryBuilder::<Int32Type>::new();
    for value in values {
        match value {
            Some(value) => {
                builder.append(value)?;
            }
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

pub(crate) fn int(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<Int64Array>())
}

pub(crate) fn float(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.collect::<Float64Array>())
}

pub(crate) fn flag(values: impl Iterator<Item = Option<bool>>) -> ArrayRef {
    Arc::new(values.collect::<BooleanArray>())
}

pub(crate) fn time(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone(UTC))
}

/// Hands each non-null value of column `name`, if the batch has it, to `set` with its row.
fn read<R, T>(
    batch: &RecordBatch,
    name: &str,
    rows: &mut [R],
    value: impl Fn(&ArrayRef, usize) -> Option<T>,
    mut set: impl FnMut(&mut R, T),
) -> Result<(), ArrowError> {
    let Some(column) = batch.column_by_name(name) else {
        return Ok(());
    };
    for (index, row) in rows.iter_mut().enumerate() {
        if column.is_null(index) {
            continue;
        }
        let value = value(column, index).ok_or_else(|| {
            ArrowError::SchemaError(format!("column {name} cannot be a {}", column.data_type()))
        })?;
        set(row, value);
    }
    Ok(())
}

fn string_at(column: &ArrayRef, index: usize) -> Option<String> {
    if let Some(strings) = column.as_string_opt::<i32>() {
        return Some(strings.value(index).to_owned());
    }
    if let Some(dictionary) = column.as_dictionary_opt::<Int32Type>() {
        let key = usize::try_from(dictionary.keys().value(index)).ok()?;
        return dictionary
            .values()
            .as_string_opt::<i32>()
            .map(|values| values.value(key).to_owned());
    }
    if let Some(strings) = column.as_string_view_opt() {
        return Some(strings.value(index).to_owned());
    }
    column.as_string_opt::<i64>().map(|strings| strings.value(index).to_owned())
}

fn bytes_at(column: &ArrayRef, index: usize) -> Option<[u8; 16]> {
    if let Some(bytes) = column.as_binary_opt::<i32>() {
        return bytes.value(index).try_into().ok();
    }
    if let Some(bytes) = column.as_binary_view_opt() {
        return bytes.value(index).try_into().ok();
    }
    column.as_fixed_size_binary_opt().and_then(|bytes| bytes.value(index).try_into().ok())
}

pub(crate) fn read_id<R>(
    batch: &RecordBatch,
    name: &str,
    rows: &mut [R],
    set: impl FnMut(&mut R, [u8; 16]),
) -> Result<(), ArrowError> {
    read(batch, name, rows, bytes_at, set)
}

pub(crate) fn read_optional_id<R>(
    batch: &RecordBatch,
    name: &str,
    rows: &mut [R],
    mut set: impl FnMut(&mut R, Option<[u8; 16]>),
) -> Result<(), ArrowError> {
    read(batch, name, rows, bytes_at, |row, value| set(row, Some(value)))
}

pub(crate) fn read_text<R>(
    batch: &RecordBatch,
    name: &str,
    rows: &mut [R],
    mut set: impl FnMut(&mut R, Option<String>),
) -> Result<(), ArrowError> {
    read(batch, name, rows, string_at, |row, value| set(row, Some(value)))
}

pub(crate) fn read_label<R>(
    batch: &RecordBatch,
    name: &str,
    rows: &mut [R],
    set: impl FnMut(&mut R, Option<String>),
) -> Result<(), ArrowError> {
    read_text(batch, name, rows, set)
}

pub(crate) fn read_int<R>(
    batch: &RecordBatch,
    name: &str,
    rows: &mut [R],
    mut set: impl FnMut(&mut R, Option<i64>),
) -> Result<(), ArrowError> {
    let value = |column: &ArrayRef, index| {
        column.as_primitive_opt::<Int64Type>().map(|values| values.value(index))
    };
    read(batch, name, rows, value, |row, value| set(row, Some(value)))
}

pub(crate) fn read_float<R>(
    batch: &RecordBatch,
    name: &str,
    rows: &mut [R],
    mut set: impl FnMut(&mut R, Option<f64>),
) -> Result<(), ArrowError> {
    let value = |column: &ArrayRef, index| {
        column.as_primitive_opt::<Float64Type>().map(|values| values.value(index))
    };
    read(batch, name, rows, value, |row, value| set(row, Some(value)))
}

pub(crate) fn read_flag<R>(
    batch: &RecordBatch,
    name: &str,
    rows: &mut [R],
    mut set: impl FnMut(&mut R, Option<bool>),
) -> Result<(), ArrowError> {
    let value =
        |column: &ArrayRef, index| column.as_boolean_opt().map(|values| values.value(index));
    read(batch, name, rows, value, |row, value| set(row, Some(value)))
}

pub(crate) fn read_time<R>(
    batch: &RecordBatch,
    name: &str,
    rows: &mut [R],
    mut set: impl FnMut(&mut R, Option<i64>),
) -> Result<(), ArrowError> {
    let value = |column: &ArrayRef, index| {
        column.as_primitive_opt::<TimestampMicrosecondType>().map(|values| values.value(index))
    };
    read(batch, name, rows, value, |row, value| set(row, Some(value)))
}
