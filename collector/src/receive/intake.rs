//! What becomes of a request, whatever it came over.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use blotter_redaction::Redactor;
use blotter_schemas::otlp::{self, Encoding, Request, Signal};
use bytes::Bytes;
use tokio::sync::Semaphore;

use super::limits::{self, Compression};
use super::origin::Origin;
use super::status::Refusal;
use crate::admit::{Admission, Ticket};
use crate::config::Limits;
use crate::journal::{Journal, REDACTIONS_LIMIT, Record};
use crate::redaction::Redaction;

/// Bodies up to this size are checked on the thread that read them: it takes some 100 microseconds.
const CHECKED_AT_ONCE: usize = 64 << 10;

/// Takes requests in: the stages between a read request and its acknowledgement.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(super) limits: Limits,
    pub(super) admission: Admission,
    journal: Arc<Journal>,
    redaction: Arc<Redaction>,
    /// Decompressing, checking and redacting at a time: more than the cores would only wait for each other.
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

/// A request that can be decoded.
#[derive(Debug)]
struct Checked {
    signal: Signal,
    encoding: Encoding,
    /// Decompressed.
    body: Bytes,
    /// The body decoded, where that was needed to check it.
    decoded: Option<Request>,
    count: usize,
    ticket: Ticket,
}

/// A request that may be journalled: its secrets are taken out.
#[derive(Debug)]
pub(super) struct Clean {
    pub(super) encoding: Encoding,
    pub(super) body: Bytes,
    pub(super) count: u32,
    redaction_version: u16,
    redactions: Bytes,
    ticket: Ticket,
}

impl Intake {
    pub(crate) fn new(limits: Limits, journal: Arc<Journal>, redaction: Arc<Redaction>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            admission: Admission::new(&limits),
            limits,
            journal,
            redaction,
            checks: Arc::new(Semaphore::new(cores)),
        }
    }

    /// Makes a request durable; when this returns, it may be acknowledged.
    pub(super) async fn accept(&self, arrived: Arrived) -> Result<(), Refusal> {
        let received_unix_nano = now_unix_nano();
        let (signal, Origin { peer, sender }) = (arrived.signal, arrived.origin.clone());
        let clean = self.clean(arrived).await?;
        if clean.count == 0 {
            return Ok(());
        }
        let Clean { body, encoding, count, redaction_version, redactions, ticket } = clean;
        let record = Record {
            received_unix_nano,
            signal,
            encoding,
            peer: Some(peer),
            sender,
            count,
            redaction_version,
            redactions,
            body,
        };
        match self.journal.append(record, Some(ticket)).await {
            Ok(_) => Ok(()),
            Err(refused) => Err(Refusal::Unavailable(refused.to_string())),
        }
    }

    /// What may be said of a refusal: some quote what was sent.
    pub(super) fn wording(&self, refusal: &Refusal) -> String {
        let text = refusal.to_string();
        self.redaction.redactor().redact_text(&text).unwrap_or(text)
    }

    /// Decompresses a request, makes sure that it can be decoded, and takes its secrets out. What takes
    /// long is done off the threads that serve connections. Whatever goes wrong, the request is
    /// refused: nothing goes on that was not searched.
    pub(super) async fn clean(&self, arrived: Arrived) -> Result<Clean, Refusal> {
        let redactor = self.redaction.redactor();
        let limits = self.limits.clone();
        let quick = arrived.compression == Compression::None
            && arrived.encoding == Encoding::Protobuf
            && arrived.body.len() <= CHECKED_AT_ONCE;
        if !quick {
            let clean = move || {
                let checked = check(arrived, &limits)?;
                if checked.may_contain(&redactor) {
                    redact(checked, &limits, &redactor)
                } else {
                    checked.unchanged(&redactor)
                }
            };
            return self.apart(clean).await;
        }
        let checked = check(arrived, &limits)?;
        if checked.may_contain(&redactor) {
            return self.apart(move || redact(checked, &limits, &redactor)).await;
        }
        checked.unchanged(&redactor)
    }

    /// Works off the threads that serve connections.
    async fn apart(
        &self,
        work: impl FnOnce() -> Result<Clean, Refusal> + Send + 'static,
    ) -> Result<Clean, Refusal> {
        let permit = Arc::clone(&self.checks).acquire_owned().await;
        let working = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        working.await.unwrap_or_else(|error| {
            // A panic is a fault of ours that the same request would meet again; that we are stopping
            // says nothing about it.
            let stopping = || Refusal::Unavailable("the collector is stopping".to_owned());
            Err(if error.is_cancelled() { stopping() } else { Refusal::Internal })
        })
    }
}

