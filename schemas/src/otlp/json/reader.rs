//! Reading OTLP/JSON, straight into the messages.

use std::borrow::Cow;

use super::failure::Failure;
use super::number::{parse_double, parse_integer};
use super::scan::plain_length;
use crate::otlp::fields::Message;
use crate::otlp::memory;
use crate::otlp::wire::DEPTH;

/// How deep lists and objects may lie within each other in a field that is ignored.
const IGNORED_DEPTH: u32 = 128;

/// Reads a request that takes no more than `memory` bytes.
pub(super) fn decode<M: Message>(body: &[u8], memory: usize) -> Result<M, Failure> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Failure::new(error.valid_up_to(), "not UTF-8"))?;
    let mut reader = Reader { text, at: 0, depth: DEPTH, memory };
    let mut message = M::default();
    reader.fields(&mut message)?;
    match reader.peek() {
        None => Ok(message),
        Some(_) => Err(reader.failure("something follows the request")),
    }
}

/// A position in the text of a request.
#[derive(Debug)]
pub(in crate::otlp) struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// How many more messages may be entered.
    depth: u32,
    /// How much more memory may be taken, in bytes.
    memory: usize,
}

impl<'a> Reader<'a> {
    /// Offset of the next token, after white space.
    pub(in crate::otlp) fn position(&mut self) -> usize {
        self.peek();
        self.at
    }

    fn failure(&self, what: impl Into<String>) -> Failure {
        Failure::new(self.at, what)
    }

    /// Takes memory for what is about to be kept, as [`crate::otlp::Measure::memory`] counts it.
    #[inline]
    pub(in crate::otlp) fn hold(&mut self, bytes: usize) -> Result<(), Failure> {
        match self.memory.checked_sub(bytes) {
            Some(left) => {
                self.memory = left;
                Ok(())
            }
            None => Err(Failure::too_large(self.at)),
        }
    }

    /// A nested message.
    pub(in crate::otlp) fn message<M: Message>(&mut self) -> Result<M, Failure> {
        self.hold(memory::of::<M>())?;
        self.depth = self
            .depth
            .checked_sub(1)
            .ok_or_else(|| self.failure(format!("more than {DEPTH} messages within each other")))?;
        let mut message = M::default();
        self.fields(&mut message)?;
        self.depth += 1;
        Ok(message)
    }

