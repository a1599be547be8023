//! Layers of configuration: what they are, and reading one.

mod derive;
mod kind;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::error::Error;
use crate::profile::{name, shape};
use crate::provenance::Provenance;
use crate::source::{self, Node, Scalar, Table};

pub use derive::{derive, derive_requirements};
pub use kind::{LayerKind, Trust};

/// A setting with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub at: Provenance,
}

/// What one file, or the command line, says about profiles. Other keys of the file are not looked at.
#[derive(Debug, Clone)]
pub struct Layer {
    /// What it is.
    pub kind: LayerKind,
    /// Its file.
    pub file: Option<Arc<str>>,
    /// Whether it counts: a project's does only when the project is trusted.
    pub in_force: bool,
    /// The profile that it selects.
    pub default_permissions: Option<Setting<String>>,
    /// When a person is asked.
    pub approval_policy: Option<Setting<String>>,
    /// Keys of the older sandbox settings, which do not compose with profiles.
    pub legacy: Vec<Setting<String>>,
    /// `[permissions.<name>]`.
    pub(crate) profiles: std::collections::BTreeMap<String, Table>,
}

/// Keys that belong to the older sandbox settings.
const LEGACY: [&str; 2] = ["sandbox_mode", "sandbox_workspace_write"];

impl Layer {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, or says something about profiles that has no meaning.
    pub fn read(kind: LayerKind, path: &Path) -> Result<Self, Error> {
        let text = read_file(path)?;
        Self::parse(kind, &path.to_string_lossy(), &text)
    }

    /// Reads a text. `file` is what it is called in errors and answers.
    ///
    /// # Errors
    /// When it is no TOML, or says something about profiles that has no meaning.
    pub fn parse(kind: LayerKind, file: &str, text: &str) -> Result<Self, Error> {
        let table = source::read(kind, file, text)?;
        let mut layer = Self {
            kind,
            file: Some(file.into()),
            in_force: true,
            default_permissions: text_setting(&table, "default_permissions")?,
            approval_policy: None,
            legacy: Vec::new(),
            profiles: std::collections::BTreeMap::new(),
        };
        // A table of settings (`granular`) is possible as well; only the words matter here.
        if let Some(Node::Leaf(leaf)) = table.entries.get("approval_policy")
            && let Scalar::Text(value) = &leaf.value
        {
            layer.approval_policy = Some(Setting { value: value.clone(), at: leaf.at.clone() });
        }
        for key in LEGACY {
            if let Some(node) = table.entries.get(key) {
                layer.legacy.push(Setting { value: key.to_owned(), at: node.at().clone() });
            }
        }
        match table.entries.get("permissions") {
            None => {}
            Some(Node::Leaf(leaf)) => {
                return Err(Error::at(&leaf.at, "`permissions` has to be a table of profiles"));
            }
            Some(Node::Table(permissions)) => {
                layer.profiles = profiles(permissions)?;
            }
        }
        Ok(layer)
    }

    /// A layer of the command line: `key=value` pairs, each a piece of TOML.
    ///
    /// # Errors
    /// When one is no TOML, or says something about profiles that has no meaning.
    pub fn command_line(pairs: &[String]) -> Result<Self, Error> {
        let mut layer = Self::parse(LayerKind::CommandLine, "command line", &pairs.join("\n"))?;
        layer.file = None;
        Ok(layer)
    }

    /// The same, but out of force: the project is not trusted.
    #[must_use]
    pub fn untrusted(mut self) -> Self {
        self.in_force = false;
        self
    }

    /// The names of the profiles in it.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }
}

/// Reads the tables of profiles, each with its name in every place.
pub(crate) fn profiles(
    permissions: &Table,
) -> Result<std::collections::BTreeMap<String, Table>, Error> {
    let mut profiles = std::collections::BTreeMap::new();
    for (name, node) in &permissions.entries {
        name::check(name, node.at())?;
        let mut node = node.clone();
        node.name_profile(&name.as_str().into());
        let Node::Table(table) = node else {
            return Err(Error::at(node.at(), format!("`permissions.{name}` has to be a table")));
        };
        shape::check(name, &table)?;
        profiles.insert(name.clone(), table);
    }
    Ok(profiles)
}

/// A text under a key.
pub(crate) fn text_setting(table: &Table, key: &str) -> Result<Option<Setting<String>>, Error> {
    match table.entries.get(key) {
        None => Ok(None),
        Some(Node::Leaf(leaf)) => match &leaf.value {
            Scalar::Text(value) => Ok(Some(Setting { value: value.clone(), at: leaf.at.clone() })),
            other => Err(Error::at(
                &leaf.at,
                format!("`{key}` has to be a string, and is {}", other.kind()),
            )),
        },
        Some(Node::Table(table)) => {
            Err(Error::at(&table.at, format!("`{key}` has to be a string, and is a table")))
        }
    }
}

/// Reads a file that is not too large.
pub(crate) fn read_file(path: &Path) -> Result<String, Error> {
    use std::io::Read as _;
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    let limit = u64::try_from(source::LIMIT).unwrap_or(u64::MAX);
    file.take(limit.saturating_add(1)).read_to_string(&mut text).map_err(failed)?;
    if text.len() > source::LIMIT {
        let what = path.display().to_string();
        return Err(Error::TooLarge { what, limit: source::LIMIT });
    }
    Ok(text)
}
