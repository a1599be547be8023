//! What of a journalled request goes to a destination, and as what.

use std::panic::{AssertUnwindSafe, catch_unwind};

use blotter_schemas::normalise::{self, Rows};
use blotter_schemas::normalised;
use blotter_schemas::otlp::{Encoding, Request, Signal};
use bytes::Bytes;

use super::destination::Destination;
use super::filter::Filter;
use crate::commit::batch::custody;
use crate::journal::Entry;
use crate::own_events;

/// How requests are prepared for a destination.
#[derive(Debug, Clone)]
pub(crate) struct Preparation {
    takes: [bool; 3],
    normalised: bool,
    filter: Filter,
    collector_id: String,
}

/// What goes there of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prepared {
    pub signal: Signal,
    /// As Protobuf.
    pub body: Bytes,
    pub records: u64,
}

impl Preparation {
    pub(crate) fn new(destination: &Destination, collector_id: &str) -> Self {
        Self {
            takes: Signal::ALL.map(|signal| destination.takes(signal)),
            normalised: destination.normalised,
            filter: Filter::of(destination),
            collector_id: collector_id.to_owned(),
        }
    }

    /// Prepares a request; nothing where nothing of it goes there. What the collector recorded itself
    /// stays here: an event about a destination that is sent there may give cause for another one.
    ///
    /// # Errors
    /// When it cannot be read, although it could when it was accepted.
    pub(super) fn prepare(&self, entry: &Entry) -> Result<Vec<Prepared>, String> {
        let record = &entry.record;
        if record.sender.as_deref() == Some(own_events::SENDER) {
            return Ok(Vec::new());
        }
        let [logs, traces, metrics] = self.takes;
        let as_it_is = match record.signal {
            Signal::Logs => logs && !self.normalised,
            Signal::Traces => traces,
            Signal::Metrics => metrics,
        };
        let as_events = self.normalised && record.signal != Signal::Metrics;
        if as_it_is && !as_events && self.filter.is_idle() && record.encoding == Encoding::Protobuf
        {
            let (signal, records) = (record.signal, u64::from(record.count));
            return Ok(vec![Prepared { signal, body: record.body.clone(), records }]);
        }
        if !as_it_is && !as_events {
            return Ok(Vec::new());
        }
        let work = AssertUnwindSafe(|| self.decode_and_prepare(entry, as_it_is, as_events));
        catch_unwind(work).unwrap_or_else(|_| Err("it cannot be prepared".to_owned()))
    }

    fn decode_and_prepare(
        &self,
        entry: &Entry,
        as_it_is: bool,
        as_events: bool,
    ) -> Result<Vec<Prepared>, String> {
        let record = &entry.record;
        let request = Request::decode(record.signal, record.encoding, &record.body)
            .map_err(|error| error.to_string())?;
        let mut prepared = Vec::new();
        if as_events {
            let mut rows = Rows::default();
            normalise::normalise(&request, &custody(entry, &self.collector_id), &mut rows);
            let events = Request::Logs(normalised::request(&rows.events));
            prepared.extend(self.filtered(events));
        }
        if as_it_is {
            prepared.extend(self.filtered(request));
        }
        Ok(prepared)
    }

    fn filtered(&self, mut request: Request) -> Option<Prepared> {
        if !self.filter.is_idle() {
            self.filter.apply(&mut request);
        }
        let records = u64::try_from(request.record_count()).unwrap_or(u64::MAX);
        let (signal, body) = (request.signal(), Bytes::from(request.encode()));
        (records > 0).then_some(Prepared { signal, body, records })
    }
}
