//! A predicate bound to a table: checked, without negations, ready to be asked of statistics and
//! rows.

use std::sync::Arc;

use arrow_array::BooleanArray;
use arrow_array::RecordBatch;
use arrow_schema::Schema;
use blotter_schemas::tables::Table;

use crate::scan::leaf::{Leaf, Test};
use crate::{Error, Op, Predicate, Value};

/// A predicate bound to a table. Negation is gone: it was moved into the leaves, which changes
/// nothing about which rows match.
#[derive(Debug, Clone)]
pub(crate) enum Filter {
    /// All of these.
    All(Vec<Filter>),
    /// Any of these.
    Any(Vec<Filter>),
    /// One column.
    Leaf(Arc<Leaf>),
}

impl Filter {
    /// Checks `predicate` against the columns of `table`.
    pub(crate) fn bind(table: Table, predicate: &Predicate) -> Result<Self, Error> {
        bind(table, &table.schema(), predicate, true)
    }

    /// The parts of which every matching row matches every one.
    pub(crate) fn conjuncts(&self) -> &[Filter] {
        match self {
            Self::All(parts) => parts,
            one => std::slice::from_ref(one),
        }
    }

    /// The columns it looks at, each once, in order of their names.
    pub(crate) fn columns(&self) -> Vec<&str> {
        let mut columns = Vec::new();
        self.collect_columns(&mut columns);
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    fn collect_columns<'a>(&'a self, columns: &mut Vec<&'a str>) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().for_each(|part| part.collect_columns(columns));
            }
            Self::Leaf(leaf) => columns.push(&leaf.column),
        }
    }

    /// Whether something may match, given what `possible` says of each leaf.
    pub(crate) fn may_match(&self, possible: &mut impl FnMut(&Leaf) -> bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.may_match(possible)),
            Self::Any(parts) => parts.iter().any(|part| part.may_match(possible)),
            Self::Leaf(leaf) => possible(leaf),
        }
    }

    /// Which rows match. A column that the batch lacks has no values.
    pub(crate) fn matches(&self, batch: &RecordBatch) -> BooleanArray {
        let combine = |parts: &[Self], start: bool, with: fn(bool, bool) -> bool| {
            let mut all = vec![start; batch.num_rows()];
            for part in parts {
                for (so_far, matched) in all.iter_mut().zip(part.matches(batch).values()) {
                    *so_far = with(*so_far, matched);
                }
            }
            BooleanArray::from(all)
        };
        match self {
            Self::All(parts) => combine(parts, true, |one, other| one && other),
            Self::Any(parts) => combine(parts, false, |one, other| one || other),
            Self::Leaf(leaf) => match batch.column_by_name(&leaf.column) {
                Some(column) => leaf.matches(column),
                None => BooleanArray::from(vec![leaf.matches_absent(); batch.num_rows()]),
            },
        }
    }
}

fn bind(
    table: Table,
    schema: &Schema,
    predicate: &Predicate,
    positive: bool,
) -> Result<Filter, Error> {
    let all = |parts: &[Predicate]| {
        parts.iter().map(|part| bind(table, schema, part, positive)).collect::<Result<Vec<_>, _>>()
    };
    let value = |column: &str, value: &Value| {
        let field = schema.field_with_name(column).map_err(|_| unknown(table, column))?;
        value.clone().fitting(field.data_type()).ok_or_else(|| Error::Comparison {
            column: column.to_owned(),
            data_type: field.data_type().to_string(),
            value: value.to_string(),
        })
    };
    let (column, test) = match predicate {
        Predicate::And(parts) if positive => return all(parts).map(Filter::All),
        Predicate::Or(parts) if positive => return all(parts).map(Filter::Any),
        Predicate::And(parts) => return all(parts).map(Filter::Any),
        Predicate::Or(parts) => return all(parts).map(Filter::All),
        Predicate::Not(inner) => return bind(table, schema, inner, !positive),
        Predicate::Compare { column, op, value: against } => {
            let op = if positive { *op } else { opposite(*op) };
            (column, Test::Compare(op, value(column, against)?))
        }
        Predicate::In { column, values } => {
            schema.field_with_name(column).map_err(|_| unknown(table, column))?;
            let values =
                values.iter().map(|one| value(column, one)).collect::<Result<Vec<_>, _>>()?;
            (column, if positive { Test::In(values) } else { Test::NotIn(values) })
        }
        Predicate::StartsWith { column, prefix } => {
            value(column, &Value::Text(prefix.clone()))?;
            let prefix = prefix.clone();
            (column, if positive { Test::StartsWith(prefix) } else { Test::StartsOther(prefix) })
        }
        Predicate::IsNull { column } => {
            schema.field_with_name(column).map_err(|_| unknown(table, column))?;
            (column, if positive { Test::IsNull } else { Test::IsPresent })
        }
    };
    Ok(Filter::Leaf(Arc::new(Leaf { column: column.clone(), test })))
}

fn unknown(table: Table, column: &str) -> Error {
    Error::UnknownColumn { table, column: column.to_owned() }
}

fn opposite(op: Op) -> Op {
    match op {
        Op::Eq => Op::NotEq,
        Op::NotEq => Op::Eq,
        Op::Lt => Op::GtEq,
        Op::LtEq => Op::Gt,
        Op::Gt => Op::LtEq,
        Op::GtEq => Op::Lt,
    }
}
