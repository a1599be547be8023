//! Reading OTLP messages as tolerantly as real agents demand: numbers as strings, booleans as strings,
//! empty values, duplicate keys.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

/// A view of an attribute list. Where a key stands twice, the last one wins (Codex sends
/// `aborted` = false and then true on a cancelled call).
#[derive(Debug, Clone, Copy, Default)]
pub struct Attributes<'a>(pub &'a [KeyValue]);

impl<'a> Attributes<'a> {
    /// The value of `key`, unless it is absent or empty (`{}`).
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&'a Value> {
        let last = self.0.iter().rev().find(|attribute| attribute.key == key)?;
        last.value.as_ref()?.value.as_ref()
    }

    /// Whether `key` is there at all, even with an empty value.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.0.iter().any(|attribute| attribute.key == key)
    }

    /// A string value, as it stands; not a number made into one.
    #[must_use]
    pub fn str(&self, key: &str) -> Option<&'a str> {
        match self.value(key)? {
            Value::StringValue(text) => Some(text),
            _ => None,
        }
    }

    /// Any value as text: strings as they stand, the rest as [`text`] writes it. An empty string is
    /// none: agents send one where they mean "not applicable".
    #[must_use]
    pub fn text(&self, key: &str) -> Option<String> {
        text(self.value(key)?).filter(|text| !text.is_empty())
    }

    /// The first of `keys` that has a value, as [`Self::text`] gives it.
    #[must_use]
    pub fn first_text(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| self.text(key))
    }

    /// An integer, also where it was sent as a string or as a whole double.
    #[must_use]
    pub fn int(&self, key: &str) -> Option<i64> {
        match self.value(key)? {
            Value::IntValue(value) => Some(*value),
            Value::DoubleValue(value) => whole(*value),
            Value::StringValue(value) => {
                let value = value.trim();
                value.parse().ok().or_else(|| value.parse().ok().and_then(whole))
            }
            _ => None,
        }
    }

    /// A number, also where it was sent as a string.
    #[must_use]
    pub fn float(&self, key: &str) -> Option<f64> {
        match self.value(key)? {
            #[expect(clippy::cast_precision_loss, reason = "a number for people to read")]
            Value::IntValue(value) => Some(*value as f64),
            Value::DoubleValue(value) => Some(*value),
            Value::StringValue(value) => value.trim().parse().ok(),
            _ => None,
        }
    }

    /// A boolean, also where it was sent as a string.
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.value(key)? {
            Value::BoolValue(value) => Some(*value),
            Value::StringValue(value) if value.eq_ignore_ascii_case("true") => Some(true),
            Value::StringValue(value) if value.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// A duration sent in milliseconds, in nanoseconds.
    #[must_use]
    pub fn milliseconds_as_nanos(&self, key: &str) -> Option<i64> {
        if let Some(whole) = self.int(key) {
            return whole.checked_mul(1_000_000);
        }
        whole((self.float(key)? * 1e6).round())
    }
}

/// A double without a fraction that fits, as an integer.
fn whole(value: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
    (value.fract() == 0.0 && value.abs() < 9.0e18).then_some(value as i64)
}

/// A value as text: strings as they stand, the rest as JSON of the plain value.
#[must_use]
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::StringValue(text) => Some(text.clone()),
        other => plain(other, 0).map(|value| value.to_string()),
    }
}

/// Deepest nesting that [`text`] follows.
const DEPTH: usize = 64;

fn plain(value: &Value, depth: usize) -> Option<serde_json::Value> {
    use base64::Engine as _;
    use serde_json::Value as Json;
    if depth > DEPTH {
        return None;
    }
    let any = |any: Option<&AnyValue>| {
        any.and_then(|any| any.value.as_ref())
            .map_or(Some(Json::Null), |value| plain(value, depth + 1))
    };
    Some(match value {
        Value::StringValue(text) => Json::String(text.clone()),
        Value::BoolValue(value) => Json::Bool(*value),
        Value::IntValue(value) => Json::from(*value),
        Value::DoubleValue(value) => Json::from(*value),
        Value::ArrayValue(array) => {
            Json::Array(array.values.iter().map(|value| any(Some(value))).collect::<Option<_>>()?)
        }
        Value::KvlistValue(list) => Json::Object(
            list.values
                .iter()
                .map(|entry| Some((entry.key.clone(), any(entry.value.as_ref())?)))
                .collect::<Option<_>>()?,
        ),
        Value::BytesValue(bytes) => {
            Json::String(base64::engine::general_purpose::STANDARD.encode(bytes))
        }
        Value::StringValueStrindex(index) => Json::from(*index),
    })
}

/// Number of rows a metric becomes: its points, or one where it has none.
#[must_use]
pub fn row_count(metric: &Metric) -> usize {
    point_count(metric).max(1)
}

fn point_count(metric: &Metric) -> usize {
    match &metric.data {
        None => 0,
        Some(Data::Gauge(data)) => data.data_points.len(),
        Some(Data::Sum(data)) => data.data_points.len(),
        Some(Data::Histogram(data)) => data.data_points.len(),
        Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
        Some(Data::Summary(data)) => data.data_points.len(),
    }
}
