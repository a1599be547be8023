//! What was sent against what lies in the files of the archive, record by record.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, ensure};
use blotter_schemas::otlp::{Encoding, Request, Signal};
use blotter_schemas::tables::{Event, MetricPoint, Span};

use crate::flood::{Attempt, attempt_of};
use crate::records::split;
use crate::table_files;

/// Sender of what a collector tells of itself.
const COLLECTOR: &str = "collector";

/// What lies in the files of an archive.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Original records, of all tables, by the attempt that they were sent in, with their journal
    /// positions.
    records: BTreeMap<u64, Vec<(i64, Request)>>,
    /// Table and event id of every row, derived ones too.
    ids: BTreeSet<(&'static str, [u8; 16])>,
}

impl Ledger {
    /// Reads the files of the archive at `archive`, a local folder.
    ///
    /// # Errors
    /// When a file cannot be read, or a row is in the files twice.
    pub fn read(archive: &Path) -> anyhow::Result<Self> {
        let mut ledger = Self::default();
        for row in table_files::rows::<Event>(archive)? {
            if row.sender.as_deref() == Some(COLLECTOR) {
                // What the collector tells of itself was not sent.
                ledger.row("events", row.event_id)?;
                continue;
            }
            let record = row.canonical_record()?;
            ledger.row("events", row.event_id)?;
            if let Some(record) = record {
                ledger.record(Signal::Logs, Some(record), row.journal_position)?;
            }
        }
        for row in table_files::rows::<Span>(archive)? {
            ledger.row("spans", row.event_id)?;
            ledger.record(Signal::Traces, row.record, row.journal_position)?;
        }
        for row in table_files::rows::<MetricPoint>(archive)? {
            ledger.row("metrics", row.event_id)?;
            ledger.record(Signal::Metrics, row.record, row.journal_position)?;
        }
        Ok(ledger)
    }

    fn row(&mut self, table: &'static str, id: [u8; 16]) -> anyhow::Result<()> {
        ensure!(self.ids.insert((table, id)), "a row is in the files of {table} twice");
        Ok(())
    }

    fn record(
        &mut self,
        signal: Signal,
        record: Option<String>,
        position: Option<i64>,
    ) -> anyhow::Result<()> {
        let position = position.context("a row without a journal position")?;
        let record = record.context("a row without its record")?;
        let record = Request::decode(signal, Encoding::Json, record.as_bytes())?;
        let number = attempt_of(&record).context("a record that no sender sent")?;
        self.records.entry(number).or_default().push((position, record));
        Ok(())
    }

    /// Number of original records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.values().map(Vec::len).sum()
    }

    /// Whether nothing is archived.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Makes sure that every acknowledged request is there whole and once, every other whole and once
    /// or not at all, and nothing else.
    ///
    /// # Errors
    /// When something is lost, doubled, changed or of unknown origin.
    pub fn holds_what_was_sent(self, attempts: &BTreeMap<u64, Attempt>) -> anyhow::Result<()> {
        let mut found = self.records;
        for (number, attempt) in attempts {
            let Some(mut records) = found.remove(number) else {
                ensure!(!attempt.acknowledged, "acknowledged attempt {number} is lost");
                continue;
            };
            records.sort_by_key(|(position, _)| *position);
            let records: Vec<Request> = records.into_iter().map(|(_, record)| record).collect();
            ensure!(
                records == split(&attempt.request),
                "attempt {number} is not in the archive as it was sent: {records:#?}"
            );
        }
        ensure!(found.is_empty(), "records of attempts that were never made: {:?}", found.keys());
        Ok(())
    }
}
