//! Recognising copies of one event among rows that come in order.
//!
//! A record that was sent twice has one event id (which covers its sender) and one time, so that its
//! copies are neighbours: they differ in nothing that the order looks at but the journal position.
//! Only a record without any time of its own is stamped anew each time it is received; such rows of
//! the current session are remembered, up to a limit.

use std::collections::{HashSet, VecDeque};

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array as _, RecordBatch, StringArray};
use blotter_schemas::names::blotter::TimeSource;

use crate::table_definition::TIE;

/// Columns, beside those of the order, that tell which of two copies is kept.
pub(crate) const COLUMNS: [&str; 4] = ["sender", "time_source", "received_time", "collector_id"];

/// Rows of a session without a time of their own that are remembered; of more, the oldest are
/// forgotten, and a copy of those is taken for an event of its own.
const REMEMBERED: usize = 1 << 18;

/// What is done with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the first of its event.
    Keep,
    /// It is a copy that was received before the one that was picked as number so-and-so: it takes
    /// that one's place.
    Replace(usize),
    /// It is a copy.
    Drop,
}

/// Recognises copies.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// What the order says of the current rows but for the journal position.
    place: Vec<u8>,
    /// Rows of that place which are kept: one a sender.
    kept: Vec<Kept>,
    session: Option<String>,
    seen: HashSet<(Option<String>, Vec<u8>)>,
    seen_order: VecDeque<(Option<String>, Vec<u8>)>,
}

#[derive(Debug)]
struct Kept {
    sender: Option<String>,
    receipt: Receipt,
    /// Its number among the picked rows; none if it was handed out before.
    pick: Option<usize>,
}

/// Which of two copies was received first; where that is unknown, last.
type Receipt = (i64, i64, Option<String>);

impl Copies {
    /// Whether a row with this place belongs to the same event as the row before it may.
    pub(super) fn continues(&self, place: &[u8]) -> bool {
        self.place == place
    }

    /// Looks at the next row; `pick` is the number it would have, none if it lies in a part that was
    /// handed out before.
    pub(super) fn judge(
        &mut self,
        place: &[u8],
        batch: &RecordBatch,
        row: usize,
        pick: Option<usize>,
    ) -> Verdict {
        if self.place != place {
            place.clone_into(&mut self.place);
            self.kept.clear();
        }
        let sender = label(batch, "sender", row).map(str::to_owned);
        let receipt = receipt(batch, row);
        if let Some(kept) = self.kept.iter_mut().find(|kept| kept.sender == sender) {
            return match kept.pick {
                Some(number) if receipt < kept.receipt => {
                    kept.receipt = receipt;
                    Verdict::Replace(number)
                }
                _ => Verdict::Drop,
            };
        }
        let again = self.was_seen(batch, row, sender.as_deref());
        self.kept.push(Kept { sender, receipt, pick: pick.filter(|_| !again) });
        if again { Verdict::Drop } else { Verdict::Keep }
    }

    /// Picked rows were handed out: none can be replaced any more.
    pub(super) fn handed_out(&mut self) {
        for kept in &mut self.kept {
            kept.pick = None;
        }
    }

    /// Whether a row of a session has no time of its own and an event that was there before.
    fn was_seen(&mut self, batch: &RecordBatch, row: usize, sender: Option<&str>) -> bool {
        let session = text(batch, "session_id", row);
        if self.session.as_deref() != session {
            self.session = session.map(str::to_owned);
            self.seen.clear();
            self.seen_order.clear();
        }
        if session.is_none() || label(batch, "time_source", row) != Some(RECEIVED) {
            return false;
        }
        let ids = batch.column_by_name("event_id").and_then(|ids| ids.as_binary_opt::<i32>());
        let Some(id) = ids.filter(|ids| ids.is_valid(row)).map(|ids| ids.value(row)) else {
            return false;
        };
        let key = (sender.map(str::to_owned), id.to_vec());
        if self.seen.contains(&key) {
            return true;
        }
        if self.seen_order.len() >= REMEMBERED
            && let Some(oldest) = self.seen_order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        self.seen.insert(key.clone());
        self.seen_order.push_back(key);
        false
    }
}

const RECEIVED: &str = TimeSource::Received.as_str();

fn receipt(batch: &RecordBatch, row: usize) -> Receipt {
    let received = batch
        .column_by_name("received_time")
        .and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>())
        .filter(|times| times.is_valid(row))
        .map_or(i64::MAX, |times| times.value(row));
    let position = batch
        .column_by_name(TIE)
        .and_then(|positions| positions.as_primitive_opt::<Int64Type>())
        .filter(|positions| positions.is_valid(row))
        .map_or(i64::MAX, |positions| positions.value(row));
    (received, position, label(batch, "collector_id", row).map(str::to_owned))
}

/// Text of a column at a row.
pub(crate) fn text<'a>(batch: &'a RecordBatch, column: &str, row: usize) -> Option<&'a str> {
    let texts = batch.column_by_name(column)?.as_string_opt::<i32>()?;
    texts.is_valid(row).then(|| texts.value(row))
}

/// Text of a column of labels at a row.
pub(crate) fn label<'a>(batch: &'a RecordBatch, column: &str, row: usize) -> Option<&'a str> {
    let labels = batch.column_by_name(column)?.as_dictionary_opt::<Int32Type>()?;
    let values = labels.values().as_any().downcast_ref::<StringArray>()?;
    let key = labels.key(row)?;
    values.is_valid(key).then(|| values.value(key))
}
