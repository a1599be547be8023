//! The commands beside collecting, and what all of them are told.

pub(crate) mod check;
pub(crate) mod dead_letters;
pub(crate) mod drain;
pub(crate) mod print_config;
pub(crate) mod settings;
pub(crate) mod status;

use std::io::Write as _;

use clap::ValueEnum;

/// How a command says what it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// To read.
    Text,
    /// For programs.
    Json,
}

/// Prints a line; whoever reads may have enough.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// What others said is not for a terminal to obey.
pub(crate) fn escaped(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect()
}
