//! The lines of a file, plain or compressed, one at a time: no file and no line takes more memory than is
//! allowed, whatever it says.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

/// Longest line that is read, in bytes.
pub const LINE_LIMIT: usize = 32 << 20;
/// Most lines of a file that are read.
pub const LINES_LIMIT: u64 = 10_000_000;
/// Most bytes that are read of a file, after decompression.
pub const TEXT_LIMIT: u64 = 4 << 30;
/// Largest window of a compressed file, as a power of two: what `zstd --ultra` makes needs no more.
const WINDOW_LOG: u32 = 27;
/// Bytes that are read at a time.
const BUFFER: usize = 1 << 16;

/// Whether a file of this name holds one JSON object a line.
pub(super) fn are_in(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let name = name.to_ascii_lowercase();
    let (name, compressed) = match name.strip_suffix(".zst") {
        Some(name) => (name, true),
        None => (name.as_str(), false),
    };
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    match extension {
        Some("jsonl" | "ndjson") => true,
        Some("json") => compressed,
        _ => false,
    }
}

/// Opens a file; one whose name ends in `.zst` is decompressed on the way.
pub(super) fn open(path: &Path) -> std::io::Result<Box<dyn BufRead + Send>> {
    let file = File::open(path)?;
    let compressed =
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zst"));
    if !compressed {
        return Ok(Box::new(BufReader::with_capacity(BUFFER, file)));
    }
    let mut decoder = zstd::stream::read::Decoder::new(file)?;
    decoder.window_log_max(WINDOW_LOG)?;
    Ok(Box::new(BufReader::with_capacity(BUFFER, decoder)))
}

/// A line, or why it cannot be read.
pub(super) type Line = Result<String, Unreadable>;

/// Why a line cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) reason: String,
    /// Whether nothing after it can be read either.
    pub(super) last: bool,
}

/// Goes through the lines of a file; blank ones are left out.
pub(super) struct Lines<R> {
    input: R,
    number: u64,
    bytes: u64,
    done: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, number: 0, bytes: 0, done: false }
    }

    /// The next line and its number, from 1.
    pub(super) fn next(&mut self) -> Option<(u64, Line)> {
        loop {
            if self.done {
                return None;
            }
            self.number += 1;
            let line = if self.number > LINES_LIMIT {
                Err(self.stop(format!("more than {LINES_LIMIT} lines")))
            } else {
                match self.read() {
                    Ok(line) => line?,
                    Err(error) => Err(self.stop(error.to_string())),
                }
            };
            if !line.as_ref().is_ok_and(|line| line.trim_ascii().is_empty()) {
                return Some((self.number, line));
            }
        }
    }

    fn stop(&mut self, reason: String) -> Unreadable {
        self.done = true;
        Unreadable { reason, last: true }
    }

    /// The next line; none at the end of the file.
    fn read(&mut self) -> std::io::Result<Option<Line>> {
        let mut line = Vec::new();
        let limit = LINE_LIMIT as u64 + 1;
        let mut read = (&mut self.input).take(limit).read_until(b'\n', &mut line)? as u64;
        self.bytes = self.bytes.saturating_add(read);
        let mut long = false;
        while line.last() != Some(&b'\n') && read == limit {
            // The rest of it is passed over.
            long = true;
            line.clear();
            read = (&mut self.input).take(limit).read_until(b'\n', &mut line)? as u64;
            self.bytes = self.bytes.saturating_add(read);
            if self.bytes > TEXT_LIMIT {
                break;
            }
        }
        if self.bytes > TEXT_LIMIT {
            return Ok(Some(Err(self.stop(format!("more than {TEXT_LIMIT} bytes")))));
        }
        if long {
            let reason = format!("more than {LINE_LIMIT} bytes");
            return Ok(Some(Err(Unreadable { reason, last: false })));
        }
        if line.is_empty() {
            self.done = true;
            return Ok(None);
        }
        while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            line.pop();
        }
        Ok(Some(String::from_utf8(line).map_err(|error| Unreadable {
            reason: format!("not UTF-8 from byte {} on", error.utf8_error().valid_up_to() + 1),
            last: false,
        })))
    }
}

/// Whether a JSON text is several, one a line: its first line is whole and others follow.
pub(super) fn are_several(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    let Some(end) = memchr::memchr(b'\n', body) else { return false };
    let first = body.get(..end).unwrap_or_default();
    first.trim_ascii_end().ends_with(b"}")
        && serde_json::from_slice::<serde::de::IgnoredAny>(first).is_ok()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn all(text: &[u8]) -> Vec<(u64, Line)> {
        let mut lines = Lines::new(Cursor::new(text.to_vec()));
        std::iter::from_fn(|| lines.next()).collect()
    }

    #[test]
    fn blank_lines_are_left_out_and_counted_and_the_last_needs_no_end() {
        let found = all(b"{1}\r\n\n  \n{2}\n\xff\n{3}");
        let numbers: Vec<u64> = found.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 4, 5, 6]);
        let texts: Vec<Option<&str>> =
            found.iter().map(|(_, line)| line.as_ref().ok().map(String::as_str)).collect();
        assert_eq!(texts, [Some("{1}"), Some("{2}"), None, Some("{3}")]);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_one_is_read() {
        let mut text = vec![b'x'; 2 * LINE_LIMIT + 10];
        text.extend_from_slice(b"\n{}\n");
        let found = all(&text);
        assert_eq!(found.len(), 2);
        assert!(found[0].1.as_ref().unwrap_err().reason.starts_with("more than"));
        assert_eq!(found[1], (2, Ok("{}".to_owned())));
        let just = vec![b'y'; LINE_LIMIT];
        assert_eq!(all(&just)[0].1.as_ref().unwrap().len(), LINE_LIMIT);
    }

    #[test]
    fn names_and_contents_tell_lines_from_one_document() {
        for name in ["a.jsonl", "A.JSONL.ZST", "b.json.zst", "c.ndjson"] {
            assert!(are_in(Path::new(name)), "{name}");
        }
        for name in ["a.json", "a.pb", "a.zst", "jsonl"] {
            assert!(!are_in(Path::new(name)), "{name}");
        }
        assert!(are_several(b"{\"a\": 1}\n{\"b\": 2}\n"));
        assert!(!are_several(b"{\"a\": 1}\n"));
        assert!(!are_several(b"{\n\"a\": 1\n}\n"));
    }
}
