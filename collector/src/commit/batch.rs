//! Rows on their way to one commit per table.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use blotter_schemas::normalise::{self, Custody, Rows};
use blotter_schemas::otlp::Request;
use blotter_schemas::redacted::Redacted;
use blotter_schemas::tables::{Row, Table};

use super::versions::Versions;
use crate::journal::Entry;

/// Most rows of one Arrow batch.
pub(super) const BATCH_ROWS: usize = 16_000;
/// Rows of a table that are kept as rows before they become an Arrow batch, which takes a fraction of
/// their memory.
const PENDING_ROWS: usize = 4_000;
/// Bytes of requests, expanded, whose rows are kept as rows: no column of an Arrow batch may hold 2 GiB.
const PENDING_BYTES: usize = 64 << 20;

/// Most bytes of one request, expanded, that are turned into rows.
const EXPANDED_BYTES: usize = 512 << 20;

/// Most memory that one request may take, decoded and as rows, in bytes.
const MEMORY_BYTES: usize = 1 << 30;

/// What a stretch of the journal becomes.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Position of its first record.
    pub from: u64,
    /// Position after its last record.
    pub to: u64,
    /// Rows in it.
    pub rows: usize,
    /// Bytes of the requests it was made from, expanded.
    pub bytes: usize,
    /// When its first and last entry were read; none while it is empty.
    pub read: Option<(Instant, Instant)>,
    tables: Tables<Vec<RecordBatch>>,
    pending: Rows,
    pending_bytes: usize,
}

#[derive(Debug, Default)]
struct Tables<T> {
    events: T,
    spans: T,
    metrics: T,
}

impl Batch {
    /// An empty batch that begins at `from`.
    pub(super) fn new(from: u64) -> Self {
        Self { from, to: from, ..Self::default() }
    }

    /// Normalises an entry into the batch, without what `versions` says is committed already.
    pub(super) fn push(
        &mut self,
        entry: &Entry,
        collector_id: &str,
        versions: &Versions,
    ) -> Result<(), ArrowError> {
        let before = self.pending.len();
        let custody = custody(entry, collector_id);
        let bytes = normalise_entry(entry, &custody, &mut self.pending);
        self.rows += self.pending.len() - before;
        skip_committed(entry, versions, &mut self.pending);
        self.bytes = self.bytes.saturating_add(bytes);
        self.pending_bytes = self.pending_bytes.saturating_add(bytes);
        self.to = entry.end();
        let now = Instant::now();
        self.read = Some((self.read.map_or(now, |(first, _)| first), now));
        let least = if self.pending_bytes < PENDING_BYTES { PENDING_ROWS } else { 1 };
        self.build(least)
    }

    /// The finished batches of each table that has rows.
    pub(super) fn finish(
        mut self,
    ) -> Result<impl Iterator<Item = (Table, Vec<RecordBatch>)>, ArrowError> {
        self.build(1)?;
        let Tables { events, spans, metrics } = self.tables;
        let tables = [(Table::Events, events), (Table::Spans, spans), (Table::Metrics, metrics)];
        Ok(tables.into_iter().filter(|(_, batches)| !batches.is_empty()))
    }

    /// Turns pending rows into Arrow batches where a table has at least `least` of them.
    pub(super) fn build(&mut self, least: usize) -> Result<(), ArrowError> {
        if least <= 1 {
            self.pending_bytes = 0;
        }
        build(&mut self.pending.events, least, &mut self.tables.events)?;
        build(&mut self.pending.spans, least, &mut self.tables.spans)?;
        build(&mut self.pending.metrics, least, &mut self.tables.metrics)
    }
}

fn build<R: Row>(
    pending: &mut Vec<R>,
    least: usize,
    batches: &mut Vec<RecordBatch>,
) -> Result<(), ArrowError> {
    if pending.len() >= least {
        for rows in pending.chunks(BATCH_ROWS) {
            batches.push(R::to_batch(rows)?);
        }
        // The capacity of a burst is not kept.
        *pending = Vec::new();
    }
    Ok(())
}

/// Who vouches for the records of an entry.
pub(crate) fn custody(entry: &Entry, collector_id: &str) -> Custody {
    Custody {
        received_time_unix_nano: entry.record.received_unix_nano,
        collector_id: Some(collector_id.to_owned()),
        journal_position: i64::try_from(entry.first).ok(),
        sender: entry.record.sender.clone(),
        peer: entry.record.peer.clone(),
        tenant: entry.record.tenant.clone(),
        redacted: redacted(entry),
    }
}

/// What the journal says of redaction. The checksum holds, so that only another program can have
/// written what cannot be read; the records are no less for it.
fn redacted(entry: &Entry) -> Redacted {
    let (version, bytes) = (entry.record.redaction_version, &entry.record.redactions);
    Redacted::from_bytes(version, bytes).unwrap_or_else(|| {
        tracing::error!(position = entry.first, "what was redacted in a request cannot be read");
        Redacted { version, ..Redacted::default() }
    })
}

/// Whatever was acknowledged becomes rows, even where it cannot be understood. Returns the bytes of the
/// request, expanded.
fn normalise_entry(entry: &Entry, custody: &Custody, rows: &mut Rows) -> usize {
    let record = &entry.record;
    // Intake refuses what takes too much; a journal that was written without that limit may hold it.
    let decoded =
        Request::decode_within(record.signal, record.encoding, &record.body, MEMORY_BYTES);
    let result = decoded.and_then(|request| {
        let bytes = request.expanded_bytes();
        if bytes > EXPANDED_BYTES {
            return Err(blotter_schemas::Error::TooLargeExpanded { bytes, limit: EXPANDED_BYTES });
        }
        // Rows of a request that fails halfway must not stay.
        let mut made = Rows::default();
        let normalised = AssertUnwindSafe(|| normalise::normalise(&request, custody, &mut made));
        catch_unwind(normalised).map_err(|_| blotter_schemas::Error::Normalise)?;
        Ok((made, bytes))
    });
    match result {
        Ok((mut made, bytes)) => {
            rows.events.append(&mut made.events);
            rows.spans.append(&mut made.spans);
            rows.metrics.append(&mut made.metrics);
            bytes.max(record.body.len())
        }
        Err(error) => {
            tracing::error!(
                position = entry.first,
                signal = record.signal.name(),
                "an acknowledged request cannot be normalised and is kept as it is"
            );
            normalise::undecodable(
                record.signal,
                record.encoding,
                &record.body,
                &error,
                custody,
                rows,
            );
            record.body.len()
        }
    }
}

fn skip_committed(entry: &Entry, versions: &Versions, rows: &mut Rows) {
    let Versions { events, spans, metrics } = *versions;
    let missing = |version: u64| {
        move |position: Option<i64>| {
            position.and_then(|it| u64::try_from(it).ok()).is_none_or(|it| it >= version)
        }
    };
    if entry.first < events {
        rows.events.retain(|row| missing(events)(row.journal_position));
    }
    if entry.first < spans {
        rows.spans.retain(|row| missing(spans)(row.journal_position));
    }
    if entry.first < metrics {
        rows.metrics.retain(|row| missing(metrics)(row.journal_position));
    }
}
