//! TOML whose every value knows where it comes from, and what it replaced.

mod merge;
mod read;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::provenance::Provenance;

pub use merge::{How, merge};
pub use read::{LIMIT, read};

/// A value of TOML, as far as profiles need them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Scalar {
    /// A string.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A boolean.
    Bool(bool),
    /// A list.
    List(Vec<Scalar>),
    /// A table inside a list.
    Table(BTreeMap<String, Scalar>),
    /// A float or a date, as it is written.
    Other(String),
}

impl Scalar {
    /// What kind of value it is, for an error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Bool(_) => "a boolean",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(_) => "a number or a date",
        }
    }
}

/// A value that was there before a stronger one took its place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replaced {
    /// Keys below the place where it was replaced; none when it stood right there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub below: Vec<String>,
    /// The value.
    pub value: Scalar,
    /// Where it comes from.
    pub at: Provenance,
    /// Whether a child profile replaced it, rather than a stronger layer.
    pub by_child: bool,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// The value.
    pub value: Scalar,
    /// Where it comes from.
    pub at: Provenance,
    /// What it replaced, the weakest first.
    pub replaced: Vec<Replaced>,
}

/// A table with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Where its header stands.
    pub at: Provenance,
    /// What is in it.
    pub entries: BTreeMap<String, Node>,
    /// Values that it replaced as a whole.
    pub replaced: Vec<Replaced>,
}

impl Table {
    /// An empty table at a place.
    #[must_use]
    pub fn at(at: Provenance) -> Self {
        Self { at, entries: BTreeMap::new(), replaced: Vec::new() }
    }
}

/// A table or a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A value.
    Leaf(Leaf),
    /// A table.
    Table(Table),
}

impl Node {
    /// Where it stands.
    #[must_use]
    pub fn at(&self) -> &Provenance {
        match self {
            Self::Leaf(leaf) => &leaf.at,
            Self::Table(table) => &table.at,
        }
    }

    /// Puts a profile's name into every place below.
    pub(crate) fn name_profile(&mut self, name: &std::sync::Arc<str>) {
        match self {
            Self::Leaf(leaf) => leaf.at.profile = Some(name.clone()),
            Self::Table(table) => {
                table.at.profile = Some(name.clone());
                for node in table.entries.values_mut() {
                    node.name_profile(name);
                }
            }
        }
    }
}
