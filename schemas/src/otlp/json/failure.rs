//! What is wrong with a JSON body, and where.

use std::fmt;

/// Why a body is not the OTLP/JSON message it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{what} at line {line} column {column}", field.as_ref().map(|field| format!("{field}: ")).unwrap_or_default())]
pub struct JsonError {
    field: Option<String>,
    what: String,
    line: usize,
    column: usize,
    offset: usize,
}

impl JsonError {
    /// The field that is wrong, as a path from the request; none where it is the request itself.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Line of the error, from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// Column of the error within its line, in bytes, from 1.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }

    /// Bytes of the body before the error.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

/// A step from a message to the value that is wrong.
#[derive(Debug)]
enum Step {
    Field(&'static str),
    Index(usize),
}

#[derive(Debug)]
struct Cause {
    offset: usize,
    what: String,
    /// Innermost step first.
    steps: Vec<Step>,
    too_large: bool,
}

/// An error on its way up, which collects where it was.
#[derive(Debug)]
pub(in crate::otlp) struct Failure(Box<Cause>);

impl Failure {
    /// At an offset of the body.
    #[cold]
    pub(in crate::otlp) fn new(offset: usize, what: impl Into<String>) -> Self {
        Self(Box::new(Cause { offset, what: what.into(), steps: Vec::new(), too_large: false }))
    }

    /// What is read takes more memory than it may.
    #[cold]
    pub(super) fn too_large(offset: usize) -> Self {
        let mut failure = Self::new(offset, "too much to decode");
        failure.0.too_large = true;
        failure
    }

    /// Whether it is that.
    pub(super) fn is_too_large(&self) -> bool {
        self.0.too_large
    }

    /// It was in the value of this field.
    #[cold]
    pub(in crate::otlp) fn within(mut self, field: &'static str) -> Self {
        self.0.steps.push(Step::Field(field));
        self
    }

    /// It was in this element of a list.
    #[cold]
    pub(super) fn at_index(mut self, index: usize) -> Self {
        self.0.steps.push(Step::Index(index));
        self
    }

    /// Where in `body` it was.
    pub(super) fn locate(self, body: &[u8]) -> JsonError {
        let Cause { offset, what, steps, .. } = *self.0;
        let before = body.get(..offset).unwrap_or(body);
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let column = before.len() - memchr::memrchr(b'\n', before).map_or(0, |end| end + 1) + 1;
        let field = (!steps.is_empty()).then(|| Path(&steps).to_string());
        JsonError { field, what, line, column, offset }
    }
}

struct Path<'a>(&'a [Step]);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().rev().enumerate() {
            match step {
                Step::Field(name) if position == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
