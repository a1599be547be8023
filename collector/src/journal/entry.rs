//! One request in the journal, and its bytes.
//!
//! | bytes | content (integers little-endian) |
//! |---|---|
//! | 0..4 | marker |
//! | 4..8 | CRC-32C over the journal's incarnation and everything that follows here |
//! | 8..12 | length from the marker to the end of the body |
//! | 12..16 | number of records |
//! | 16..24 | position of the first record |
//! | 24..32 | position up to which the journal was durable when this was written |
//! | 32..40 | time of receipt, nanoseconds since the epoch |
//! | 40 | signal |
//! | 41 | encoding; the highest bit says that redactions follow, the one below it that a tenant does |
//! | 42..44, 44..46 | lengths of peer and sender (65535: none) |
//! | 46..48 | version of the redaction rules; 0: the body was not searched |
//! | 48.. | peer, sender, tenant, redactions, body, zeros up to the next multiple of 8 |
//!
//! A tenant is its length in 2 bytes and its name. Redactions are their length in 4 bytes and what [`blotter_schemas::redacted::Redacted`] writes. An
//! entry without any, as all were before there was redaction, is read as it always was; a reader that
//! does not know of them takes the entry for damaged instead of a part of it for the body.

use blotter_schemas::otlp::{Encoding, Signal};
use bytes::Bytes;

/// Length of the part of fixed size.
pub(super) const HEADER: usize = 48;
/// Entries start at multiples of this.
pub(super) const ALIGNMENT: u64 = 8;
/// How an entry begins.
pub(super) const MARKER: [u8; 4] = *b"BLE1";
/// Length of a text that is not there.
const NONE: u16 = u16::MAX;
/// Bit of the encoding that says that redactions follow.
const REDACTIONS: u8 = 0x80;
/// Bit of the encoding that says that a tenant follows.
const TENANT: u8 = 0x40;
/// Longest redactions of one entry, in bytes.
pub(crate) const REDACTIONS_LIMIT: usize = 16 << 20;
/// Bytes before the checksummed part.
const UNCHECKED: usize = 8;

/// Random id of a journal; new whenever positions start again.
pub(crate) type Incarnation = [u8; 16];

/// A request as it is handed to the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// Time of receipt, nanoseconds since the epoch.
    pub received_unix_nano: i64,
    /// What the body is.
    pub signal: Signal,
    /// How it is encoded.
    pub encoding: Encoding,
    /// Address it came from.
    pub peer: Option<String>,
    /// Name of the credential it came with.
    pub sender: Option<String>,
    /// Tenant that the credential is of.
    pub tenant: Option<String>,
    /// Number of records in the body, at least one: as many positions it takes.
    pub count: u32,
    /// Version of the rules that the body was searched with for secrets; 0: it was not.
    pub redaction_version: u16,
    /// What was redacted, as `Redacted::to_bytes` gives it; empty where nothing was. At most
    /// [`REDACTIONS_LIMIT`].
    pub redactions: Bytes,
    /// The body, decompressed and without its secrets.
    pub body: Bytes,
}

/// A request as the journal gives it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Position of its first record.
    pub first: u64,
    /// Position up to which the journal was durable when it was written.
    pub durable: u64,
    /// What was handed in.
    pub record: Record,
}

impl Entry {
    /// Position after its last record.
    pub(crate) fn end(&self) -> u64 {
        self.first.saturating_add(u64::from(self.record.count))
    }
}

/// Why bytes are not an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Invalid {
    /// There is no entry: it does not begin like one.
    Marker,
    /// The length cannot be.
    Length,
    /// The bytes are not those that were written.
    Checksum,
    /// The bytes are as written, but make no sense.
    Content,
}

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Marker => "no entry begins there",
            Self::Length => "an entry is cut short",
            Self::Checksum => "the checksum does not match",
            Self::Content => "an entry makes no sense",
        })
    }
}

/// Bytes that the entry of `record` takes without its padding; none where it is too long to be one.
pub(super) fn length(record: &Record) -> Option<u32> {
    let texts = text_length(record.peer.as_deref()) + text_length(record.sender.as_deref());
    let tenant = record.tenant.as_deref().map_or(0, |tenant| 2 + cut(tenant).len());
    let redactions = match record.redactions.len() {
        0 => 0,
        length => 4 + length,
    };
    u32::try_from(HEADER + texts + tenant + redactions + record.body.len()).ok()
}

/// Bytes from the start of an entry of `length` to the start of the next.
pub(super) fn stride(length: u32) -> u64 {
    u64::from(length).next_multiple_of(ALIGNMENT)
}

