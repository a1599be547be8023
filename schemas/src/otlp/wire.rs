//! Checks that Protobuf bytes decode, without building the message.
//!
//! The walk accepts what prost's decoding accepts: the same wire types, lengths, UTF-8, groups,
//! unknown fields and depth. The fields come from the tables in `messages`.

use std::any::TypeId;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::fields::Message;
use super::{Encoding, Measure, Request, Signal, memory};
use crate::Error;

/// How many messages or groups may lie within each other below the request: prost's limit.
pub(super) const DEPTH: u32 = 100;

/// Largest malformed body, in bytes, that is decoded to say what is wrong with it.
const WORDED: usize = 64 << 10;

/// Levels below the request on which messages that are neither resource nor scope count their attributes
/// apart: what has a resource, what has a scope, records.
const APART: u32 = 3;

/// Checks and measures; see [`super::measure`].
pub(super) fn measure(signal: Signal, body: &[u8]) -> Result<Measure, Error> {
    let walk = |body: &[u8]| match signal {
        Signal::Logs => walk::<ExportLogsServiceRequest>(body),
        Signal::Traces => walk::<ExportTraceServiceRequest>(body),
        Signal::Metrics => walk::<ExportMetricsServiceRequest>(body),
    };
    match walk(body) {
        Ok(measure) => Ok(measure),
        // The decoder has the words for the error. A large body may become very much in memory before it
        // comes to them.
        Err(Malformed) if body.len() <= WORDED => {
            match Request::decode(signal, Encoding::Protobuf, body) {
                Err(error) => Err(error),
                Ok(_) => Err(Error::Malformed),
            }
        }
        Err(Malformed) => Err(Error::Malformed),
    }
}

fn walk<M: Message>(body: &[u8]) -> Result<Measure, Malformed> {
    let mut walker = Walker {
        rest: body,
        depth: DEPTH,
        counts: Counts::default(),
        attributes: 0,
        measure: Measure::default(),
    };
    walker.fields::<M>()?;
    Ok(Measure { records: walker.counts.records, ..walker.measure })
}

/// The bytes are not the message they should be.
#[derive(Debug)]
pub(super) struct Malformed;

/// How a value is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WireType {
    Varint,
    Fixed64,
    Length,
    GroupStart,
    GroupEnd,
    Fixed32,
}

/// What stands before a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    /// Number of the field.
    pub(super) tag: u32,
    /// How its value is encoded.
    pub(super) wire_type: WireType,
}

impl Key {
    /// Refuses any other encoding than `wire_type`.
    #[inline]
    pub(super) fn expect(self, wire_type: WireType) -> Result<(), Malformed> {
        if self.wire_type == wire_type { Ok(()) } else { Err(Malformed) }
    }
}

/// Counts records as [`Request::record_count`] does.
#[derive(Debug, Default)]
pub(super) struct Counts {
    records: usize,
    /// Points of the metric that is open, and the tag of the data they belong to.
    points: usize,
    data: u32,
}

impl Counts {
    /// A log record or span.
    pub(super) fn record(&mut self) {
        self.records += 1;
    }

    /// A metric begins.
    pub(super) fn open_metric(&mut self) {
        self.points = 0;
        self.data = 0;
    }

    /// The data of a metric. Where it comes twice, the same kind is merged and another replaces it.
    pub(super) fn open_data(&mut self, tag: u32) {
        if self.data != tag {
            self.data = tag;
            self.points = 0;
        }
    }

    /// A data point.
    pub(super) fn point(&mut self) {
        self.points += 1;
    }

    /// A metric ends.
    pub(super) fn close_metric(&mut self) {
        self.records += self.points.max(1);
    }
}

/// Goes over the fields of a message.
#[derive(Debug)]
pub(super) struct Walker<'a> {
    /// What is left of the innermost message.
    rest: &'a [u8],
    /// How many more messages may be entered.
    depth: u32,
    /// What was counted.
    pub(super) counts: Counts,
    /// Attributes since the record, or what stands around it, began.
    attributes: usize,
    /// What was measured.
    measure: Measure,
}

