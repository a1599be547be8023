//! Writing canonical OTLP/JSON.

use base64::Engine as _;
use base64::engine::GeneralPurpose;

use super::number::{push_display, push_double};
use super::scan::plain_length;
use crate::otlp::fields::Message;
use crate::record::{LONG, LongValue};

/// What stands before the string of an `AnyValue`.
const ANY_TEXT: &str = r#"{"stringValue":"#;

/// Appends canonical OTLP/JSON to a string.
pub(in crate::otlp) struct Writer<'w, 'a> {
    out: &'w mut String,
    long: Option<&'w mut Vec<LongValue<'a>>>,
    only_point: Option<usize>,
}

impl<'w, 'a> Writer<'w, 'a> {
    /// Writes messages whole.
    pub(super) fn new(out: &'w mut String) -> Self {
        Self { out, long: None, only_point: None }
    }

    /// Notes in `long` where long strings stand.
    pub(super) fn noting(out: &'w mut String, long: &'w mut Vec<LongValue<'a>>) -> Self {
        Self { out, long: Some(long), only_point: None }
    }

    /// Writes metrics with only one of their data points.
    pub(super) fn pointing(out: &'w mut String, point: usize) -> Self {
        Self { out, long: None, only_point: Some(point) }
    }

    /// The only data point to write of a metric.
    pub(in crate::otlp) fn only_point(&self) -> Option<usize> {
        self.only_point
    }

    /// The name of a field, given with quotes and colon.
    #[inline]
    pub(in crate::otlp) fn name(&mut self, quoted: &'static str) {
        if !self.out.ends_with('{') {
            self.out.push(',');
        }
        self.out.push_str(quoted);
    }

    /// A message.
    pub(in crate::otlp) fn message<M: Message>(&mut self, message: &'a M) {
        self.out.push('{');
        message.write(self);
        self.out.push('}');
    }

    /// Name and elements of a list, unless it is empty.
    pub(in crate::otlp) fn list<T>(
        &mut self,
        name: &'static str,
        elements: &'a [T],
        write: impl Fn(&'a T, &mut Self),
    ) {
        let Some((first, others)) = elements.split_first() else { return };
        self.name(name);
        self.out.push('[');
        write(first, self);
        for element in others {
            self.out.push(',');
            write(element, self);
        }
        self.out.push(']');
    }

    /// A string.
    pub(in crate::otlp) fn string(&mut self, text: &str) {
        push_string(self.out, text);
    }

    /// The string of an `AnyValue`, whose name has just been written.
    pub(in crate::otlp) fn any_text(&mut self, text: &'a str) {
        let name_end = self.out.len();
        push_string(self.out, text);
        if text.len() >= LONG
            && let Some(long) = &mut self.long
        {
            // The brace that closes the value comes next.
            let range = name_end - ANY_TEXT.len()..self.out.len() + 1;
            long.push(LongValue { range, text });
        }
    }

    /// A number or boolean as it is.
    pub(in crate::otlp) fn plain(&mut self, value: impl std::fmt::Display) {
        push_display(self.out, value);
    }

    /// A 64-bit integer.
    pub(in crate::otlp) fn quoted(&mut self, value: impl std::fmt::Display) {
        self.out.push('"');
        push_display(self.out, value);
        self.out.push('"');
    }

    /// A double.
    pub(in crate::otlp) fn double(&mut self, value: f64) {
        push_double(self.out, value);
    }

    /// An id.
    pub(in crate::otlp) fn hex(&mut self, bytes: &[u8]) {
        self.out.push('"');
        let mut digits = [0; 32];
        for chunk in bytes.chunks(16) {
            let digits = digits.get_mut(..chunk.len() * 2).unwrap_or_default();
            let encoded = hex::encode_to_slice(chunk, digits);
            debug_assert!(encoded.is_ok(), "two digits for every byte");
            self.out.push_str(std::str::from_utf8(digits).unwrap_or_default());
        }
        self.out.push('"');
    }

    /// Bytes.
    pub(in crate::otlp) fn base64(&mut self, bytes: &[u8], engine: &GeneralPurpose) {
        self.out.push('"');
        engine.encode_string(bytes, self.out);
        self.out.push('"');
    }
}

/// Writes a string in quotes, escaping only what must be.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    let mut rest = text;
    loop {
        // What ends the plain part is ASCII, so the text can be split there.
        let (plain, special) =
            rest.split_at_checked(plain_length(rest.as_bytes())).unwrap_or_default();
        out.push_str(plain);
        let mut characters = special.chars();
        let Some(character) = characters.next() else { break };
        push_escape(out, character);
        rest = characters.as_str();
    }
    out.push('"');
}

fn push_escape(out: &mut String, character: char) {
    match character {
        '"' => out.push_str(r#"\""#),
        '\\' => out.push_str(r"\\"),
        '\u{8}' => out.push_str(r"\b"),
        '\t' => out.push_str(r"\t"),
        '\n' => out.push_str(r"\n"),
        '\u{c}' => out.push_str(r"\f"),
        '\r' => out.push_str(r"\r"),
        control => {
            out.push_str(if u32::from(control) < 0x10 { r"\u000" } else { r"\u001" });
            out.extend(char::from_digit(u32::from(control) & 15, 16));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_serde_json_does() {
        let mut all: String = (0..0x300).filter_map(char::from_u32).collect();
        all.push_str("\u{2028}\u{fffd}😀 tail of plain text that fills a word");
        let mut out = String::new();
        push_string(&mut out, &all);
        assert_eq!(out, serde_json::to_string(&all).unwrap());
    }
}
