//! What a profile's table may say, and how tables become one.

pub mod built_in;
pub mod domain;
pub mod extends;
pub mod name;
pub mod path;
pub mod shape;

use std::fmt;

use serde::Serialize;

/// What a rule of the file system allows. The order is the one in which they win at the same path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Read and list.
    Read,
    /// Read, create, change, rename and delete.
    Write,
    /// Nothing.
    Deny,
}

impl Access {
    /// Reads the word of a configuration; `none` is an older spelling of `deny`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "read" => Some(Self::Read),
            "write" => Some(Self::Write),
            "deny" | "none" => Some(Self::Deny),
            _ => None,
        }
    }

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What a rule for a domain or a socket says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// It may.
    Allow,
    /// It may not.
    Deny,
}

impl Permission {
    /// Reads the word of a configuration.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "allow" => Some(Self::Allow),
            "deny" | "none" => Some(Self::Deny),
            _ => None,
        }
    }

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
