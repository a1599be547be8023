//! Values that columns are compared with.

use std::cmp::Ordering;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};

/// A value that a column is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text, for text and label columns.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// True or false.
    Flag(bool),
    /// Bytes, for id columns.
    Bytes(Vec<u8>),
    /// Microseconds since the epoch, for time columns.
    Time(i64),
}

impl Value {
    /// How two values of one type compare; nothing where they are of different types or one is not
    /// a number.
    pub(crate) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => Some(one.cmp(other)),
            (Self::Int(one), Self::Int(other)) | (Self::Time(one), Self::Time(other)) => {
                Some(one.cmp(other))
            }
            (Self::Float(one), Self::Float(other)) => one.partial_cmp(other),
            (Self::Flag(one), Self::Flag(other)) => Some(one.cmp(other)),
            (Self::Bytes(one), Self::Bytes(other)) => Some(one.cmp(other)),
            _ => None,
        }
    }

    /// The value as one of `data_type`, where it can be one.
    pub(crate) fn fitting(self, data_type: &DataType) -> Option<Self> {
        let element = match data_type {
            DataType::Dictionary(_, values) => values.as_ref(),
            plain => plain,
        };
        match (element, self) {
            (DataType::Utf8, value @ Self::Text(_))
            | (DataType::Int64, value @ Self::Int(_))
            | (DataType::Float64, value @ Self::Float(_))
            | (DataType::Boolean, value @ Self::Flag(_))
            | (DataType::Binary, value @ Self::Bytes(_))
            | (DataType::Timestamp(TimeUnit::Microsecond, _), value @ Self::Time(_)) => Some(value),
            // Every whole number below 2^53 is exactly itself.
            #[allow(clippy::cast_precision_loss)]
            (DataType::Float64, Self::Int(value)) => Some(Self::Float(value as f64)),
            _ => None,
        }
    }
}

/// The value at `index` of an array without dictionary; nothing where it is absent.
pub(crate) fn value_at(array: &ArrayRef, index: usize) -> Option<Value> {
    if array.is_null(index) {
        return None;
    }
    match array.data_type() {
        DataType::Utf8 => Some(Value::Text(array.as_string::<i32>().value(index).to_owned())),
        DataType::Int64 => Some(Value::Int(array.as_primitive::<Int64Type>().value(index))),
        DataType::Float64 => Some(Value::Float(array.as_primitive::<Float64Type>().value(index))),
        DataType::Boolean => Some(Value::Flag(array.as_boolean().value(index))),
        DataType::Binary => Some(Value::Bytes(array.as_binary::<i32>().value(index).to_vec())),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Some(Value::Time(array.as_primitive::<TimestampMicrosecondType>().value(index)))
        }
        _ => None,
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(value) => write!(f, "the text `{value}`"),
            Self::Int(value) => write!(f, "the number {value}"),
            Self::Float(value) => write!(f, "the number {value}"),
            Self::Flag(value) => write!(f, "{value}"),
            Self::Bytes(value) => write!(f, "{} bytes", value.len()),
            Self::Time(value) => write!(f, "the time {value} µs"),
        }
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

impl From<[u8; 16]> for Value {
    fn from(value: [u8; 16]) -> Self {
        Self::Bytes(value.to_vec())
    }
}