    fn fields<M: Message>(&mut self, message: &mut M) -> Result<(), Failure> {
        self.expect(b'{', "an object")?;
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            let name = self.string()?;
            self.expect(b':', "a colon")?;
            if !self.null()? && !message.read(&name, self)? {
                let known = name.contains('_') && message.read(&lower_camel_case(&name), self)?;
                if !known {
                    self.ignore(IGNORED_DEPTH)?;
                }
            }
            if !self.eat(b',') {
                return self.expect(b'}', "a comma or the end of the object");
            }
        }
    }

    /// A list; `element` reads one element.
    pub(in crate::otlp) fn array(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.expect(b'[', "a list")?;
        if self.eat(b']') {
            return Ok(());
        }
        for index in 0.. {
            element(self).map_err(|failure| failure.at_index(index))?;
            if !self.eat(b',') {
                break;
            }
        }
        self.expect(b']', "a comma or the end of the list")
    }

    /// Whether `null` comes next, which is then passed.
    pub(in crate::otlp) fn null(&mut self) -> Result<bool, Failure> {
        if self.peek() != Some(b'n') {
            return Ok(false);
        }
        self.literal("null").map(|()| true)
    }

    /// A string.
    pub(in crate::otlp) fn string(&mut self) -> Result<Cow<'a, str>, Failure> {
        self.expect(b'"', "a string")?;
        let plain = self.plain();
        if self.byte() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        loop {
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(text));
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                Some(_) => return Err(self.failure("a control character in a string")),
                None => return Err(self.failure("the string does not end")),
            }
            text.push_str(self.plain());
        }
    }

    /// The part of a string that stands for itself.
    fn plain(&mut self) -> &'a str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let plain = rest.get(..plain_length(rest.as_bytes())).unwrap_or_default();
        self.at += plain.len();
        plain
    }

    fn escape(&mut self) -> Result<char, Failure> {
        let Some(byte) = self.byte() else {
            return Err(self.failure("the string does not end"));
        };
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode_escape()?,
            _ => return Err(Failure::new(self.at - 2, "not an escape")),
        })
    }

    /// What follows `\u`. Half a surrogate pair is no character.
    fn unicode_escape(&mut self) -> Result<char, Failure> {
        let unit = self.code_unit()?;
        if let 0xd800..0xdc00 = unit
            && self.text.as_bytes().get(self.at..self.at + 2) == Some(b"\\u")
        {
            let after = self.at;
            self.at += 2;
            let low = self.code_unit()?;
            if let Some(Ok(character)) = char::decode_utf16([unit, low]).next() {
                return Ok(character);
            }
            self.at = after;
        }
        Ok(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn code_unit(&mut self) -> Result<u16, Failure> {
        let digits = self.text.get(self.at..self.at + 4);
        let unit = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u16::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.failure("not four hexadecimal digits"))?;
        self.at += 4;
        Ok(unit)
    }

    /// An integer, as a number or a string.
    pub(in crate::otlp) fn integer<T>(&mut self) -> Result<T, Failure>
    where
        T: std::str::FromStr + TryFrom<i128>,
    {
        let at = self.position();
        let text = self.number_or_string()?;
        parse_integer(&text).ok_or_else(|| {
            Failure::new(at, format!("not an integer of its range: {}", excerpt(&text)))
        })
    }

    /// A double, as a number or a string.
    pub(in crate::otlp) fn double(&mut self) -> Result<f64, Failure> {
        let at = self.position();
        let text = self.number_or_string()?;
        match &*text {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            digits => parse_double(digits).ok_or_else(|| {
                Failure::new(at, format!("not a number of its range: {}", excerpt(digits)))
            }),
        }
    }

    /// A boolean, as itself or a string.
    pub(in crate::otlp) fn boolean(&mut self) -> Result<bool, Failure> {
        let at = self.position();
        match self.peek() {
            Some(b't') => self.literal("true").map(|()| true),
            Some(b'f') => self.literal("false").map(|()| false),
            Some(b'"') => match &*self.string()? {
                text if text.eq_ignore_ascii_case("true") => Ok(true),
                text if text.eq_ignore_ascii_case("false") => Ok(false),
                _ => Err(Failure::new(at, "not a boolean")),
            },
            _ => Err(Failure::new(at, "not a boolean")),
        }
    }

    /// A value of an enumeration, as a number or by the name that `number` knows.
    pub(in crate::otlp) fn enumeration(
        &mut self,
        number: impl Fn(&str) -> Option<i32>,
    ) -> Result<i32, Failure> {
        let at = self.position();
        let text = self.number_or_string()?;
        number(&text).or_else(|| parse_integer(&text)).ok_or_else(|| {
            Failure::new(at, format!("not a value of its enumeration: {}", excerpt(&text)))
        })
    }

    fn number_or_string(&mut self) -> Result<Cow<'a, str>, Failure> {
        if self.peek() == Some(b'"') { self.string() } else { self.number().map(Cow::Borrowed) }
    }

    /// The digits of a number.
    fn number(&mut self) -> Result<&'a str, Failure> {
        self.peek();
        let start = self.at;
        self.skip_byte(b'-');
        if !self.skip_byte(b'0') && self.skip_digits() == 0 {
            return Err(Failure::new(start, "expected a number"));
        }
        if self.skip_byte(b'.') && self.skip_digits() == 0 {
            return Err(self.failure("a number without digits after its point"));
        }
        if self.skip_byte(b'e') || self.skip_byte(b'E') {
            if !self.skip_byte(b'+') {
                self.skip_byte(b'-');
            }
            if self.skip_digits() == 0 {
                return Err(self.failure("a number without digits in its exponent"));
            }
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    fn skip_digits(&mut self) -> usize {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn skip_byte(&mut self, byte: u8) -> bool {
        let found = self.byte() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn literal(&mut self, word: &str) -> Result<(), Failure> {
        if !self.text.get(self.at..).unwrap_or_default().starts_with(word) {
            return Err(self.failure("not a value"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes any value.
    fn ignore(&mut self, depth: u32) -> Result<(), Failure> {
        let Some(inner) = depth.checked_sub(1) else {
            return Err(self.failure("an unknown field that is nested too deep"));
        };
        match self.peek() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            Some(b'[') => self.array(|input| input.ignore(inner)),
            Some(b'{') => {
                self.at += 1;
                if self.eat(b'}') {
                    return Ok(());
                }
                loop {
                    self.string()?;
                    self.expect(b':', "a colon")?;
                    self.ignore(inner)?;
                    if !self.eat(b',') {
                        return self.expect(b'}', "a comma or the end of the object");
                    }
                }
            }
            _ => self.number().map(|_| ()),
        }
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not white space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                byte => return byte,
            }
        }
    }

    #[inline]
    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline]
    fn expect(&mut self, byte: u8, what: &str) -> Result<(), Failure> {
        if self.eat(byte) { Ok(()) } else { Err(self.failure(format!("expected {what}"))) }
    }
}

/// `time_unix_nano` as `timeUnixNano`.
fn lower_camel_case(name: &str) -> String {
    let mut upper = false;
    name.chars()
        .filter_map(|character| {
            let starts = std::mem::replace(&mut upper, character == '_');
            (character != '_')
                .then(|| if starts { character.to_ascii_uppercase() } else { character })
        })
        .collect()
}

/// The start of a text, for an error.
fn excerpt(text: &str) -> String {
    let mut start: String = text.chars().take(40).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    format!("{start:?}")
}
