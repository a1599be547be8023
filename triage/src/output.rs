//! Writing to the terminal: data to stdout, everything else to stderr.

use std::io::{ErrorKind, IsTerminal as _, Write as _};

use anstream::{AutoStream, ColorChoice};
use blotter_triage::render::terminal::escape;

/// Columns where there is no terminal to ask.
const COLUMNS: usize = 80;

/// Columns of the terminal on stdout; without one, of the environment variable COLUMNS, or 80.
#[must_use]
pub fn width() -> usize {
    let terminal = terminal_size::terminal_size_of(std::io::stdout());
    let columns = || std::env::var("COLUMNS").ok()?.parse().ok();
    terminal
        .map(|(width, _)| usize::from(width.0))
        .or_else(columns)
        .filter(|width| *width > 0)
        .unwrap_or(COLUMNS)
}

/// Whether stdout takes colours: on a terminal, unless NO_COLOR or the like forbid it.
#[must_use]
pub fn colour() -> bool {
    std::io::stdout().is_terminal() && AutoStream::choice(&std::io::stdout()) != ColorChoice::Never
}

/// Writes data. A reader that has seen enough is no error.
///
/// # Errors
/// When stdout cannot be written.
pub fn data(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// An error with its causes, each said once: the text of many an error quotes its cause.
#[must_use]
pub fn message(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Writes a note to stderr, each line made safe; one that cannot be written is lost.
pub fn note(text: &str) {
    let mut stderr = std::io::stderr().lock();
    for line in text.lines() {
        let _ = writeln!(stderr, "{}", escape(line));
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn every_cause_of_an_error_is_said_once() {
        let cause = std::io::Error::other("the disk is full");
        let quoting = anyhow::Error::new(cause).context("cannot write x: the disk is full");
        assert_eq!(message(&quoting), "cannot write x: the disk is full");
        let cause: Result<(), _> = Err(std::io::Error::other("the disk is full"));
        let plain = cause.context("cannot write x").unwrap_err();
        assert_eq!(message(&plain), "cannot write x: the disk is full");
    }
}
