//! What was sent, acknowledged and taken, and what must therefore be found.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::{Entry, Journal, Record};
use super::CONSUMERS;

/// A promise that was broken.
pub(super) type Broken = String;

/// Everything that was promised to somebody outside.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// By the number in the body.
    sent: BTreeMap<u64, Record>,
    /// Numbers of what was acknowledged or read as durable, by position: from then on it must be there.
    known: BTreeMap<u64, u64>,
    acknowledged: BTreeSet<u64>,
    /// What was refused for want of space, or not found at a start after the process it was sent to:
    /// its sender has sent it again, so it must never appear.
    gone: BTreeSet<u64>,
    consumers: BTreeMap<&'static str, Consumer>,
    /// Position after the last durable record that anybody was told of.
    end: u64,
    incarnation: Option<String>,
    collector_id: Option<String>,
}

/// What a consumer has, in a place that is not on this disk.
#[derive(Debug, Default)]
pub(super) struct Consumer {
    /// Numbers of the records it took.
    taken: BTreeSet<u64>,
    /// Position after the last one; it skips what lies before.
    pub end: u64,
    /// Cursor that is durable.
    promised: u64,
    /// Cursor that may be.
    tried: u64,
}

/// Sums of one run or many.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Totals {
    pub runs: u64,
    pub starts: u64,
    pub power_cuts: u64,
    pub deaths: u64,
    pub sent: usize,
    pub acknowledged: usize,
    pub archived: usize,
}

impl Totals {
    pub(super) fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.starts += other.starts;
        self.power_cuts += other.power_cuts;
        self.deaths += other.deaths;
        self.sent += other.sent;
        self.acknowledged += other.acknowledged;
        self.archived += other.archived;
    }
}

macro_rules! hold {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}

fn number(record: &Record) -> Option<u64> {
    Some(u64::from_le_bytes(*record.body.first_chunk()?))
}

impl Ledger {
    pub(super) fn send(&mut self, number: u64, record: Record) {
        self.sent.insert(number, record);
    }

    pub(super) fn acknowledge(&mut self, number: u64, position: u64) -> Result<(), Broken> {
        let count = self.sent.get(&number).map_or(0, |record| u64::from(record.count));
        self.acknowledged.insert(number);
        self.end = self.end.max(position + count);
        self.know(position, number)
    }

    /// A request that was acknowledged, to be sent again.
    pub(super) fn any_acknowledged(&self, nth: usize) -> Option<(u64, Record)> {
        let nth = nth % self.acknowledged.len().max(1);
        let number = self.acknowledged.iter().nth(nth)?;
        Some((*number, self.sent.get(number)?.clone()))
    }

    pub(super) fn refuse(&mut self, number: u64) {
        self.gone.insert(number);
    }

    fn know(&mut self, position: u64, number: u64) -> Result<(), Broken> {
        let before = self.known.insert(position, number);
        hold!(
            before.is_none_or(|before| before == number),
            "position {position} was given to {before:?} and to {number}"
        );
        Ok(())
    }

    /// An entry that was read: as it was sent, and where it was before.
    fn read(&mut self, entry: &Entry) -> Result<u64, Broken> {
        let found = number(&entry.record).filter(|it| self.sent.get(it) == Some(&entry.record));
        let Some(found) = found else {
            return Err(format!("nobody sent what is read at position {}", entry.first));
        };
        hold!(!self.gone.contains(&found), "{found} was gone and is read at {}", entry.first);
        self.know(entry.first, found)?;
        Ok(found)
    }

    pub(super) fn consumer(&mut self, name: &'static str) -> &mut Consumer {
        self.consumers.entry(name).or_default()
    }

