//! A stretch of the journal on its way to a destination.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use blotter_schemas::otlp::{Encoding, Request, Signal};
use bytes::Bytes;

use super::destination::BatchLimits;
use super::halve::halve;
use super::prepare::Prepared;

/// One request that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parcel {
    /// What it holds.
    pub signal: Signal,
    /// As Protobuf.
    pub body: Bytes,
    /// Records in it.
    pub records: u64,
    /// Which part of what was to be one request: 1 is all of it, 2 and 3 its halves, and so on.
    pub part: u64,
    /// Why it cannot be sent at all.
    pub unfit: Option<String>,
}

/// What is being gathered.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Position of its first record.
    pub from: u64,
    /// Position after the last one that was looked at.
    pub to: u64,
    /// When its first request was read; none while it is empty.
    since: Option<Instant>,
    records: u64,
    bytes: usize,
    /// Requests as Protobuf, one after the other: that is one request with the records of all.
    bodies: [Vec<u8>; 3],
    counts: [u64; 3],
    unfit: Vec<Parcel>,
}

impl Batch {
    pub(super) fn new(from: u64) -> Self {
        Self { from, to: from, ..Self::default() }
    }

    /// Whether nothing was read since it was begun.
    pub(super) const fn is_untouched(&self) -> bool {
        self.to == self.from
    }

    /// Whether so many bytes more would make it larger than it may be.
    pub(super) const fn would_overflow(&self, bytes: usize, limits: &BatchLimits) -> bool {
        self.bytes > 0 && self.bytes.saturating_add(bytes) > limits.bytes
    }

    /// Takes in what goes there of a request that ends at the position `to`.
    pub(super) fn push(&mut self, prepared: Vec<Prepared>, to: u64) {
        self.read_up_to(to);
        for Prepared { signal, body, records } in prepared {
            let index = index(signal);
            if let Some(all) = self.bodies.get_mut(index) {
                all.extend_from_slice(&body);
            }
            if let Some(count) = self.counts.get_mut(index) {
                *count += records;
            }
            self.bytes += body.len();
            self.records += records;
        }
    }

    /// Takes in a request that cannot be sent.
    pub(super) fn push_unfit(&mut self, parcel: Parcel, to: u64) {
        self.read_up_to(to);
        self.bytes += parcel.body.len();
        self.unfit.push(parcel);
    }

    fn read_up_to(&mut self, to: u64) {
        self.to = to;
        self.since.get_or_insert_with(Instant::now);
    }

    /// How long until it is to be sent; none where it is empty.
    pub(super) fn time_left(&self, limits: &BatchLimits) -> Option<Duration> {
        let since = self.since?;
        if self.records >= limits.records || self.bytes >= limits.bytes {
            return Some(Duration::ZERO);
        }
        let due = since + Duration::from_millis(limits.delay_milliseconds);
        Some(due.saturating_duration_since(Instant::now()))
    }

    /// The requests it is sent as.
    pub(super) fn finish(self) -> VecDeque<Parcel> {
        let all = Signal::ALL.into_iter().zip(self.bodies).zip(self.counts);
        let whole = all.filter(|(_, records)| *records > 0).map(|((signal, body), records)| {
            Parcel { signal, body: body.into(), records, part: 1, unfit: None }
        });
        self.unfit.into_iter().chain(whole).collect()
    }
}

impl Parcel {
    /// Two requests with half of its records each; none where it has only one.
    pub(super) fn halves(&self) -> Option<[Self; 2]> {
        let request = Request::decode(self.signal, Encoding::Protobuf, &self.body).ok()?;
        let (first, second) = halve(request)?;
        let half = |request: &Request, part| Self {
            signal: self.signal,
            body: request.encode().into(),
            records: u64::try_from(request.record_count()).unwrap_or(0),
            part,
            unfit: None,
        };
        let part = self.part.saturating_mul(2);
        Some([half(&first, part), half(&second, part.saturating_add(1))])
    }
}

const fn index(signal: Signal) -> usize {
    match signal {
        Signal::Logs => 0,
        Signal::Traces => 1,
        Signal::Metrics => 2,
    }
}
