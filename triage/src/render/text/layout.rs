//! Lines with a label and a value, wrapped and cut to the width.

use blotter_schemas::names::blotter::Grade;
use unicode_width::UnicodeWidthStr as _;

use super::Options;
use super::speakers::named;
use crate::fact::Fact;
use crate::render::terminal::{Look, Screen, cut, escape, wrap};
use crate::render::time;

/// Columns of a label.
const LABEL: usize = 12;
/// Columns by which contents stand in from their heading.
const STEP: usize = 2;
/// Deepest indentation, so that nested sessions stay readable.
const INDENT_LIMIT: usize = 16;

/// Text that is being laid out.
#[derive(Debug)]
pub(super) struct Page {
    screen: Screen,
    indent: usize,
    full: bool,
    blank: bool,
}

impl Page {
    pub(super) fn new(options: Options) -> Self {
        Self {
            screen: Screen::new(options.width, options.colour),
            indent: 0,
            full: options.full,
            blank: true,
        }
    }

    /// Whether everything is to be shown.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    pub(super) fn finish(self) -> String {
        self.screen.finish()
    }

    /// An empty line, unless there is one already.
    pub(super) fn blank(&mut self) {
        if !self.blank {
            self.screen.end_line();
            self.blank = true;
        }
    }

    /// What `contents` writes stands further in.
    pub(super) fn indent(&mut self, contents: impl FnOnce(&mut Self)) {
        let before = self.indent;
        self.indent = (before + STEP).min(INDENT_LIMIT);
        contents(self);
        self.indent = before;
    }

    /// A heading; what does not fit goes on the next line.
    pub(super) fn heading(&mut self, pieces: &[(Look, &str)]) {
        self.screen.pad(self.indent);
        for (look, piece) in pieces {
            let piece = escape(piece);
            if piece.width() > self.screen.left() && self.screen.column() > self.indent {
                self.screen.end_line();
                self.screen.pad(self.indent + STEP);
                self.put(*look, piece.trim_start());
            } else {
                self.put(*look, &piece);
            }
        }
        self.screen.end_line();
    }

    /// A labelled line of words in several looks, wrapped.
    pub(super) fn line(&mut self, label: &str, pieces: &[(Look, String)]) {
        let column = self.label(label);
        let words: Vec<(Look, String)> = pieces
            .iter()
            .flat_map(|(look, piece)| {
                let piece = escape(piece);
                let words = piece.split(' ').filter(|word| !word.is_empty());
                words.map(|word| (*look, word.to_owned())).collect::<Vec<_>>()
            })
            .collect();
        for (index, (look, word)) in words.iter().enumerate() {
            let space = usize::from(index > 0 && !is_glued(word));
            let next = words.get(index + 1).filter(|(_, next)| is_glued(next));
            let needed = word.width() + space + next.map_or(0, |(_, next)| next.width());
            if index > 0 && !is_glued(word) && needed > self.screen.left() {
                self.screen.end_line();
                self.screen.pad(column);
            } else if space > 0 {
                self.put(Look::Plain, " ");
            }
            self.long_word(*look, word, column);
        }
        self.screen.end_line();
    }

    fn long_word(&mut self, look: Look, word: &str, column: usize) {
        let mut rest = word;
        loop {
            let (fits, left) = cut(rest, self.screen.left().max(1));
            let taken = if fits.is_empty() { rest.len() } else { fits.len() };
            let (head, tail) = rest.split_at_checked(taken).unwrap_or((rest, ""));
            self.put(look, head);
            if left == 0 || tail.is_empty() {
                return;
            }
            self.screen.end_line();
            self.screen.pad(column);
            rest = tail;
        }
    }

    /// A labelled text of unknown length: its own lines are kept, long ones wrapped, and after
    /// `limit` lines the rest is only counted.
    pub(super) fn value(&mut self, label: &str, text: &str, limit: usize) {
        let column = self.label(label);
        let width = self.screen.width.saturating_sub(column).max(1);
        let limit = if self.full { usize::MAX } else { limit };
        let mut shown = 0;
        let mut kept = 0;
        for (index, line) in text.lines().enumerate() {
            for part in wrap(&escape(line), width) {
                if shown == limit {
                    let all = text.chars().count();
                    self.more(column, all.saturating_sub(kept));
                    return;
                }
                if shown > 0 {
                    self.screen.end_line();
                    self.screen.pad(column);
                }
                self.put(Look::Plain, &part);
                kept += part.chars().count();
                shown += 1;
            }
            kept += usize::from(index > 0);
        }
        if shown == 0 {
            self.put(Look::Dim, "(empty)");
        }
        self.screen.end_line();
    }

    fn more(&mut self, column: usize, characters: usize) {
        self.screen.end_line();
        self.screen.pad(column);
        let characters = time::count(i64::try_from(characters).unwrap_or(i64::MAX));
        self.put(Look::Dim, &format!("... {characters} more characters, see --full"));
        self.screen.end_line();
    }

    /// What marks the statement above, on a line of its own.
    pub(super) fn marks<T>(&mut self, fact: &Fact<T>) {
        let marks = mark(fact);
        if !marks.is_empty() {
            self.line("", &marks);
        }
    }

    /// A labelled line that says that something is not known.
    pub(super) fn unknown(&mut self, label: &str, text: &str) {
        self.line(label, &[(Look::Dim, text.to_owned())]);
    }

    /// A remark without a label.
    pub(super) fn remark(&mut self, text: &str) {
        let width = self.screen.width.saturating_sub(self.indent).max(1);
        for line in wrap(&escape(text), width) {
            self.screen.pad(self.indent);
            self.put(Look::Dim, &line);
            self.screen.end_line();
        }
    }

    /// Writes the label and returns the column where values begin.
    fn label(&mut self, label: &str) -> usize {
        let column = self.indent + STEP + LABEL;
        self.screen.pad(self.indent + STEP);
        self.put(Look::Dim, &cut(&escape(label), LABEL - 1).0);
        self.screen.pad(column);
        column
    }

    fn put(&mut self, look: Look, text: &str) {
        self.screen.put(look, text);
        self.blank = false;
    }
}

/// Whether a word stands right behind the one before it.
fn is_glued(word: &str) -> bool {
    word.starts_with([',', ';', ')', ':'])
}

/// What marks a statement that no record makes, `(inferred: ...)`, `(contradicted: ...)`, and one that is
/// not the word of the session's first speaker, `(said by speaker 2)`.
pub(super) fn mark<T>(fact: &Fact<T>) -> Vec<(Look, String)> {
    let mut marks = Vec::new();
    if matches!(fact.grade, Grade::Inferred | Grade::Contradicted) {
        marks.push((Look::Dim, format!("({}: {})", fact.grade, fact.why)));
    }
    marks.extend(said(&fact.speakers));
    marks
}

/// Whose word something is, where it is not the first speaker's alone.
pub(super) fn said(speakers: &[usize]) -> Option<(Look, String)> {
    let by = || (Look::Bad, format!("(said by {})", named(speakers)));
    (!speakers.is_empty()).then(by)
}
