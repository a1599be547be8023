//! The two meanings that a profile can be given.

use std::fmt;

use serde::Serialize;

/// The version of Codex whose behaviour [`Semantics::Codex`] mirrors.
pub const CODEX_VERSION: &str = "0.169.0";

/// Which meaning a profile is given.
///
/// They differ in three things: where a deny and an allow meet (`Documented` holds a deny against a child
/// profile, less trusted layers and their depth, `Codex` lets the stronger table win), how hosts are
/// compared (`Documented` knows that two spellings of an address or of an international name are one,
/// `Codex` compares texts), and how far requirements reach (the same way as the first).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Semantics {
    /// As Codex does it; what an audit asks for.
    #[default]
    Codex,
    /// As Codex documents it: a deny is never weakened by a less trusted layer.
    Documented,
}

impl Semantics {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Codex, Self::Documented];

    /// Its name in output and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Codex => "codex",
            Self::Documented => "documented",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Codex => Self::Documented,
            Self::Documented => Self::Codex,
        }
    }
}

impl fmt::Display for Semantics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
