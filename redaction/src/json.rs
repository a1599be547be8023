//! Secrets in a JSON text: every string and every key is searched, and what is not changed stays as it was
//! written, byte by byte.

use std::borrow::Cow;

use blotter_schemas::otlp::{Encoding, Signal};
use serde::de::IgnoredAny;

use crate::fields::Mode;
use crate::redactor::{Counts, Redactor};

/// Deepest nesting that is followed; no decoder lets more in.
const DEPTH: usize = 200;

impl Redactor {
    /// Takes the secrets out of every string of a JSON text, and applies the modes of its fields; none
    /// where nothing changes. `attribute` says as which attribute key the value at a place is treated, where
    /// its own key does not say it; a place is the keys on the way there, joined by dots.
    ///
    /// A text that is no JSON is searched as a whole.
    pub fn redact_json(
        &self,
        text: &str,
        attribute: &dyn Fn(&str) -> Option<&'static str>,
    ) -> Option<(String, Counts)> {
        let modes = self.fields.has_modes();
        if !modes && !self.may_contain(Signal::Logs, Encoding::Json, text.as_bytes()) {
            return None;
        }
        let mut rewriter = Rewriter {
            redactor: self,
            attribute,
            rest: text,
            out: String::with_capacity(text.len()),
            place: String::new(),
            counts: Counts::new(),
        };
        let whole = rewriter.value(None, 0).is_some() && rewriter.rest.trim().is_empty();
        let Rewriter { out, counts, .. } = rewriter;
        if whole {
            return (!counts.is_empty()).then_some((out, counts));
        }
        let mut counts = Counts::new();
        Some((self.text(text, None, &mut counts)?, counts))
    }
}

struct Rewriter<'a> {
    redactor: &'a Redactor,
    attribute: &'a dyn Fn(&str) -> Option<&'static str>,
    rest: &'a str,
    out: String,
    place: String,
    counts: Counts,
}

impl<'a> Rewriter<'a> {
    /// Copies the next value; none where there is none. `name` is the key it stands under.
    fn value(&mut self, name: Option<&str>, depth: usize) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        self.space();
        match self.rest.as_bytes().first()? {
            b'{' => self.object(depth),
            b'[' => self.array(name, depth),
            b'"' => {
                let raw = self.string()?;
                self.write(raw, name)
            }
            _ => {
                let raw = self.scalar()?;
                self.out.push_str(raw);
                Some(())
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.token('{')?;
        let outside = self.place.len();
        let mut first = true;
        self.space();
        if self.take('}') {
            self.out.push('}');
            return Some(());
        }
        loop {
            self.space();
            let raw = self.string()?;
            let key = decoded(raw)?;
            self.space();
            self.take(':').then_some(())?;
            if outside > 0 {
                self.place.push('.');
            }
            self.place.push_str(&key);
            let attribute = (self.attribute)(&self.place);
            let mode = self.redactor.fields.mode(attribute.unwrap_or(&key));
            if mode == Mode::Drop {
                self.skip(depth)?;
                self.count(&self.redactor.dropped.clone());
            } else {
                if !first {
                    self.out.push(',');
                }
                first = false;
                self.write(raw, None)?;
                self.out.push(':');
                match mode {
                    Mode::Hash => self.hash(depth)?,
                    Mode::Keep => {
                        let raw = self.skip(depth)?;
                        self.out.push_str(raw);
                    }
                    Mode::Redact | Mode::Drop => self.value(Some(&key), depth + 1)?,
                }
            }
            self.place.truncate(outside);
            self.space();
            if self.take('}') {
                self.out.push('}');
                return Some(());
            }
            self.take(',').then_some(())?;
        }
    }

    fn array(&mut self, name: Option<&str>, depth: usize) -> Option<()> {
        self.token('[')?;
        self.space();
        if self.take(']') {
            self.out.push(']');
            return Some(());
        }
        loop {
            self.value(name, depth + 1)?;
            self.space();
            if self.take(']') {
                self.out.push(']');
                return Some(());
            }
            self.token(',')?;
        }
    }

    /// Writes a string without its secrets.
    fn write(&mut self, raw: &str, name: Option<&str>) -> Option<()> {
        let text = decoded(raw)?;
        match self.redactor.text(&text, name, &mut self.counts) {
            Some(redacted) => self.out.push_str(&serde_json::to_string(&redacted).ok()?),
            None => self.out.push_str(raw),
        }
        Some(())
    }

    /// Writes the fingerprint of a value; of nested values that of their JSON.
    fn hash(&mut self, depth: usize) -> Option<()> {
        let raw = self.skip(depth)?;
        if raw == "null" {
            self.out.push_str(raw);
            return Some(());
        }
        let text = if raw.starts_with('"') { decoded(raw)? } else { Cow::Borrowed(raw) };
        match self.redactor.hash(&text) {
            Some(mark) => {
                self.out.push_str(&serde_json::to_string(&mark).ok()?);
                self.count(&self.redactor.hashed.clone());
            }
            None => self.out.push_str(raw),
        }
        Some(())
    }

    /// Passes over a value; what it says as it stands.
    fn skip(&mut self, depth: usize) -> Option<&'a str> {
        self.space();
        let start = self.rest;
        self.pass(depth)?;
        start.get(..start.len().checked_sub(self.rest.len())?)
    }

    fn pass(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        self.space();
        let close = match self.rest.as_bytes().first()? {
            b'"' => return self.string().map(|_| ()),
            b'{' => '}',
            b'[' => ']',
            _ => return self.scalar().map(|_| ()),
        };
        self.rest = self.rest.get(1..)?;
        loop {
            self.space();
            if self.take(close) {
                return Some(());
            }
            if !self.take(',') && !self.take(':') {
                self.pass(depth + 1)?;
            }
        }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, token: char) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn token(&mut self, token: char) -> Option<()> {
        self.take(token).then(|| self.out.push(token))
    }

    /// The next string as it stands, quotes and all.
    fn string(&mut self) -> Option<&'a str> {
        let mut at = 1;
        self.rest.starts_with('"').then_some(())?;
        loop {
            let bytes = self.rest.as_bytes().get(at..)?;
            at += memchr::memchr2(b'"', b'\\', bytes)?;
            if self.rest.as_bytes().get(at) == Some(&b'"') {
                let (string, rest) = self.rest.split_at_checked(at + 1)?;
                self.rest = rest;
                return Some(string);
            }
            at += 2;
        }
    }

    /// The next number or word.
    fn scalar(&mut self) -> Option<&'a str> {
        let end = self.rest.find([',', '}', ']', ' ', '\t', '\n', '\r', ':']);
        let (scalar, rest) = self.rest.split_at_checked(end.unwrap_or(self.rest.len()))?;
        self.rest = rest;
        serde_json::from_str::<IgnoredAny>(scalar).ok()?;
        Some(scalar)
    }

    fn count(&mut self, rule: &std::sync::Arc<str>) {
        *self.counts.entry(rule.clone()).or_insert(0) += 1;
    }
}

/// What a string says.
fn decoded(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains('\\') {
        return raw.strip_prefix('"')?.strip_suffix('"').map(Cow::Borrowed);
    }
    serde_json::from_str(raw).ok().map(Cow::Owned)
}
