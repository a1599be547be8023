//! Where the attribute keys of a request in Protobuf end, found without building the request.

use blotter_schemas::otlp::Signal;

/// How deep messages may lie within each other; decoders refuse more.
const DEPTH: usize = 128;

/// A message that attributes lie in, however deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    Request,
    /// Records of one resource.
    OfResource,
    Resource,
    /// Records of one scope.
    OfScope,
    Scope,
    LogRecord,
    Span,
    SpanEvent,
    SpanLink,
    Metric,
    Gauge,
    Histogram,
    ExponentialHistogram,
    Summary,
    NumberPoint,
    HistogramPoint,
    ExponentialHistogramPoint,
    SummaryPoint,
    Exemplar,
    KeyValue,
    AnyValue,
    ArrayValue,
    KeyValueList,
}

impl Message {
    /// The message in a field, where attributes can lie in it. The numbers are those of the
    /// OpenTelemetry protocol.
    fn field(self, signal: Signal, number: u64) -> Option<Self> {
        Some(match (self, number) {
            (Self::Request, 1) => Self::OfResource,
            (Self::OfResource, 1) => Self::Resource,
            (Self::OfResource, 2) => Self::OfScope,
            (Self::OfScope, 1) => Self::Scope,
            (Self::OfScope, 2) => match signal {
                Signal::Logs => Self::LogRecord,
                Signal::Traces => Self::Span,
                Signal::Metrics => Self::Metric,
            },
            (Self::LogRecord, 5) | (Self::KeyValue, 2) | (Self::ArrayValue, 1) => Self::AnyValue,
            (Self::Span, 11) => Self::SpanEvent,
            (Self::Span, 13) => Self::SpanLink,
            (Self::Metric, 5 | 7) => Self::Gauge,
            (Self::Metric, 9) => Self::Histogram,
            (Self::Metric, 10) => Self::ExponentialHistogram,
            (Self::Metric, 11) => Self::Summary,
            (Self::Gauge, 1) => Self::NumberPoint,
            (Self::Histogram, 1) => Self::HistogramPoint,
            (Self::ExponentialHistogram, 1) => Self::ExponentialHistogramPoint,
            (Self::Summary, 1) => Self::SummaryPoint,
            (Self::NumberPoint, 5)
            | (Self::HistogramPoint, 8)
            | (Self::ExponentialHistogramPoint, 11) => Self::Exemplar,
            (Self::AnyValue, 5) => Self::ArrayValue,
            (Self::AnyValue, 6) => Self::KeyValueList,
            (Self::Resource | Self::ExponentialHistogramPoint | Self::KeyValueList, 1)
            | (Self::Scope | Self::SpanEvent, 3)
            | (Self::SpanLink, 4)
            | (Self::LogRecord, 6)
            | (Self::NumberPoint | Self::SummaryPoint | Self::Exemplar, 7)
            | (Self::Span | Self::HistogramPoint, 9)
            | (Self::Metric, 12) => Self::KeyValue,
            _ => return None,
        })
    }
}

/// Whether an attribute key ends at one of these places, which are in order; also where the bytes are
/// no request, so that whoever decodes them can say so.
pub(crate) fn key_ends_at(signal: Signal, body: &[u8], ends: &[usize]) -> bool {
    let mut walk = Walk { signal, body, ends };
    walk.message(Message::Request, 0, body.len(), 0).unwrap_or(true)
}

struct Walk<'a> {
    signal: Signal,
    body: &'a [u8],
    /// Places that the walk has not passed yet.
    ends: &'a [usize],
}

impl Walk<'_> {
    /// Whether a key in the message ends at one of the places; none where the bytes are no message.
    fn message(
        &mut self,
        message: Message,
        mut at: usize,
        end: usize,
        depth: usize,
    ) -> Option<bool> {
        if depth > DEPTH {
            return None;
        }
        while at < end {
            let key = self.varint(&mut at)?;
            match key & 7 {
                0 => {
                    self.varint(&mut at)?;
                }
                1 => at = at.checked_add(8)?,
                5 => at = at.checked_add(4)?,
                2 => {
                    let length = usize::try_from(self.varint(&mut at)?).ok()?;
                    let to = at.checked_add(length).filter(|to| *to <= end)?;
                    if message == Message::KeyValue && key >> 3 == 1 {
                        if self.passes(to) {
                            return Some(true);
                        }
                    } else if let Some(inner) = message.field(self.signal, key >> 3)
                        && self.ahead(at, to)
                        && self.message(inner, at, to, depth + 1)?
                    {
                        return Some(true);
                    }
                    at = to;
                }
                _ => return None,
            }
        }
        (at == end).then_some(false)
    }

    /// Whether one of the places is `to`; those before it are passed.
    fn passes(&mut self, to: usize) -> bool {
        self.skip(to);
        self.ends.first() == Some(&to)
    }

    /// Whether one of the places lies in what is between `from` and `to`.
    fn ahead(&mut self, from: usize, to: usize) -> bool {
        self.skip(from);
        self.ends.first().is_some_and(|end| *end <= to)
    }

    fn skip(&mut self, to: usize) {
        while let Some((first, rest)) = self.ends.split_first()
            && *first < to
        {
            self.ends = rest;
        }
    }

    fn varint(&self, at: &mut usize) -> Option<u64> {
        let mut value = 0;
        for shift in 0..10 {
            let byte = *self.body.get(*at)?;
            *at += 1;
            value |= u64::from(byte & 0x7f) << (shift * 7).min(63);
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of Protobuf with a length, which must be below 128.
    fn field(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag << 3 | 2, u8::try_from(content.len()).unwrap()];
        out.extend_from_slice(content);
        out
    }

    #[test]
    fn a_text_is_a_key_only_where_a_key_stands() {
        let text = |text: &str| field(1, text.as_bytes());
        let attribute = |key: &str, value: &str| [text(key), field(2, &text(value))].concat();
        let log = |record: &[u8]| field(1, &field(2, &field(2, record)));
        let ends = |body: &[u8], part: &[u8]| -> Vec<usize> {
            memchr::memmem::find_iter(body, part).map(|at| at + part.len()).collect()
        };
        for (record, expected) in [
            (field(6, &attribute("token", "x")), true),
            (field(6, &attribute("kind", "token")), false),
            // The value first.
            (field(6, &[field(2, &text("x")), text("token")].concat()), true),
            // The body, and a map in it.
            (field(5, &text("token")), false),
            (field(5, &field(6, &field(1, &attribute("token", "x")))), true),
            (field(5, &field(5, &field(1, &text("token")))), false),
            // A text that ends in what stands before a value.
            (field(6, &[field(2, &text("x\u{12}\u{7}")), text("token")].concat()), true),
        ] {
            let body = log(&record);
            assert_eq!(key_ends_at(Signal::Logs, &body, &ends(&body, b"token")), expected);
        }
        assert!(key_ends_at(Signal::Logs, b"\x0a\x7f", &[1]), "no request");
    }
}
