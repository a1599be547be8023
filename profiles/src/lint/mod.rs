//! What people get wrong.

use serde::Serialize;

use crate::provenance::Provenance;

/// Something that a source says and that has no effect, or not the one that it looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The lint rule that reports it.
    pub rule: &'static str,
    /// What it is.
    pub summary: String,
    /// Where it stands.
    pub at: Provenance,
}
