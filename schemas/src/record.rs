//! The column `record`: the whole record, with long strings that stand in a typed column replaced by a
//! reference to it, and the way back.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;

use crate::Error;
use crate::otlp::json::push_string;

/// Strings shorter than this many bytes are not worth a reference.
pub const LONG: usize = 64;
/// How a reference begins. Canonical JSON escapes every quote inside a string and has no such key, so
/// the bytes cannot occur otherwise.
const OPEN: &str = r#"{"blotterColumn":""#;
/// How a reference ends.
const CLOSE: &str = r#""}"#;

/// A string attribute value of at least [`LONG`] bytes within canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LongValue<'a> {
    /// Where the value's whole JSON object stands, `{"stringValue":"..."}`.
    pub range: Range<usize>,
    /// The string itself.
    pub text: &'a str,
}

/// Replaces each value that equals one of `columns` (name and content) by a reference to it.
#[must_use]
pub fn shorten(canonical: &str, long: &[LongValue<'_>], columns: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(canonical.len());
    let mut from = 0;
    for value in long {
        let column = columns.iter().find(|(_, content)| *content == value.text);
        let (Some((name, _)), Some(before)) = (column, canonical.get(from..value.range.start))
        else {
            continue;
        };
        out.push_str(before);
        out.push_str(OPEN);
        out.push_str(name);
        out.push_str(CLOSE);
        from = value.range.end;
    }
    out.push_str(canonical.get(from..).unwrap_or_default());
    out
}

/// The canonical JSON again: each reference in `record` is replaced by the content of its column.
///
/// # Errors
/// [`Error::Reference`] when `column` does not know a column that the record refers to.
pub fn restore<'a>(
    record: &'a str,
    column: impl Fn(&str) -> Option<&'a str>,
) -> Result<Cow<'a, str>, Error> {
    let mut starts = memmem::find_iter(record.as_bytes(), OPEN).peekable();
    if starts.peek().is_none() {
        return Ok(Cow::Borrowed(record));
    }
    let mut out = String::with_capacity(record.len() * 2);
    let mut from = 0;
    for start in starts {
        let rest = record.get(start + OPEN.len()..).unwrap_or_default();
        let name = rest.split_once(CLOSE).map(|(name, _)| name).unwrap_or_default();
        let content = column(name).ok_or_else(|| Error::Reference(name.to_owned()))?;
        out.push_str(record.get(from..start).unwrap_or_default());
        out.push_str(r#"{"stringValue":"#);
        push_string(&mut out, content);
        out.push('}');
        from = start + OPEN.len() + name.len() + CLOSE.len();
    }
    out.push_str(record.get(from..).unwrap_or_default());
    Ok(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record with one long value, as the encoder writes it and notes it.
    fn record(text: &str) -> (String, Vec<LongValue<'_>>) {
        let value = format!(r#"{{"stringValue":{}}}"#, serde_json::to_string(text).unwrap());
        let before = r#"{"attributes":[{"key":"output","value":"#;
        let range = before.len()..before.len() + value.len();
        (format!("{before}{value}}}]}}"), vec![LongValue { range, text }])
    }

    #[test]
    fn a_long_string_that_stands_in_a_column_is_a_reference_and_comes_back() {
        let text = "line \"1\"\n".repeat(20);
        let (canonical, long) = record(&text);
        let short = shorten(&canonical, &long, &[("arguments", "no"), ("output", &text)]);
        assert_eq!(
            short,
            r#"{"attributes":[{"key":"output","value":{"blotterColumn":"output"}}]}"#
        );
        let restored = restore(&short, |name| (name == "output").then_some(text.as_str()));
        assert_eq!(restored.unwrap(), canonical);
    }

    #[test]
    fn a_string_that_looks_like_a_reference_is_left_alone() {
        let text = r#"{"blotterColumn":"output"}"#.repeat(4);
        let (canonical, long) = record(&text);
        let short = shorten(&canonical, &long, &[]);
        assert_eq!(short, canonical);
        assert_eq!(restore(&short, |_| None).unwrap(), canonical);
    }

    #[test]
    fn a_reference_to_a_column_without_a_value_is_an_error_not_an_empty_string() {
        let error = restore(r#"{"value":{"blotterColumn":"output"}}"#, |_| None).unwrap_err();
        assert!(matches!(error, Error::Reference(name) if name == "output"));
    }
}
