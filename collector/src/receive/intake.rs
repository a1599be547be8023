//! What becomes of a request, whatever it came over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use blotter_redaction::{Counts, Redactor};
use blotter_schemas::otlp::{self, Encoding, Measure, Request, Signal};
use bytes::Bytes;
use tokio::sync::Semaphore;

use super::edit::Changes;
use super::limits::{self, Compression};
use super::origin::Origin;
use super::status::Refusal;
use super::{claims, cut};
use crate::access::{Gate, Rates};
use crate::admit::{Admission, Ticket};
use crate::config::Limits;
use crate::journal::{Journal, REDACTIONS_LIMIT, Record, Refused};
use crate::operation::counters::{Counters, Transport};
use crate::redaction::Redaction;

/// Bodies up to this size are checked on the thread that read them: it takes some 100 microseconds.
const CHECKED_AT_ONCE: usize = 64 << 10;
/// Longest text of a refusal in bytes.
const WORDING_LIMIT: usize = 2048;

/// Takes requests in: the stages between a read request and its acknowledgement.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(super) limits: Limits,
    pub(super) admission: Admission,
    /// Who is let in.
    pub(crate) gate: Arc<Gate>,
    /// How much each may send.
    pub(super) rates: Rates,
    /// What is counted of requests.
    pub(crate) counters: Counters,
    /// Whether requests are refused because the operator wants it.
    draining: AtomicBool,
    journal: Arc<Journal>,
    redaction: Arc<Redaction>,
    /// Decompressing, checking and redacting at a time: more than the cores would only wait for each other.
    checks: Arc<Semaphore>,
}

/// A request that has been read.
#[derive(Debug)]
pub(super) struct Arrived {
    pub signal: Signal,
    pub transport: Transport,
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
    /// What was renamed in `decoded`.
    claims: Changes,
    /// Whether a string is longer than is kept, or an id is none.
    unfit: bool,
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
    /// How often each rule found something.
    found: Counts,
    ticket: Ticket,
}

impl Intake {
    pub(crate) fn new(
        limits: Limits,
        gate: Arc<Gate>,
        journal: Arc<Journal>,
        redaction: Arc<Redaction>,
    ) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            admission: Admission::new(&limits),
            gate,
            rates: Rates::new(&limits),
            limits,
            counters: Counters::default(),
            draining: AtomicBool::new(false),
            journal,
            redaction,
            checks: Arc::new(Semaphore::new(cores)),
        }
    }

    /// Refuses every further request, or takes them again.
    pub(crate) fn set_draining(&self, draining: bool) {
        self.draining.store(draining, Ordering::Relaxed);
    }

    /// Whether every request is refused because the operator wants it.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Requests that are not acknowledged yet, and their bytes.
    pub(crate) fn in_flight(&self) -> (u64, u64) {
        self.admission.in_flight(&self.limits)
    }

    /// Lets a request of `sender` in, waiting a while for its turn.
    pub(super) async fn enter(
        &self,
        signal: Signal,
        transport: Transport,
        sender: &str,
    ) -> Result<Ticket, Refusal> {
        self.counters.request(signal, transport);
        if self.is_draining() {
            return Err(Refusal::Draining);
        }
        Ok(self.admission.enter(sender).await?)
    }

    /// Makes a request durable; when this returns, it may be acknowledged.
    pub(super) async fn accept(&self, arrived: Arrived) -> Result<(), Refusal> {
        let received_unix_nano = now_unix_nano();
        let Origin { peer, sender, tenant, .. } = arrived.origin.clone();
        let (signal, transport) = (arrived.signal, arrived.transport);
        self.counters.body(signal, transport, arrived.body.len());
        let clean = self.clean(arrived).await?;
        if clean.count == 0 {
            self.counters.acknowledged(signal, transport, 0);
            return Ok(());
        }
        let Clean { body, encoding, count, redaction_version, redactions, found, ticket } = clean;
        let record = Record {
            received_unix_nano,
            signal,
            encoding,
            peer: Some(peer),
            sender,
            tenant,
            count,
            redaction_version,
            redactions,
            body,
        };
        self.journal.append(record, Some(ticket)).await?;
        self.counters.acknowledged(signal, transport, count.into());
        self.counters.redacted(&found);
        Ok(())
    }

    /// What may be said of a refusal: some quote what was sent, of which the beginning is enough.
    pub(super) fn wording(&self, refusal: &Refusal) -> String {
        let text = refusal.to_string();
        let mut text = self.redaction.redactor().redact_text(&text).unwrap_or(text);
        if text.len() > WORDING_LIMIT {
            text.truncate(text.floor_char_boundary(WORDING_LIMIT));
            text.push('…');
            text.shrink_to_fit();
        }
        text
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
                if checked.is_to_change(&redactor) {
                    redact(checked, &limits, &redactor)
                } else {
                    checked.unchanged(&redactor)
                }
            };
            return self.apart(clean).await;
        }
        let checked = check(arrived, &limits)?;
        if checked.is_to_change(&redactor) {
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
            Err(if error.is_cancelled() { Refused::Closed.into() } else { Refusal::Internal })
        })
    }
}