/// The bytes of an entry that precede its body.
pub(super) fn prefix(
    record: &Record,
    length: u32,
    first: u64,
    durable: u64,
    incarnation: &Incarnation,
) -> Vec<u8> {
    let mut checked = Vec::with_capacity(HEADER);
    checked.extend(length.to_le_bytes());
    checked.extend(record.count.to_le_bytes());
    checked.extend(first.to_le_bytes());
    checked.extend(durable.to_le_bytes());
    checked.extend(record.received_unix_nano.to_le_bytes());
    checked.push(signal_code(record.signal));
    let redacted = if record.redactions.is_empty() { 0 } else { REDACTIONS };
    let tenanted = if record.tenant.is_none() { 0 } else { TENANT };
    checked.push(encoding_code(record.encoding) | redacted | tenanted);
    let texts = [record.peer.as_deref(), record.sender.as_deref()];
    for text in texts {
        checked.extend(text_code(text).to_le_bytes());
    }
    checked.extend(record.redaction_version.to_le_bytes());
    for text in texts.into_iter().flatten() {
        checked.extend(cut(text).as_bytes());
    }
    if let Some(tenant) = record.tenant.as_deref() {
        checked.extend(text_code(Some(tenant)).to_le_bytes());
        checked.extend(cut(tenant).as_bytes());
    }
    if redacted != 0 {
        // An entry is never longer than 4 GiB: `length` said so.
        let length = u32::try_from(record.redactions.len()).unwrap_or(u32::MAX);
        checked.extend(length.to_le_bytes());
        checked.extend(&record.redactions);
    }
    let crc = crc(incarnation, &checked, &record.body);
    let mut prefix = Vec::with_capacity(UNCHECKED + checked.len());
    prefix.extend(MARKER);
    prefix.extend(crc.to_le_bytes());
    prefix.extend(checked);
    prefix
}

/// Length of the entry that begins with `header`.
pub(super) fn parse_length(header: &[u8]) -> Result<u32, Invalid> {
    let mut rest = header;
    if take(&mut rest) != Some(MARKER) {
        return Err(Invalid::Marker);
    }
    let _crc: [u8; 4] = take(&mut rest).ok_or(Invalid::Length)?;
    let length = u32::from_le_bytes(take(&mut rest).ok_or(Invalid::Length)?);
    if usize::try_from(length).is_ok_and(|length| length >= HEADER) {
        Ok(length)
    } else {
        Err(Invalid::Length)
    }
}

/// The entry whose bytes, without padding, are `bytes`.
pub(super) fn parse(bytes: &Bytes, incarnation: &Incarnation) -> Result<Entry, Invalid> {
    let mut rest: &[u8] = bytes;
    if take(&mut rest) != Some(MARKER) {
        return Err(Invalid::Marker);
    }
    let written = u32::from_le_bytes(take(&mut rest).ok_or(Invalid::Length)?);
    if crc(incarnation, rest, &[]) != written {
        return Err(Invalid::Checksum);
    }
    fields(rest, bytes).ok_or(Invalid::Content)
}

fn fields(mut rest: &[u8], bytes: &Bytes) -> Option<Entry> {
    let rest = &mut rest;
    let _length: [u8; 4] = take(rest)?;
    let count = u32::from_le_bytes(take(rest)?);
    let first = u64::from_le_bytes(take(rest)?);
    let durable = u64::from_le_bytes(take(rest)?);
    let received_unix_nano = i64::from_le_bytes(take(rest)?);
    let [signal] = take(rest)?;
    let [encoding] = take(rest)?;
    let peer = u16::from_le_bytes(take(rest)?);
    let sender = u16::from_le_bytes(take(rest)?);
    let redaction_version = u16::from_le_bytes(take(rest)?);
    let peer = take_text(rest, peer)?;
    let sender = take_text(rest, sender)?;
    let tenant = match encoding & TENANT {
        0 => None,
        _ => {
            let length = u16::from_le_bytes(take(rest)?);
            take_text(rest, length)?
        }
    };
    let redactions = match encoding & REDACTIONS {
        0 => Bytes::new(),
        _ => {
            let length = usize::try_from(u32::from_le_bytes(take(rest)?)).ok()?;
            let (redactions, after) = rest.split_at_checked(length)?;
            *rest = after;
            bytes.slice_ref(redactions)
        }
    };
    let encoding = encoding & !(REDACTIONS | TENANT);
    let body = bytes.slice_ref(rest);
    let signal = Signal::ALL.into_iter().find(|it| signal_code(*it) == signal)?;
    let encoding = [Encoding::Protobuf, Encoding::Json]
        .into_iter()
        .find(|it| encoding_code(*it) == encoding)?;
    let record = Record {
        received_unix_nano,
        signal,
        encoding,
        peer,
        sender,
        tenant,
        count,
        redaction_version,
        redactions,
        body,
    };
    (count > 0).then_some(Entry { first, durable, record })
}

