//! Ruling out row groups and pages of a file.

use std::collections::BTreeMap;

use arrow_array::{Array, ArrayRef, UInt64Array};
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, RowSelection};
use parquet::bloom_filter::Sbbf;

use crate::scan::fetch::Fetch;
use crate::scan::filter::Filter;
use crate::scan::leaf::{Known, Leaf};
use crate::scan::value::value_at;
use crate::{Error, Value};

/// Row groups whose statistics do not rule out a match.
pub(crate) fn row_groups(file: &ArrowReaderMetadata, filter: &Filter) -> Result<Vec<usize>, Error> {
    let groups = file.metadata().row_groups();
    let mut known = BTreeMap::new();
    for column in filter.columns() {
        let rows = groups.iter().map(|group| u64::try_from(group.num_rows()).ok());
        let of_groups = match converter(file, column)? {
            None => rows.map(Known::absent).collect(),
            Some(converter) => combine(
                rows,
                &converter.row_group_mins(groups)?,
                &converter.row_group_maxes(groups)?,
                &converter.row_group_null_counts(groups)?,
            ),
        };
        known.insert(column, of_groups);
    }
    Ok((0..groups.len())
        .filter(|group| {
            filter.may_match(&mut |leaf: &Leaf| {
                known
                    .get(leaf.column.as_str())
                    .and_then(|of_groups| of_groups.get(*group))
                    .is_none_or(|known| leaf.may_match(known))
            })
        })
        .collect())
}

/// Whether the row group's Bloom filters do not rule out a match.
pub(crate) async fn may_be_in_bloom_filters(
    file: &mut ParquetRecordBatchStreamBuilder<Fetch>,
    group: usize,
    filter: &Filter,
) -> Result<bool, Error> {
    let mut wanted = Vec::new();
    filter.may_match(&mut |leaf| {
        if leaf.wanted().is_some() {
            wanted.push(leaf.column.clone());
        }
        true
    });
    let mut filters: BTreeMap<String, Sbbf> = BTreeMap::new();
    for column in wanted {
        let index = file.parquet_schema().columns().iter().position(|it| it.name() == column);
        let Some(index) = index else { continue };
        if let Some(found) = file.get_row_group_column_bloom_filter(group, index).await? {
            filters.insert(column, found);
        }
    }
    Ok(filter.may_match(&mut |leaf| match (leaf.wanted(), filters.get(&leaf.column)) {
        (Some(values), Some(filter)) => values.iter().any(|value| may_hold(filter, value)),
        _ => true,
    }))
}

fn may_hold(filter: &Sbbf, value: &Value) -> bool {
    match value {
        Value::Text(text) => filter.check(text.as_str()),
        Value::Bytes(bytes) => filter.check(bytes.as_slice()),
        Value::Int(number) | Value::Time(number) => filter.check(number),
        Value::Float(_) | Value::Flag(_) => true,
    }
}

/// Rows of a row group whose pages do not rule out a match; `None` stands for all.
pub(crate) fn rows(
    file: &ArrowReaderMetadata,
    group: usize,
    filter: &Filter,
) -> Result<Option<RowSelection>, Error> {
    let of_parts = |parts: &[Filter]| {
        parts.iter().map(|part| rows(file, group, part)).collect::<Result<Vec<_>, _>>()
    };
    match filter {
        Filter::All(parts) => {
            let known = of_parts(parts)?.into_iter().flatten();
            Ok(known.reduce(|one, other| one.intersection(&other)))
        }
        Filter::Any(parts) => {
            let all: Option<Vec<_>> = of_parts(parts)?.into_iter().collect();
            Ok(all.and_then(|all| all.into_iter().reduce(|one, other| one.union(&other))))
        }
        Filter::Leaf(leaf) => rows_of_leaf(file, group, leaf),
    }
}

fn rows_of_leaf(
    file: &ArrowReaderMetadata,
    group: usize,
    leaf: &Leaf,
) -> Result<Option<RowSelection>, Error> {
    let metadata = file.metadata();
    let (Some(columns), Some(offsets)) = (metadata.column_index(), metadata.offset_index()) else {
        return Ok(None);
    };
    let Some(converter) = converter(file, &leaf.column)? else { return Ok(None) };
    let Some(counts) = converter.data_page_row_counts(offsets, metadata.row_groups(), [&group])?
    else {
        return Ok(None);
    };
    let known = combine(
        counts.iter(),
        &converter.data_page_mins(columns, offsets, [&group])?,
        &converter.data_page_maxes(columns, offsets, [&group])?,
        &converter.data_page_null_counts(columns, offsets, [&group])?,
    );
    let mut start = 0;
    let mut selected = Vec::new();
    for page in known {
        let rows = page.rows.and_then(|rows| usize::try_from(rows).ok()).unwrap_or_default();
        if leaf.may_match(&page) {
            selected.push(start..start + rows);
        }
        start += rows;
    }
    Ok(Some(RowSelection::from_consecutive_ranges(selected.into_iter(), start)))
}

fn combine(
    rows: impl Iterator<Item = Option<u64>>,
    minima: &ArrayRef,
    maxima: &ArrayRef,
    nulls: &UInt64Array,
) -> Vec<Known> {
    let value = |values: &ArrayRef, index| {
        (index < values.len()).then(|| value_at(values, index)).flatten()
    };
    rows.enumerate()
        .map(|(index, rows)| Known {
            minimum: value(minima, index),
            maximum: value(maxima, index),
            nulls: (index < nulls.len() && nulls.is_valid(index)).then(|| nulls.value(index)),
            rows,
        })
        .collect()
}

/// Statistics of a column; nothing where the file lacks it.
fn converter<'a>(
    file: &'a ArrowReaderMetadata,
    column: &'a str,
) -> Result<Option<StatisticsConverter<'a>>, Error> {
    if file.schema().column_with_name(column).is_none() {
        return Ok(None);
    }
    let converter = StatisticsConverter::try_new(column, file.schema(), file.parquet_schema())?;
    Ok(Some(converter.with_missing_null_counts_as_zero(false)))
}
