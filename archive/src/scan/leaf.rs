//! One test of one column: of a value, of the statistics of many values, of rows.

use std::cmp::Ordering;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_buffer::BooleanBuffer;

use crate::{Op, Value};

/// One test of one column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Leaf {
    /// Column of the table.
    pub(crate) column: String,
    /// What is asked of it.
    pub(crate) test: Test,
}

/// What is asked of a column. Values have the column's type; only [`Test::IsNull`] holds where
/// there is no value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Compare(Op, Value),
    In(Vec<Value>),
    NotIn(Vec<Value>),
    StartsWith(String),
    StartsOther(String),
    IsNull,
    IsPresent,
}

/// What statistics know about the values of a column in some rows; `None` is not known.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Known {
    /// No value is below it.
    pub(crate) minimum: Option<Value>,
    /// No value is above it.
    pub(crate) maximum: Option<Value>,
    /// How many rows have no value.
    pub(crate) nulls: Option<u64>,
    /// How many rows there are.
    pub(crate) rows: Option<u64>,
}

impl Known {
    /// Of `rows` rows none of which has a value.
    pub(crate) fn absent(rows: Option<u64>) -> Self {
        Self { nulls: rows, rows, ..Self::default() }
    }
}

impl Leaf {
    /// Whether a row without value matches.
    pub(crate) fn matches_absent(&self) -> bool {
        self.test == Test::IsNull
    }

    /// The values of which a matching row has one, if there are such.
    pub(crate) fn wanted(&self) -> Option<&[Value]> {
        match &self.test {
            Test::Compare(Op::Eq, value) => Some(std::slice::from_ref(value)),
            Test::In(values) => Some(values),
            _ => None,
        }
    }

    /// Whether one of the rows may match.
    pub(crate) fn may_match(&self, known: &Known) -> bool {
        if self.test == Test::IsNull {
            return known.nulls != Some(0);
        }
        if known.nulls.is_some() && known.nulls == known.rows {
            return false;
        }
        let below = |value: &Value| is(known.minimum.as_ref(), value, Ordering::Greater);
        let above = |value: &Value| is(known.maximum.as_ref(), value, Ordering::Less);
        let only = |value: &Value| {
            is(known.minimum.as_ref(), value, Ordering::Equal)
                && is(known.maximum.as_ref(), value, Ordering::Equal)
        };
        match &self.test {
            Test::Compare(op, value) => match op {
                Op::Eq => !below(value) && !above(value),
                Op::NotEq => !only(value),
                Op::Lt => !below(value) && !is(known.minimum.as_ref(), value, Ordering::Equal),
                Op::LtEq => !below(value),
                Op::Gt => !above(value) && !is(known.maximum.as_ref(), value, Ordering::Equal),
                Op::GtEq => !above(value),
            },
            Test::In(values) => values.iter().any(|value| !below(value) && !above(value)),
            Test::NotIn(values) => !values.iter().any(only),
            Test::StartsWith(prefix) => {
                let too_low = above(&Value::Text(prefix.clone()));
                let too_high = match &known.minimum {
                    Some(Value::Text(minimum)) => {
                        minimum > prefix && !minimum.starts_with(prefix.as_str())
                    }
                    _ => false,
                };
                !too_low && !too_high
            }
            Test::StartsOther(_) | Test::IsPresent | Test::IsNull => true,
        }
    }

    /// Which rows match.
    pub(crate) fn matches(&self, column: &ArrayRef) -> BooleanArray {
        match &self.test {
            Test::IsNull => return each(column.len(), |index| column.is_null(index)),
            Test::IsPresent => return each(column.len(), |index| column.is_valid(index)),
            _ => {}
        }
        if let Some(dictionary) = column.as_dictionary_opt::<Int32Type>() {
            let of_values = self.matches(dictionary.values());
            return each(column.len(), |index| {
                dictionary.key(index).is_some_and(|key| of_values.value(key))
            });
        }
        if let Some(texts) = column.as_string_opt::<i32>() {
            self.each_value(column, |index| Probe::Text(texts.value(index)))
        } else if let Some(bytes) = column.as_binary_opt::<i32>() {
            self.each_value(column, |index| Probe::Bytes(bytes.value(index)))
        } else if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
            self.each_value(column, |index| Probe::Int(numbers.value(index)))
        } else if let Some(numbers) = column.as_primitive_opt::<Float64Type>() {
            self.each_value(column, |index| Probe::Float(numbers.value(index)))
        } else if let Some(times) = column.as_primitive_opt::<TimestampMicrosecondType>() {
            self.each_value(column, |index| Probe::Int(times.value(index)))
        } else if let Some(flags) = column.as_boolean_opt() {
            self.each_value(column, |index| Probe::Flag(flags.value(index)))
        } else {
            each(column.len(), |_| false)
        }
    }

    fn each_value<'a>(
        &self,
        column: &ArrayRef,
        value: impl Fn(usize) -> Probe<'a>,
    ) -> BooleanArray {
        each(column.len(), |index| column.is_valid(index) && self.test.holds(value(index)))
    }
}

/// A value of a row, borrowed.
#[derive(Clone, Copy)]
enum Probe<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
    Int(i64),
    Float(f64),
    Flag(bool),
}

