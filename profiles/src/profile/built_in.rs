//! The profiles that are built in, as the tables that others may extend.

use crate::layer::LayerKind;
use crate::profile::name::{READ_ONLY, WORKSPACE};
use crate::provenance::Provenance;
use crate::source::{Leaf, Node, Scalar, Table};

/// The table of a built-in profile; none for `:danger-full-access`, which has no rules.
#[must_use]
pub(crate) fn table(name: &str) -> Option<Table> {
    let at = Provenance::of(LayerKind::BuiltIn).in_profile(name).with_detail(name);
    let mut filesystem = Table::at(at.clone());
    let mut rule = |path: &str, word: &str| {
        filesystem.entries.insert(path.to_owned(), leaf(&at, word));
    };
    rule(":root", "read");
    match name {
        READ_ONLY => {}
        WORKSPACE => {
            rule(":slash_tmp", "write");
            rule(":tmpdir", "write");
            let mut roots = Table::at(at.clone());
            let protected = PROTECTED.map(|name| (name, "read"));
            for (path, word) in [(".", "write")].into_iter().chain(protected) {
                roots.entries.insert(path.to_owned(), leaf(&at, word));
            }
            filesystem.entries.insert(":workspace_roots".to_owned(), Node::Table(roots));
        }
        _ => return None,
    }
    let mut table = Table::at(at);
    table.entries.insert("filesystem".to_owned(), Node::Table(filesystem));
    Some(table)
}

/// Names that stay read-only right below every folder that a profile makes writable, unless a rule makes
/// them writable by name.
pub const PROTECTED: [&str; 3] = [".git", ".agents", ".codex"];

fn leaf(at: &Provenance, word: &str) -> Node {
    Node::Leaf(Leaf { value: Scalar::from(word), at: at.clone(), replaced: Vec::new() })
}