    /// Lets a consumer take up to `most` entries.
    pub(super) fn take(
        &mut self,
        journal: &Journal,
        name: &'static str,
        most: usize,
    ) -> Result<(), Broken> {
        let from = self.consumer(name).end.max(journal.cursor(name));
        let mut reader = journal.reader(from);
        for _ in 0..most {
            let Some(entry) = reader.next().map_err(|error| format!("cannot read: {error}"))?
            else {
                break;
            };
            let number = self.read(&entry)?;
            let consumer = self.consumer(name);
            if entry.end() <= consumer.end {
                continue;
            }
            hold!(
                entry.first == consumer.end,
                "{name} was given {} after {}",
                entry.first,
                consumer.end
            );
            hold!(consumer.taken.insert(number), "{name} was given {number} twice");
            consumer.end = entry.end();
        }
        Ok(())
    }

    pub(super) fn advance(&mut self, name: &'static str, position: u64, done: bool) {
        let consumer = self.consumer(name);
        consumer.tried = consumer.tried.max(position);
        if done {
            consumer.promised = consumer.promised.max(position);
        }
    }

    /// What a start has found must be everything that was promised.
    pub(super) fn started(&mut self, journal: &Journal, collector_id: &str) -> Result<(), Broken> {
        let incarnation = journal.incarnation();
        let known = self.incarnation.get_or_insert_with(|| incarnation.clone());
        hold!(*known == incarnation, "the journal has begun anew");
        let known = self.collector_id.get_or_insert_with(|| collector_id.to_owned());
        hold!(*known == collector_id, "the collector has a new id");
        let end = journal.end();
        hold!(
            end >= self.end,
            "the journal ends at {end}, after it had been durable to {}",
            self.end
        );
        self.end = end;
        let mut oldest = u64::MAX;
        for name in CONSUMERS {
            let cursor = journal.cursor(name);
            oldest = oldest.min(cursor);
            let consumer = self.consumer(name);
            let (promised, tried) = (consumer.promised, consumer.tried);
            hold!(cursor <= end, "the cursor of {name} is {cursor}, the journal ends at {end}");
            hold!(cursor >= promised, "the cursor of {name} went from {promised} back to {cursor}");
            hold!(
                cursor <= tried,
                "the cursor of {name} is {cursor}, nobody set it beyond {tried}"
            );
            hold!(consumer.end <= end, "{name} has {}, the journal ends at {end}", consumer.end);
            consumer.promised = cursor;
        }
        let mut expected = None;
        let mut numbers = BTreeSet::new();
        let mut reader = journal.reader(oldest);
        while let Some(entry) = reader.next().map_err(|error| format!("cannot read: {error}"))? {
            // A cursor may lie inside an entry, which is then given whole.
            let follows = expected.map_or(entry.first <= oldest, |it| it == entry.first);
            hold!(follows, "position {} follows where {expected:?} should", entry.first);
            expected = Some(entry.end());
            let number = self.read(&entry)?;
            hold!(numbers.insert(number), "{number} is there twice");
        }
        let read = expected.unwrap_or(oldest);
        hold!(read == end, "the journal ends at {end}, what can be read at {read}");
        let lost = self.known.range(oldest..).find(|(_, number)| !numbers.contains(number));
        hold!(lost.is_none(), "lost: (position, number) {lost:?}");
        let known: BTreeSet<u64> = self.known.values().copied().collect();
        self.gone.extend(self.sent.keys().filter(|number| !known.contains(number)));
        Ok(())
    }

    /// The end of a run: what was sent, acknowledged and archived; nothing lost, nothing twice.
    pub(super) fn close(&mut self, journal: &Journal) -> Result<Totals, Broken> {
        for name in CONSUMERS {
            self.take(journal, name, usize::MAX)?;
            let taken = self.consumer(name).taken.clone();
            let lost = self.acknowledged.iter().find(|number| !taken.contains(number));
            hold!(lost.is_none(), "{name} never got {lost:?}, which was acknowledged");
        }
        let archived = self.consumer(CONSUMERS[0]).taken.len();
        Ok(Totals {
            sent: self.sent.len(),
            acknowledged: self.acknowledged.len(),
            archived,
            ..Totals::default()
        })
    }
}
