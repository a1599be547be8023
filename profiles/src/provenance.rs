//! Where an entry comes from.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::layer::LayerKind;

/// Where an entry comes from: layer, file and line, and the profile table it stands in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Provenance {
    /// The layer.
    pub layer: LayerKind,
    /// The file, as it was named; none for what is built in, a command line or a grant.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "text")]
    pub file: Option<Arc<str>>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The profile whose table holds the entry, where it is one of a profile.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "text")]
    pub profile: Option<Arc<str>>,
    /// What else tells it apart: which grant, which session file.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "text")]
    pub detail: Option<Arc<str>>,
}

impl Provenance {
    /// A place without a file.
    #[must_use]
    pub fn of(layer: LayerKind) -> Self {
        Self { layer, file: None, line: None, profile: None, detail: None }
    }

    /// The same with what tells it apart.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Arc<str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same inside a profile's table.
    #[must_use]
    pub fn in_profile(mut self, profile: impl Into<Arc<str>>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// `file:line`, or the file, or what the layer is called.
    #[must_use]
    pub fn place(&self) -> String {
        match (&self.file, self.line, &self.detail) {
            (Some(file), Some(line), _) => format!("{file}:{line}"),
            (Some(file), None, _) => file.to_string(),
            (None, _, Some(detail)) => detail.to_string(),
            (None, _, None) => self.layer.to_string(),
        }
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place();
        if place == self.layer.as_str() {
            return formatter.write_str(&place);
        }
        write!(formatter, "{place} ({})", self.layer)
    }
}

/// Writes a shared text as a text.
fn text<S: Serializer>(text: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_deref().serialize(serializer)
}
