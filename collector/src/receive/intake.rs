//! What becomes of a request, whatever it came over.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use blotter_schemas::otlp::{self, Encoding, Signal};
use bytes::Bytes;
use tokio::sync::Semaphore;

use super::limits::{self, Compression};
use super::origin::Origin;
use super::status::Refusal;
use crate::admit::{Admission, Ticket};
use crate::config::Limits;
use crate::journal::{Journal, Record};

/// Bodies up to this size are checked on the thread that read them: it takes some 50 microseconds.
const CHECKED_AT_ONCE: usize = 64 << 10;

/// Takes requests in: the stages between a read request and its acknowledgement.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(super) limits: Limits,
    pub(super) admission: Admission,
    journal: Arc<Journal>,
    /// Decompressing and checking at a time: more than the cores would only wait for each other.
    checks: Arc<Semaphore>,
}

/// A request that has been read.
#[derive(Debug)]
pub(super) struct Arrived {
    pub signal: Signal,
    pub encoding: Encoding,
    pub compression: Compression,
    /// As sent.
    pub body: Bytes,
    /// Who it is from.
    pub origin: Origin,
    /// What it was admitted with.
    pub ticket: Ticket,
}

/// A request that may be journalled.
#[derive(Debug)]
struct Checked {
    body: Bytes,
    count: u32,
    ticket: Ticket,
}

impl Intake {
    pub(crate) fn new(limits: Limits, journal: Arc<Journal>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            admission: Admission::new(&limits),
            limits,
            journal,
            checks: Arc::new(Semaphore::new(cores)),
        }
    }

    /// Makes a request durable; when this returns, it may be acknowledged.
    pub(super) async fn accept(&self, arrived: Arrived) -> Result<(), Refusal> {
        let received_unix_nano = now_unix_nano();
        let Arrived { signal, encoding, origin, .. } = &arrived;
        let (signal, encoding, Origin { peer, sender }) = (*signal, *encoding, origin.clone());

        let Checked { body, count, ticket } = self.check(arrived).await?;
        if count == 0 {
            return Ok(());
        }
        // Nothing is redacted yet: secrets are to be taken out of `body` here, before it reaches a disk.
        let record =
            Record { received_unix_nano, signal, encoding, peer: Some(peer), sender, count, body };
        match self.journal.append(record, Some(ticket)).await {
            Ok(_) => Ok(()),
            Err(refused) => Err(Refusal::Unavailable(refused.to_string())),
        }
    }

    /// Decompresses a request, makes sure that it can be decoded, and counts its records. What takes
    /// long is done off the threads that serve connections.
    async fn check(&self, arrived: Arrived) -> Result<Checked, Refusal> {
        let limits = self.limits.clone();
        let quick = arrived.compression == Compression::None
            && arrived.encoding == Encoding::Protobuf
            && arrived.body.len() <= CHECKED_AT_ONCE;
        if quick {
            return check(arrived, &limits);
        }
        let permit = Arc::clone(&self.checks).acquire_owned().await;
        let checking = tokio::task::spawn_blocking(move || {
            let checked = check(arrived, &limits);
            drop(permit);
            checked
        });
        checking.await.unwrap_or(Err(Refusal::Internal))
    }
}

fn check(arrived: Arrived, limits: &Limits) -> Result<Checked, Refusal> {
    let Arrived { signal, encoding, compression, mut body, mut ticket, .. } = arrived;
    if compression == Compression::Gzip {
        let compressed = body.len();
        body = limits::gunzip(&body, limits.request_bytes, &mut ticket)?;
        ticket.release(compressed);
    }
    let count = otlp::check(signal, encoding, &body)
        .map_err(|error| Refusal::Undecodable(error.to_string()))?;
    if count > limits.request_records {
        return Err(Refusal::TooManyRecords { count, limit: limits.request_records });
    }
    let count = u32::try_from(count).map_err(|_| Refusal::Internal)?;
    Ok(Checked { body, count, ticket })
}

fn now_unix_nano() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
