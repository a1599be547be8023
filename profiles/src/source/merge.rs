//! Merging as TOML: tables key by key, everything else as a whole.

use super::{Leaf, Node, Replaced, Scalar, Table};

/// Why two tables are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A stronger layer goes over a weaker one.
    Layer,
    /// A child profile goes over the one that it extends.
    Extends,
}

/// Puts `over` on `base`. Where both have a value, that of `over` stays and remembers what it replaced.
pub fn merge(base: &mut Table, over: Table, how: How) {
    base.replaced.extend(over.replaced);
    base.at = over.at;
    for (key, node) in over.entries {
        let merged = match (base.entries.remove(&key), node) {
            (None, node) => node,
            (Some(Node::Table(mut base)), Node::Table(over)) => {
                merge(&mut base, over, how);
                Node::Table(base)
            }
            (Some(base), Node::Leaf(mut over)) => {
                let mut replaced = gone(base, how);
                replaced.append(&mut over.replaced);
                Node::Leaf(Leaf { replaced, ..over })
            }
            (Some(base), Node::Table(mut over)) => {
                let mut replaced = gone(base, how);
                replaced.append(&mut over.replaced);
                Node::Table(Table { replaced, ..over })
            }
        };
        base.entries.insert(key, merged);
    }
}

/// Everything that goes when a node is replaced as a whole.
fn gone(node: Node, how: How) -> Vec<Replaced> {
    let mut all = Vec::new();
    collect(node, &mut Vec::new(), how, &mut all);
    all
}

fn collect(node: Node, below: &mut Vec<String>, how: How, all: &mut Vec<Replaced>) {
    let by_child = how == How::Extends;
    match node {
        Node::Leaf(leaf) => {
            all.extend(leaf.replaced.into_iter().map(|mut old| {
                let mut path = below.clone();
                path.append(&mut old.below);
                Replaced { below: path, by_child: old.by_child || by_child, ..old }
            }));
            all.push(Replaced { below: below.clone(), value: leaf.value, at: leaf.at, by_child });
        }
        Node::Table(table) => {
            all.extend(table.replaced.into_iter().map(|mut old| {
                let mut path = below.clone();
                path.append(&mut old.below);
                Replaced { below: path, by_child: old.by_child || by_child, ..old }
            }));
            for (key, node) in table.entries {
                below.push(key);
                collect(node, below, how, all);
                below.pop();
            }
        }
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