/// The first `N` bytes, which are taken off.
pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*first)
}

fn take_text(rest: &mut &[u8], length: u16) -> Option<Option<String>> {
    if length == NONE {
        return Some(None);
    }
    let (text, after) = rest.split_at_checked(usize::from(length))?;
    *rest = after;
    Some(Some(String::from_utf8(text.to_vec()).ok()?))
}

pub(super) fn crc(incarnation: &Incarnation, checked: &[u8], body: &[u8]) -> u32 {
    let crc = crc32c::crc32c_append(crc32c::crc32c(incarnation), checked);
    crc32c::crc32c_append(crc, body)
}

pub(super) const fn signal_code(signal: Signal) -> u8 {
    match signal {
        Signal::Logs => 1,
        Signal::Traces => 2,
        Signal::Metrics => 3,
    }
}

pub(super) const fn encoding_code(encoding: Encoding) -> u8 {
    match encoding {
        Encoding::Protobuf => 1,
        Encoding::Json => 2,
    }
}

/// A name no longer than its length field can say.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(usize::from(NONE) - 1)).unwrap_or_default()
}

fn text_length(text: Option<&str>) -> usize {
    text.map_or(0, |text| cut(text).len())
}

fn text_code(text: Option<&str>) -> u16 {
    text.map_or(NONE, |text| u16::try_from(cut(text).len()).unwrap_or(NONE - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INCARNATION: Incarnation = *b"incarnation of a";

    fn record() -> Record {
        Record {
            received_unix_nano: 1_700_000_000_000_000_000,
            signal: Signal::Traces,
            encoding: Encoding::Json,
            peer: Some("127.0.0.1:1".to_owned()),
            sender: None,
            tenant: None,
            count: 3,
            redaction_version: 0,
            redactions: Bytes::new(),
            body: Bytes::from_static(b"{body}"),
        }
    }

    fn written(record: &Record) -> Bytes {
        let length = length(record).unwrap();
        let mut bytes = prefix(record, length, 5, 4, &INCARNATION);
        bytes.extend(&record.body);
        assert_eq!(bytes.len(), usize::try_from(length).unwrap());
        Bytes::from(bytes)
    }

    #[test]
    fn an_entry_written_before_there_was_redaction_is_still_read() {
        // Written by the format's first version; zeros where the version of the rules stands now.
        let old = "424c4531fb50f89441000000030000000500000000000000040000000000000000002a36\
                   fe9c971702020b00ffff00003132372e302e302e313a317b626f64797d";
        let old = Bytes::from(hex::decode(old).unwrap());
        let entry = parse(&old, &INCARNATION).unwrap();
        assert_eq!((entry.first, entry.durable, entry.record), (5, 4, record()));
    }

    #[test]
    fn what_was_redacted_is_read_again_and_is_under_the_checksum() {
        let redactions = Bytes::from_static(&[7, 8, 9]);
        let record = Record { redaction_version: 2, redactions, ..record() };
        let bytes = written(&record);
        assert_eq!(parse(&bytes, &INCARNATION).unwrap().record, record);
        let at = bytes.windows(3).position(|window| window == [7, 8, 9]).unwrap();
        let mut damaged = bytes.to_vec();
        damaged[at] ^= 1;
        assert_eq!(parse(&damaged.into(), &INCARNATION), Err(Invalid::Checksum));
    }

    #[test]
    fn a_tenant_is_read_again_with_and_without_redactions() {
        let tenant = Some("acme".to_owned());
        let record = Record { tenant, sender: Some("token:a".to_owned()), ..record() };
        assert_eq!(parse(&written(&record), &INCARNATION).unwrap().record, record);
        let record = Record { redactions: Bytes::from_static(&[7, 8, 9]), ..record };
        assert_eq!(parse(&written(&record), &INCARNATION).unwrap().record, record);
    }

    #[test]
    fn a_body_that_was_searched_in_vain_takes_no_more_room_than_one_that_was_not() {
        let searched = Record { redaction_version: 1, ..record() };
        assert_eq!(written(&searched).len(), written(&record()).len());
    }
}
