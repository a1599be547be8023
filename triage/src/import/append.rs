//! Adding rows to the archive in batches, each row once.

use std::collections::HashSet;

use blotter_archive::Archive;
use blotter_schemas::normalise::Rows;
use blotter_schemas::tables::Row;

use super::{Summary, record};
use crate::Error;

/// Rows that are gathered before they are written.
const ROWS_LIMIT: usize = 16_000;
/// Bytes of request bodies that are gathered before their rows are written.
const BYTES_LIMIT: usize = 32 << 20;
/// Rows of one batch.
const BATCH: usize = 16_000;

/// Gathers rows and writes those that the archive lacks.
pub(super) struct Appender<'a> {
    archive: &'a Archive,
    rows: Rows,
    bytes: usize,
}

impl<'a> Appender<'a> {
    pub(super) fn new(archive: &'a Archive) -> Self {
        Self { archive, rows: Rows::default(), bytes: 0 }
    }

    /// Where the rows of a body of `bytes` bytes are put.
    pub(super) fn rows(&mut self, bytes: usize) -> &mut Rows {
        self.bytes = self.bytes.saturating_add(bytes);
        &mut self.rows
    }

    pub(super) async fn flush_if_full(&mut self, summary: &mut Summary) -> Result<(), Error> {
        if self.rows.len() >= ROWS_LIMIT || self.bytes >= BYTES_LIMIT {
            self.flush(summary).await?;
        }
        Ok(())
    }

    /// Writes what was gathered: spans and metrics before the events derived from spans, so that
    /// after a crash no event points to a span that is not there.
    pub(super) async fn flush(&mut self, summary: &mut Summary) -> Result<(), Error> {
        let mut rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        // What a file holds is no word of an import, whatever it calls itself: its record says what it was.
        for row in rows.events.iter_mut().filter(|row| record::is_of_import(row)) {
            row.session_id = None;
        }
        self.write(rows, summary).await
    }

    /// Writes rows that an import itself made.
    pub(super) async fn write(&self, rows: Rows, summary: &mut Summary) -> Result<(), Error> {
        self.table(rows.spans, summary).await?;
        self.table(rows.metrics, summary).await?;
        self.table(rows.events, summary).await
    }

    async fn table<R: Row>(&self, mut rows: Vec<R>, summary: &mut Summary) -> Result<(), Error> {
        let total = rows.len();
        let mut seen = HashSet::new();
        rows.retain(|row| seen.insert(row.event_id()));
        let mut added = 0;
        let mut batches = Vec::new();
        for chunk in rows.chunks(BATCH) {
            batches.push(R::to_batch(chunk)?);
        }
        let known = self.archive.existing_ids(R::TABLE, &batches).await?;
        if !known.is_empty() {
            rows.retain(|row| !known.contains(&row.event_id()));
            batches.clear();
            for chunk in rows.chunks(BATCH) {
                batches.push(R::to_batch(chunk)?);
            }
        }
        if !rows.is_empty() {
            added = rows.len();
            self.archive.append(R::TABLE, batches, None).await?;
        }
        let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
        summary.added += count(added);
        summary.known += count(total.saturating_sub(added));
        Ok(())
    }
}
