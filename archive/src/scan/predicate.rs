//! Which rows a scan wants.

use crate::Value;

/// Which rows a scan wants. An absent value matches nothing but [`Predicate::IsNull`], also below
/// [`Predicate::Not`], as in SQL.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// All of these; an empty list matches every row.
    And(Vec<Predicate>),
    /// Any of these; an empty list matches no row.
    Or(Vec<Predicate>),
    /// Not this.
    Not(Box<Predicate>),
    /// The column compared with a value.
    Compare {
        /// Column of the table.
        column: String,
        /// How.
        op: Op,
        /// With what.
        value: Value,
    },
    /// The column is one of these.
    In {
        /// Column of the table.
        column: String,
        /// The values.
        values: Vec<Value>,
    },
    /// The text of the column begins so.
    StartsWith {
        /// Column of the table.
        column: String,
        /// How it begins.
        prefix: String,
    },
    /// The column has no value.
    IsNull {
        /// Column of the table.
        column: String,
    },
}

/// How a column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `=`
    Eq,
    /// `!=`
    NotEq,
    /// `<`
    Lt,
    /// `<=`
    LtEq,
    /// `>`
    Gt,
    /// `>=`
    GtEq,
}

impl Predicate {
    /// `column op value`.
    pub fn compare(column: impl Into<String>, op: Op, value: impl Into<Value>) -> Self {
        Self::Compare { column: column.into(), op, value: value.into() }
    }

    /// `column = value`.
    pub fn equals(column: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::compare(column, Op::Eq, value)
    }

    /// `column` is one of `values`.
    pub fn one_of<V: Into<Value>>(
        column: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self::In { column: column.into(), values: values.into_iter().map(Into::into).collect() }
    }

    /// The text of `column` begins with `prefix`.
    pub fn starts_with(column: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self::StartsWith { column: column.into(), prefix: prefix.into() }
    }

    /// `column` has no value.
    pub fn is_null(column: impl Into<String>) -> Self {
        Self::IsNull { column: column.into() }
    }

    /// Both this and `other`.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::And(mut all) => {
                all.push(other);
                Self::And(all)
            }
            one => Self::And(vec![one, other]),
        }
    }

    /// This or `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::Or(mut any) => {
                any.push(other);
                Self::Or(any)
            }
            one => Self::Or(vec![one, other]),
        }
    }

    /// The opposite; an absent value still does not match.
    #[must_use]
    pub fn negate(self) -> Self {
        Self::Not(Box::new(self))
    }
}