impl Probe<'_> {
    /// How it compares with `value`; nothing where one is not a number.
    fn order(self, value: &Value) -> Option<Ordering> {
        match (self, value) {
            (Self::Text(one), Value::Text(other)) => Some(one.cmp(other.as_str())),
            (Self::Bytes(one), Value::Bytes(other)) => Some(one.cmp(other.as_slice())),
            (Self::Int(one), Value::Int(other) | Value::Time(other)) => Some(one.cmp(other)),
            (Self::Float(one), Value::Float(other)) => one.partial_cmp(other),
            (Self::Flag(one), Value::Flag(other)) => Some(one.cmp(other)),
            _ => None,
        }
    }
}

impl Test {
    /// Whether a value that is there passes.
    fn holds(&self, probe: Probe<'_>) -> bool {
        match self {
            Self::Compare(op, value) => probe.order(value).is_some_and(|order| match op {
                Op::Eq => order.is_eq(),
                Op::NotEq => order.is_ne(),
                Op::Lt => order.is_lt(),
                Op::LtEq => order.is_le(),
                Op::Gt => order.is_gt(),
                Op::GtEq => order.is_ge(),
            }),
            Self::In(values) => {
                values.iter().any(|value| probe.order(value) == Some(Ordering::Equal))
            }
            // What is not a number compares with nothing, so it is not known to be another value.
            Self::NotIn(values) => {
                values.iter().all(|value| probe.order(value).is_some_and(Ordering::is_ne))
            }
            Self::StartsWith(prefix) => {
                matches!(probe, Probe::Text(text) if text.starts_with(prefix.as_str()))
            }
            Self::StartsOther(prefix) => {
                matches!(probe, Probe::Text(text) if !text.starts_with(prefix.as_str()))
            }
            Self::IsNull => false,
            Self::IsPresent => true,
        }
    }
}

fn each(length: usize, matches: impl Fn(usize) -> bool) -> BooleanArray {
    BooleanArray::from(BooleanBuffer::collect_bool(length, matches))
}

/// Whether `known` compares with `value` as `order` says.
fn is(known: Option<&Value>, value: &Value, order: Ordering) -> bool {
    known.and_then(|known| known.order(value)) == Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    fn leaf(test: Test) -> Leaf {
        Leaf { column: "column".to_owned(), test }
    }

    fn between(minimum: &str, maximum: &str) -> Known {
        Known {
            minimum: Some(text(minimum)),
            maximum: Some(text(maximum)),
            nulls: Some(0),
            rows: Some(9),
        }
    }

    #[test]
    fn statistics_rule_out_only_what_cannot_match() {
        let compare = |op, value: &str| leaf(Test::Compare(op, text(value)));
        let known = between("c", "e");
        for (op, no, yes) in [
            (Op::Eq, vec!["b", "f"], vec!["c", "d", "e"]),
            (Op::Lt, vec!["b", "c"], vec!["d", "f"]),
            (Op::LtEq, vec!["b"], vec!["c", "f"]),
            (Op::Gt, vec!["e", "f"], vec!["a", "d"]),
            (Op::GtEq, vec!["f"], vec!["a", "e"]),
            (Op::NotEq, vec![], vec!["b", "c", "e"]),
        ] {
            for value in no {
                assert!(!compare(op, value).may_match(&known), "{op:?} {value}");
            }
            for value in yes {
                assert!(compare(op, value).may_match(&known), "{op:?} {value}");
            }
        }
        assert!(!compare(Op::NotEq, "c").may_match(&between("c", "c")));
        assert!(!leaf(Test::NotIn(vec![text("b"), text("c")])).may_match(&between("c", "c")));
        assert!(!leaf(Test::In(vec![text("a"), text("z")])).may_match(&known));
        assert!(leaf(Test::In(vec![text("a"), text("d")])).may_match(&known));
    }

    #[test]
    fn a_prefix_is_ruled_out_only_outside_of_the_range() {
        let known = between("codex-1", "codex-7");
        let starts = |prefix: &str| leaf(Test::StartsWith(prefix.to_owned())).may_match(&known);
        assert!(starts("co") && starts("codex-3") && starts("codex-1") && starts(""));
        assert!(!starts("codex-8") && !starts("b") && !starts("d"));
    }

    #[test]
    fn rows_without_values_match_only_the_question_for_them() {
        let absent = Known::absent(Some(9));
        assert!(leaf(Test::IsNull).may_match(&absent));
        assert!(!leaf(Test::IsPresent).may_match(&absent));
        assert!(!leaf(Test::Compare(Op::NotEq, text("a"))).may_match(&absent));
        assert!(!leaf(Test::IsNull).may_match(&between("a", "b")));
    }

    #[test]
    fn what_is_not_known_may_match() {
        for test in [
            Test::Compare(Op::Eq, text("a")),
            Test::In(vec![text("a")]),
            Test::NotIn(vec![text("a")]),
            Test::StartsWith("a".to_owned()),
            Test::StartsOther("a".to_owned()),
            Test::IsNull,
            Test::IsPresent,
        ] {
            assert!(leaf(test.clone()).may_match(&Known::default()), "{test:?}");
        }
    }
}
