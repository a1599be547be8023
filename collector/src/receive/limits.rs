//! Reading bodies without taking more than is allowed.

use std::io::Read;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::bufread::MultiGzDecoder;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};

use super::status::Refusal;
use crate::admit::{Overloaded, Ticket};

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
/// How much is decompressed before more room is asked for.
const STEP: usize = 256 << 10;
/// How long, and how many bytes in multiples of the limit, we listen to a sender whose request is
/// refused already.
const DRAIN: (Duration, usize) = (Duration::from_secs(2), 2);

/// Reads a whole body of at most `limit` bytes, whose sender makes no pause longer than `pause`.
pub(super) async fn read(
    body: &mut Incoming,
    limit: usize,
    pause: Duration,
    ticket: &mut Ticket,
) -> Result<Bytes, Refusal> {
    let declared = body.size_hint().lower();
    let declared = usize::try_from(declared).unwrap_or(usize::MAX);
    if declared > limit {
        return Err(Refusal::TooLarge { limit });
    }
    // A declared length is believed as far as room goes, not as far as memory does.
    reserve(ticket, declared).await?;
    let mut reserved = declared;
    let mut whole = BytesMut::new();
    let mut only: Option<Bytes> = None;
    loop {
        let frame = tokio::time::timeout(pause, body.frame()).await.map_err(|_| Refusal::Slow)?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| Refusal::Broken(error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        let length = whole.len() + only.as_ref().map_or(0, Bytes::len) + data.len();
        if length > limit {
            return Err(Refusal::TooLarge { limit });
        }
        if length > reserved {
            reserve(ticket, length - reserved).await?;
            reserved = length;
        }
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
    Ok(only.unwrap_or_else(|| whole.freeze()))
}

async fn reserve(ticket: &mut Ticket, bytes: usize) -> Result<(), Refusal> {
    if bytes == 0 {
        return Ok(());
    }
    ticket.reserve(bytes).await.map_err(|Overloaded| Refusal::overloaded())
}

/// Reads and forgets what a refused sender still sends: many clients look at the answer only after
/// they have sent everything, and see a broken connection instead if we do not listen.
pub(super) async fn drain(mut body: Incoming, limit: usize) {
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

/// Decompresses a body to at most `limit` bytes: what would become more is refused as soon as it has.
pub(super) fn decompress(
    compression: Compression,
    body: &[u8],
    limit: usize,
    ticket: &mut Ticket,
) -> Result<Bytes, Refusal> {
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
        ticket.try_reserve(room).map_err(|Overloaded| Refusal::overloaded())?;
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