impl Walker<'_> {
    fn fields<M: Message>(&mut self) -> Result<(), Malformed> {
        while self.has_more() {
            let key = self.key()?;
            M::walk(key, self)?;
        }
        Ok(())
    }

    /// Whether the innermost message or list goes on.
    #[inline]
    pub(super) fn has_more(&self) -> bool {
        !self.rest.is_empty()
    }

    /// A nested message.
    pub(super) fn message<M: Message>(&mut self, key: Key) -> Result<(), Malformed> {
        key.expect(WireType::Length)?;
        self.depth = self.depth.checked_sub(1).ok_or(Malformed)?;
        let level = DEPTH - self.depth;
        self.hold(memory::of::<M>());
        self.measure.depth = self.measure.depth.max(level);
        let of = TypeId::of::<M>();
        if of == TypeId::of::<KeyValue>() {
            self.attributes += 1;
            self.measure.attributes = self.measure.attributes.max(self.attributes);
        }
        // Resource and scope may come in pieces, which are merged: those count together.
        let merged = of == TypeId::of::<Resource>() || of == TypeId::of::<InstrumentationScope>();
        let outer = self.attributes;
        let apart = level <= APART && !merged;
        if apart {
            self.attributes = 0;
        }
        self.within(Self::fields::<M>)?;
        if apart {
            self.attributes = outer;
        }
        self.depth += 1;
        Ok(())
    }

    /// A data point of a metric, which counts its attributes apart.
    pub(super) fn point<M: Message>(&mut self, key: Key) -> Result<(), Malformed> {
        self.counts.point();
        let outer = std::mem::take(&mut self.attributes);
        self.message::<M>(key)?;
        self.attributes = outer;
        Ok(())
    }

    /// What follows with its length in front.
    #[inline]
    pub(super) fn within(
        &mut self,
        walk: impl FnOnce(&mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
        let (inner, outer) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = inner;
        walk(self)?;
        self.rest = outer;
        Ok(())
    }

    /// A string.
    #[inline]
    pub(super) fn text(&mut self, key: Key) -> Result<(), Malformed> {
        key.expect(WireType::Length)?;
        self.within(|walker| {
            walker.content();
            std::str::from_utf8(walker.rest).map(|_| ()).map_err(|_| Malformed)
        })
    }

    /// Bytes.
    #[inline]
    pub(super) fn bytes(&mut self, key: Key) -> Result<(), Malformed> {
        key.expect(WireType::Length)?;
        self.within(|walker| {
            walker.content();
            Ok(())
        })
    }

    /// An id, which is to have `length` bytes where it is there.
    #[inline]
    pub(super) fn id(&mut self, key: Key, length: usize) -> Result<(), Malformed> {
        key.expect(WireType::Length)?;
        self.within(|walker| {
            walker.content();
            let fits = walker.rest.is_empty() || walker.rest.len() == length;
            walker.measure.odd_ids += usize::from(!fits);
            Ok(())
        })
    }

    /// Notes the string or bytes that are left of the innermost message.
    #[inline]
    fn content(&mut self) {
        let length = self.rest.len();
        self.measure.longest = self.measure.longest.max(length);
        self.hold(length);
    }

    /// Notes memory that something takes once it is decoded.
    #[inline]
    pub(super) fn hold(&mut self, bytes: usize) {
        self.measure.memory = self.measure.memory.saturating_add(bytes);
    }

    /// A varint that must be one.
    #[inline]
    pub(super) fn varint_of(&mut self, key: Key) -> Result<(), Malformed> {
        key.expect(WireType::Varint)?;
        self.varint_only()
    }

    /// A varint, whatever its value.
    #[inline]
    pub(super) fn varint_only(&mut self) -> Result<(), Malformed> {
        self.varint().map(|_| ())
    }

    /// Eight bytes.
    #[inline]
    pub(super) fn fixed64(&mut self) -> Result<(), Malformed> {
        self.advance(8)
    }

    /// Four bytes.
    #[inline]
    pub(super) fn fixed32(&mut self) -> Result<(), Malformed> {
        self.advance(4)
    }

    #[inline]
    fn advance(&mut self, length: usize) -> Result<(), Malformed> {
        self.rest = self.rest.get(length..).ok_or(Malformed)?;
        Ok(())
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Malformed> {
        match self.rest.split_first() {
            Some((&byte, rest)) if byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for (index, &byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                // The tenth byte has room for one bit only.
                if index == 9 && byte > 1 {
                    return Err(Malformed);
                }
                self.advance(index + 1)?;
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    #[inline]
    fn key(&mut self) -> Result<Key, Malformed> {
        let key = u32::try_from(self.varint()?).map_err(|_| Malformed)?;
        let wire_type = match key & 7 {
            0 => WireType::Varint,
            1 => WireType::Fixed64,
            2 => WireType::Length,
            3 => WireType::GroupStart,
            4 => WireType::GroupEnd,
            5 => WireType::Fixed32,
            _ => return Err(Malformed),
        };
        let tag = key >> 3;
        if tag == 0 { Err(Malformed) } else { Ok(Key { tag, wire_type }) }
    }

    /// A field that the message does not have.
    #[cold]
    pub(super) fn skip(&mut self, key: Key) -> Result<(), Malformed> {
        if self.depth == 0 {
            return Err(Malformed);
        }
        match key.wire_type {
            WireType::Varint => self.varint_only(),
            WireType::Fixed64 => self.fixed64(),
            WireType::Fixed32 => self.fixed32(),
            WireType::Length => self.within(|_| Ok(())),
            WireType::GroupEnd => Err(Malformed),
            WireType::GroupStart => loop {
                let inner = self.key()?;
                if inner.wire_type == WireType::GroupEnd {
                    return if inner.tag == key.tag { Ok(()) } else { Err(Malformed) };
                }
                self.depth -= 1;
                self.skip(inner)?;
                self.depth += 1;
            },
        }
    }
}

#[cfg(test)]
mod tests;