impl Checked {
    fn may_contain(&self, redactor: &Redactor) -> bool {
        redactor.may_contain(self.signal, self.encoding, &self.body)
    }

    /// Byte by byte.
    fn unchanged(self, redactor: &Redactor) -> Result<Clean, Refusal> {
        Ok(Clean {
            encoding: self.encoding,
            body: self.body,
            count: u32::try_from(self.count).map_err(|_| Refusal::Internal)?,
            redaction_version: redactor.rules_version(),
            redactions: Bytes::new(),
            ticket: self.ticket,
        })
    }
}

/// Decompresses a request, makes sure that it can be decoded, and counts its records.
fn check(arrived: Arrived, limits: &Limits) -> Result<Checked, Refusal> {
    let Arrived { signal, encoding, compression, mut body, mut ticket, .. } = arrived;
    if compression == Compression::Gzip {
        let compressed = body.len();
        body = limits::gunzip(&body, limits.request_bytes, &mut ticket)?;
        ticket.release(compressed);
    }
    let too_large_expanded = || Refusal::TooLargeExpanded { limit: limits.expanded_bytes };
    let undecodable = |error: blotter_schemas::Error| Refusal::Undecodable(error.to_string());
    let (decoded, count) = match encoding {
        Encoding::Protobuf => {
            let count = otlp::check(signal, encoding, &body).map_err(undecodable)?;
            // A body whose fields can be passed over need not be decoded to know how large it becomes.
            let decoded = match otlp::expanded_bytes(signal, &body) {
                Some(bytes) if bytes > limits.expanded_bytes => return Err(too_large_expanded()),
                Some(_) => None,
                None => Some(Request::decode(signal, encoding, &body).map_err(undecodable)?),
            };
            (decoded, count)
        }
        // JSON is checked by decoding it.
        Encoding::Json => {
            let request = Request::decode(signal, encoding, &body).map_err(undecodable)?;
            let count = request.record_count();
            (Some(request), count)
        }
    };
    if decoded.as_ref().is_some_and(|request| request.expanded_bytes() > limits.expanded_bytes) {
        return Err(too_large_expanded());
    }
    if count > limits.request_records {
        return Err(Refusal::TooManyRecords { count, limit: limits.request_records });
    }
    Ok(Checked { signal, encoding, body, decoded, count, ticket })
}

/// Takes the secrets out of a request. It is written anew even where none is found: what a decoder
/// passes over, such as unknown fields, may hold one too.
fn redact(checked: Checked, limits: &Limits, redactor: &Redactor) -> Result<Clean, Refusal> {
    let Checked { signal, encoding, body: sent, decoded, count, mut ticket } = checked;
    let mut request = match decoded {
        Some(request) => request,
        None => Request::decode(signal, encoding, &sent)
            .map_err(|error| Refusal::Undecodable(error.to_string()))?,
    };
    let redacted = redactor.account(&redactor.redact(&mut request));
    let body = Bytes::from(request.encode());
    let redactions = Bytes::from(redacted.to_bytes());
    let (before, after) = (sent.len(), body.len() + redactions.len());
    drop((request, sent));
    // Marks may be longer than what they stand for.
    if after > limits.request_bytes.saturating_mul(2) || redactions.len() > REDACTIONS_LIMIT {
        return Err(Refusal::TooLarge { limit: limits.request_bytes });
    }
    match after.checked_sub(before) {
        None => ticket.release(before - after),
        Some(0) => {}
        Some(more) => ticket.try_reserve(more).map_err(|_| Refusal::overloaded())?,
    }
    // The journal is all that is left of the request: it must be readable.
    let encoding = Encoding::Protobuf;
    if otlp::check(signal, encoding, &body).ok() != Some(count) {
        return Err(Refusal::Internal);
    }
    Ok(Clean {
        encoding,
        body,
        count: u32::try_from(count).map_err(|_| Refusal::Internal)?,
        redaction_version: redacted.version,
        redactions,
        ticket,
    })
}

fn now_unix_nano() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
