//! The one place where text of a record becomes text on a terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// How a piece of text is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// As it is.
    Plain,
    /// A heading.
    Strong,
    /// A label, a hint, a remark.
    Dim,
    /// Something allowed or successful.
    Good,
    /// Something refused or failed.
    Bad,
}

impl Look {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Dim => Style::new().dimmed(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
        }
    }
}

/// A screen that is being written. Whatever is put on it goes through [`escape`].
#[derive(Debug)]
pub struct Screen {
    /// Columns.
    pub width: usize,
    /// Whether colours are written.
    pub colour: bool,
    text: String,
    column: usize,
}

impl Screen {
    /// An empty screen of `width` columns.
    #[must_use]
    pub fn new(width: usize, colour: bool) -> Self {
        Self { width: width.clamp(40, 1000), colour, text: String::new(), column: 0 }
    }

    /// Writes `text` at the current place.
    pub fn put(&mut self, look: Look, text: &str) {
        if text.is_empty() {
            // Nothing but its colours would be written, and they keep spaces at the end of the line.
            return;
        }
        let text = escape(text);
        self.column += text.width();
        let style = look.style();
        if self.colour && style != Style::new() {
            // Writing to a String cannot fail.
            let _ = write!(self.text, "{style}{text}{style:#}");
        } else {
            self.text.push_str(&text);
        }
    }

    /// Fills the line with spaces up to `column`.
    pub fn pad(&mut self, column: usize) {
        while self.column < column {
            self.text.push(' ');
            self.column += 1;
        }
    }

    /// Columns left on the line.
    #[must_use]
    pub fn left(&self) -> usize {
        self.width.saturating_sub(self.column)
    }

    /// Column of the current place, from 0.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// Ends the line.
    pub fn end_line(&mut self) {
        let length = self.text.trim_end_matches(' ').len();
        self.text.truncate(length);
        self.text.push('\n');
        self.column = 0;
    }

    /// What was written.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }
}

/// Makes text of unknown origin safe to show on one line: control characters, escape sequences,
/// characters that change the direction of writing and invisible ones are written as `\n`, `\x1b` or
/// `\u{202e}`.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            _ if character.is_ascii_control() => {
                let _ = write!(escaped, "\\x{:02x}", u32::from(character));
            }
            _ if is_treacherous(character) => {
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(character));
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Whether a character is shown as nothing, or changes how others are shown.
#[must_use]
pub fn is_treacherous(character: char) -> bool {
    character.is_control()
        || matches!(u32::from(character),
            0x00AD | 0x034F | 0x061C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F
            | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F
            | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A
            | 0xE0000..=0xE0FFF)
}

/// Cuts escaped text to `width` columns. Returns the part that fits and how many characters do not.
#[must_use]
pub fn cut(text: &str, width: usize) -> (String, usize) {
    if text.width() <= width {
        return (text.to_owned(), 0);
    }
    let mut used = 0;
    let mut kept = String::new();
    let mut characters = text.chars();
    for character in characters.by_ref() {
        used += character.width().unwrap_or(0);
        if used > width {
            return (kept, characters.count() + 1);
        }
        kept.push(character);
    }
    (kept, 0)
}

/// Breaks escaped text into lines of at most `width` columns, at spaces where there are some.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        let long = word.trim_end().width();
        if used > 0 && used + long > width {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
            used = 0;
        }
        for character in word.chars() {
            let columns = character.width().unwrap_or(0);
            if used + columns > width && character != ' ' {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if used + columns <= width {
                line.push(character);
                used += columns;
            }
        }
    }
    if !line.trim_end().is_empty() || lines.is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}
