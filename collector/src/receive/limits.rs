//! Reading bodies without taking more than is allowed.

use std::io::Read;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::bufread::MultiGzDecoder;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};

use super::status::Refusal;
use crate::access::Rates;
use crate::admit::Ticket;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// With gzip.
    Gzip,
    /// With Zstandard, which OTLP does not know: an extension.
    Zstd,
}

/// Largest window of Zstandard, as a power of two: how much memory decompressing takes beside what comes out.
const WINDOW_LOG: u32 = 23;
/// How much is decompressed before more room is asked for, and how much is received before it is counted.
const STEP: usize = 256 << 10;
/// How long, and how many bytes in multiples of the limit, we listen to a sender whose request is
/// refused already.
const DRAIN: (Duration, usize) = (Duration::from_secs(2), 2);

/// How a body is read.
pub(super) struct Reading<'a> {
    /// Most bytes that it may have.
    pub limit: usize,
    /// Longest pause of its sender.
    pub pause: Duration,
    /// What the first bytes tell of its length, where its head does not.
    pub announced: fn(&[u8]) -> Option<usize>,
    /// What counts its bytes.
    pub meter: Meter<'a>,
}

/// Counts the bytes of a sender as they arrive, also those of a body that is broken off.
pub(super) struct Meter<'a> {
    rates: &'a Rates,
    sender: &'a str,
    /// Not counted yet.
    bytes: usize,
}

impl<'a> Meter<'a> {
    pub(super) const fn new(rates: &'a Rates, sender: &'a str) -> Self {
        Self { rates, sender, bytes: 0 }
    }

    fn count(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.bytes >= STEP {
            self.rates.charge(self.sender, std::mem::take(&mut self.bytes));
        }
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.rates.charge(self.sender, self.bytes);
        }
    }
}

/// Reads a whole body.
///
/// Room for a length that is told is taken at once: bodies that are read bit by bit, each of them holding
/// what it has got so far, would keep each other from ever getting the rest. But only who sends keeps
/// it. What has not arrived after half of the time that others wait for room is given back, and further
/// room is taken as further bytes arrive.
pub(super) async fn read(
    body: &mut Incoming,
    reading: Reading<'_>,
    ticket: &mut Ticket,
) -> Result<Bytes, Refusal> {
    let Reading { limit, pause, announced, mut meter } = reading;
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if declared > limit {
        return Err(Refusal::TooLarge { limit });
    }
    let mut reserved = 0;
    reserve(ticket, &mut reserved, declared).await?;
    let mut promised = std::pin::pin!(tokio::time::sleep(ticket.wait() / 2));
    let mut is_promised = true;
    let mut whole = BytesMut::new();
    let mut only: Option<Bytes> = None;
    let mut length = 0;
    loop {
        let frame = tokio::select! {
            frame = tokio::time::timeout(pause, body.frame()) => frame.map_err(|_| Refusal::Slow)?,
            () = promised.as_mut(), if is_promised => {
                is_promised = false;
                ticket.release(reserved - length);
                reserved = length;
                continue;
            }
        };
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| Refusal::Broken(error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        meter.count(data.len());
        let told = if length == 0 { announced(&data).unwrap_or(0) } else { 0 };
        length += data.len();
        if length.max(told) > limit {
            return Err(Refusal::TooLarge { limit });
        }
        reserve(ticket, &mut reserved, if is_promised { length.max(told) } else { length }).await?;
        if whole.is_empty() && only.is_none() {
            only = Some(data);
            continue;
        }
        if let Some(first) = only.take() {
            whole.reserve(reserved);
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&data);
    }
    ticket.release(reserved - length);
    Ok(only.unwrap_or_else(|| whole.freeze()))
}

/// Takes room until `reserved` is `bytes`.
async fn reserve(ticket: &mut Ticket, reserved: &mut usize, bytes: usize) -> Result<(), Refusal> {
    if bytes > *reserved {
        ticket.reserve(bytes - *reserved).await?;
        *reserved = bytes;
    }
    Ok(())
}

/// Reads and forgets what a refused sender still sends: many clients look at the answer only after
/// they have sent everything, and see a broken connection instead if we do not listen.
pub(super) async fn drain(mut body: Incoming, limit: usize) {
    if limit == 0 {
        return;
    }
    let (time, multiple) = DRAIN;
    let mut left = limit.saturating_mul(multiple);
    let forget = async {
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(length) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    let _ = tokio::time::timeout(time, forget).await;
}

/// Decompresses a body to at most `limit` bytes: what would become more is refused as soon as it has. An
/// empty body is that of an empty request, however it says that it is compressed.
pub(super) fn decompress(
    compression: Compression,
    body: &[u8],
    limit: usize,
    ticket: &mut Ticket,
) -> Result<Bytes, Refusal> {
    if body.is_empty() {
        return Ok(Bytes::new());
    }
    // What has no room beside its compressed form will never have any. One byte is for finding out.
    let limit = limit.min(ticket.begin_second_form(body.len()).saturating_sub(1));
    match compression {
        Compression::None => Ok(Bytes::copy_from_slice(body)),
        Compression::Gzip => expand(MultiGzDecoder::new(body), "gzip", limit, ticket),
        Compression::Zstd => {
            let decoder = zstd::Decoder::with_buffer(body).and_then(|mut decoder| {
                decoder.window_log_max(WINDOW_LOG)?;
                Ok(decoder)
            });
            expand(decoder.map_err(|_| Refusal::Internal)?, "zstd", limit, ticket)
        }
    }
}

fn expand(
    mut decoder: impl Read,
    name: &str,
    limit: usize,
    ticket: &mut Ticket,
) -> Result<Bytes, Refusal> {
    let mut whole = Vec::new();
    loop {
        // One byte more than is allowed tells a body that just fits from one that does not.
        let room = (limit - whole.len()).saturating_add(1).min(STEP);
        ticket.try_reserve(room)?;
        let read = decoder
            .by_ref()
            .take(room as u64)
            .read_to_end(&mut whole)
            .map_err(|error| Refusal::Undecodable(format!("not valid {name}: {error}")))?;
        if whole.len() > limit {
            return Err(Refusal::TooLarge { limit });
        }
        if read < room {
            ticket.release(room - read);
            return Ok(Bytes::from(whole));
        }
    }
}
