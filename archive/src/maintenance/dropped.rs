//! What is written down about copies that a rewrite dropped.
//!
//! A copy was acknowledged and has a place in a journal; whoever looks for that place must be able to
//! learn that its event is kept under another. The note lies in the metadata of the file that holds
//! the kept rows, and goes with them from rewrite to rewrite.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Array as _, RecordBatch};
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use serde_json::{Map, Value as Json, json};

use crate::scan::copies::label;
use crate::table_definition::TIE;

/// File metadata: journal positions of copies that were dropped, as a JSON object of collector id to
/// ranges `[first, last]`; under `""` the number of copies without a position, which are imports.
pub(crate) const DROPPED_KEY: &str = "blotter.dropped_copies";
/// File metadata: number of copies whose places were too many to be written down.
const MORE_KEY: &str = "more";
/// Ranges that are kept.
const RANGES: usize = 16_384;

/// Places of copies that were dropped.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Dropped {
    collectors: BTreeMap<String, BTreeMap<i64, i64>>,
    ranges: usize,
    imported: u64,
    more: u64,
}

impl Dropped {
    /// Adds the place of one row.
    pub(super) fn add(&mut self, rows: &RecordBatch, row: usize) {
        let position = rows
            .column_by_name(TIE)
            .and_then(|positions| positions.as_primitive_opt::<Int64Type>())
            .filter(|positions| positions.is_valid(row))
            .map(|positions| positions.value(row));
        match label(rows, "collector_id", row).zip(position) {
            Some((collector, position)) => self.add_range(collector, position, position),
            None => self.imported = self.imported.saturating_add(1),
        }
    }

    /// Adds what the footer of a rewritten file says.
    pub(super) fn add_noted(&mut self, footer: &ParquetMetaData) {
        let notes = footer.file_metadata().key_value_metadata().into_iter().flatten();
        for note in notes.filter(|note| note.key == DROPPED_KEY) {
            let Some(Ok(Json::Object(collectors))) =
                note.value.as_deref().map(serde_json::from_str::<Json>)
            else {
                continue;
            };
            for (collector, ranges) in collectors {
                self.add_json(&collector, &ranges);
            }
        }
    }

    fn add_json(&mut self, collector: &str, ranges: &Json) {
        if let Some(number) = ranges.as_u64() {
            let count = if collector == MORE_KEY { &mut self.more } else { &mut self.imported };
            *count = count.saturating_add(number);
        }
        for range in ranges.as_array().into_iter().flatten() {
            let end = |index: usize| range.get(index).and_then(Json::as_i64);
            if let (Some(first), Some(last)) = (end(0), end(1)) {
                self.add_range(collector, first, last);
            }
        }
    }

    fn add_range(&mut self, collector: &str, mut first: i64, mut last: i64) {
        let ranges = self.collectors.entry(collector.to_owned()).or_default();
        // Those that touch or overlap it become one with it.
        let touching: Vec<(i64, i64)> = ranges
            .range(..=last.saturating_add(1))
            .rev()
            .take_while(|(_, end)| end.saturating_add(1) >= first)
            .map(|(start, end)| (*start, *end))
            .collect();
        for (start, end) in touching {
            ranges.remove(&start);
            self.ranges -= 1;
            (first, last) = (first.min(start), last.max(end));
        }
        if self.ranges >= RANGES {
            let length = last.abs_diff(first).saturating_add(1);
            self.more = self.more.saturating_add(length);
            return;
        }
        ranges.insert(first, last);
        self.ranges += 1;
    }

    /// The note; none where nothing was dropped.
    pub(super) fn note(&self) -> Option<KeyValue> {
        if *self == Self::default() {
            return None;
        }
        let mut object = Map::new();
        for (collector, ranges) in &self.collectors {
            object.insert(collector.clone(), ranges.iter().map(|(a, b)| json!([a, b])).collect());
        }
        if self.imported > 0 {
            object.insert(String::new(), self.imported.into());
        }
        if self.more > 0 {
            object.insert(MORE_KEY.to_owned(), self.more.into());
        }
        Some(KeyValue::new(DROPPED_KEY.to_owned(), Json::Object(object).to_string()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_hold_the_positions_that_were_added_and_no_other(
            positions in proptest::collection::btree_set(0_i64..200, 0..80),
            order in any::<u64>(),
        ) {
            let mut shuffled: Vec<i64> = positions.iter().copied().collect();
            shuffled.sort_by_key(|it| (*it as u64 + 1).wrapping_mul(order | 1));
            let mut dropped = Dropped::default();
            for position in shuffled {
                dropped.add_range("c", position, position);
            }
            let ranges = dropped.collectors.get("c").cloned().unwrap_or_default();
            let held: Vec<i64> = ranges.iter().flat_map(|(a, b)| *a..=*b).collect();
            prop_assert_eq!(&held, &positions.into_iter().collect::<Vec<_>>());
            let gaps = ranges.iter().zip(ranges.iter().skip(1)).all(|((_, a), (b, _))| a + 1 < *b);
            prop_assert!(gaps, "neighbours are one range");
            prop_assert_eq!(dropped.ranges, ranges.len());
        }
    }

    #[test]
    fn a_note_is_read_back_into_the_next_one() {
        let mut dropped = Dropped::default();
        for position in [5, 6, 7, 40] {
            dropped.add_range("one", position, position);
        }
        dropped.add_range("two", 1, 1);
        dropped.imported = 3;
        let note = dropped.note().unwrap().value.unwrap();
        assert_eq!(note, r#"{"":3,"one":[[5,7],[40,40]],"two":[[1,1]]}"#);
        let mut next = Dropped::default();
        let Json::Object(read) = serde_json::from_str(&note).unwrap() else { return };
        for (collector, ranges) in read {
            next.add_json(&collector, &ranges);
        }
        assert_eq!(next, dropped);
        assert_eq!(Dropped::default().note(), None);
    }
}