impl Checked {
    fn is_to_change(&self, redactor: &Redactor) -> bool {
        !self.claims.is_empty()
            || self.unfit
            || redactor.may_contain(self.signal, self.encoding, &self.body)
    }

    /// Byte by byte.
    fn unchanged(self, redactor: &Redactor) -> Result<Clean, Refusal> {
        Ok(Clean {
            encoding: self.encoding,
            body: self.body,
            count: u32::try_from(self.count).map_err(|_| Refusal::Internal)?,
            redaction_version: redactor.rules_version(),
            redactions: Bytes::new(),
            found: Counts::new(),
            ticket: self.ticket,
        })
    }
}

/// Decompresses a request, makes sure that it can be decoded, and counts its records.
fn check(arrived: Arrived, limits: &Limits) -> Result<Checked, Refusal> {
    let Arrived { signal, encoding, compression, mut body, mut ticket, .. } = arrived;
    if compression != Compression::None {
        let compressed = body.len();
        body = limits::decompress(compression, &body, limits.request_bytes, &mut ticket)?;
        ticket.release(compressed);
    }
    let too_large_expanded = || Refusal::TooLargeExpanded { limit: limits.expanded_bytes };
    let (mut decoded, measure) = match encoding {
        Encoding::Protobuf => {
            let measure = otlp::measure(signal, &body).map_err(undecodable)?;
            // Before it is decoded: a small body may become very much in memory.
            within(&measure, limits)?;
            // A body whose fields can be passed over need not be decoded to know how large it becomes.
            let decoded = match otlp::expanded_bytes(signal, &body) {
                Some(bytes) if bytes > limits.expanded_bytes => return Err(too_large_expanded()),
                Some(_) if !claims::may_be_in(&body) => None,
                _ => Some(Request::decode(signal, encoding, &body).map_err(undecodable)?),
            };
            (decoded, measure)
        }
        // JSON is checked by decoding it.
        Encoding::Json => {
            let request = Request::decode_within(signal, encoding, &body, limits.memory_bytes);
            let request = request.map_err(undecodable)?;
            let measure = otlp::measure(signal, &request.encode()).map_err(undecodable)?;
            within(&measure, limits)?;
            (Some(request), measure)
        }
    };
    if decoded.as_ref().is_some_and(|request| request.expanded_bytes() > limits.expanded_bytes) {
        return Err(too_large_expanded());
    }
    let claims = decoded.as_mut().map(claims::rename).unwrap_or_default();
    let Measure { records: count, longest, odd_ids, .. } = measure;
    let unfit = longest > limits.string_bytes || odd_ids > 0;
    Ok(Checked { signal, encoding, body, decoded, count, claims, unfit, ticket })
}

fn undecodable(error: blotter_schemas::Error) -> Refusal {
    match error {
        blotter_schemas::Error::TooLargeDecoded { limit } => Refusal::TooLargeDecoded { limit },
        error => Refusal::Undecodable(error.to_string()),
    }
}

/// Refuses a request that holds more than it may.
fn within(measure: &Measure, limits: &Limits) -> Result<(), Refusal> {
    let Measure { records: count, attributes, depth, memory, .. } = *measure;
    if count > limits.request_records {
        return Err(Refusal::TooManyRecords { count, limit: limits.request_records });
    }
    if memory > limits.memory_bytes {
        return Err(Refusal::TooLargeDecoded { limit: limits.memory_bytes });
    }
    if attributes > limits.record_attributes {
        let limit = limits.record_attributes;
        return Err(Refusal::TooManyAttributes { count: attributes, limit });
    }
    if depth > limits.nesting_depth {
        return Err(Refusal::TooDeep { depth, limit: limits.nesting_depth });
    }
    Ok(())
}

/// Takes the secrets out of a request. It is written anew even where none is found: what a decoder
/// passes over, such as unknown fields, may hold one too.
fn redact(checked: Checked, limits: &Limits, redactor: &Redactor) -> Result<Clean, Refusal> {
    let Checked { signal, encoding, body: sent, decoded, count, claims, mut ticket, .. } = checked;
    let mut request = match decoded {
        Some(request) => request,
        None => Request::decode(signal, encoding, &sent).map_err(undecodable)?,
    };
    let mut found = redactor.redact(&mut request);
    claims.add_to(&mut found, claims::RULE);
    // Only now: half a secret would not be found.
    cut::cut(&mut request, limits.string_bytes).add_to(&mut found, cut::RULE);
    let redacted = redactor.account(&found);
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
        Some(more) => ticket.try_reserve(more)?,
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
        found: found.total,
        ticket,
    })
}

fn now_unix_nano() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
