//! Rules for paths as a tree of names: a walk along a path meets every rule that is about it.

use crate::effective::PathRule;
use crate::layer::Trust;
use crate::profile::Access;
use crate::profile::built_in::PROTECTED;

/// The tree; the first node is the root of the file system.
#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    /// Names below, sorted.
    below: Vec<(Box<str>, usize)>,
    /// Rules for this very path, in the order of the profile.
    rules: Vec<usize>,
    /// The access that wins here, and its rule.
    wins: Option<(Access, usize)>,
    /// The first rule that makes this path writable.
    write: Option<usize>,
    /// The most trusted deny here.
    deny: Option<(Trust, usize)>,
    /// The first deny of a requirement here.
    floor: Option<usize>,
}

/// What a walk along a path met.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// The rule with the longest path.
    pub(crate) wins: Option<(Access, usize)>,
    /// A deny of a requirement.
    pub(crate) floor: Option<usize>,
    /// The most trusted deny.
    pub(crate) deny: Option<(Trust, usize)>,
    /// A protected name right below a folder that a rule makes writable, unless a rule opens it again.
    pub(crate) protected: Option<(&'static str, usize)>,
    /// Whether a deny stands above the rule that wins.
    pub(crate) reopened: bool,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self { nodes: vec![Node::default()] }
    }

    /// Adds a rule at an absolute path.
    pub(crate) fn add(&mut self, path: &str, index: usize, rule: &PathRule) {
        let mut at = 0;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let next = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { return };
            at = match node.below.binary_search_by(|(known, _)| known.as_ref().cmp(name)) {
                Ok(place) => node.below.get(place).map_or(0, |(_, node)| *node),
                Err(place) => {
                    node.below.insert(place, (name.into(), next));
                    self.nodes.push(Node::default());
                    next
                }
            };
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.put(index, rule);
        }
    }

    /// Walks along an absolute path.
    pub(crate) fn walk(&self, path: &str) -> Walk {
        let mut walk = Walk::default();
        let mut node = self.nodes.first();
        let mut names = path.split('/').filter(|name| !name.is_empty());
        while let Some(here) = node {
            here.meet(&mut walk);
            let Some(name) = names.next() else { break };
            if let (Some(rule), Some(protected)) = (here.write, protected(name)) {
                walk.protected = Some((protected, rule));
            }
            let found = here.below.binary_search_by(|(known, _)| known.as_ref().cmp(name)).ok();
            node = found
                .and_then(|place| here.below.get(place))
                .and_then(|(_, node)| self.nodes.get(*node));
        }
        walk
    }

    /// Every rule about a path, the one with the longest path first.
    pub(crate) fn rules(&self, path: &str) -> Vec<usize> {
        let mut rules = Vec::new();
        let mut node = self.nodes.first();
        let mut names = path.split('/').filter(|name| !name.is_empty());
        while let Some(here) = node {
            rules.extend(here.rules.iter().rev());
            let Some(name) = names.next() else { break };
            let found = here.below.binary_search_by(|(known, _)| known.as_ref().cmp(name)).ok();
            node = found
                .and_then(|place| here.below.get(place))
                .and_then(|(_, node)| self.nodes.get(*node));
        }
        rules.reverse();
        rules
    }
}

impl Node {
    fn put(&mut self, index: usize, rule: &PathRule) {
        // The places of one rule are added one after another.
        if self.rules.last() == Some(&index) {
            return;
        }
        self.rules.push(index);
        if self.wins.is_none_or(|(access, _)| rule.access > access) {
            self.wins = Some((rule.access, index));
        }
        match rule.access {
            Access::Write => {
                self.write.get_or_insert(index);
            }
            Access::Deny => {
                let trust = rule.at.layer.trust();
                if self.deny.is_none_or(|(known, _)| trust > known) {
                    self.deny = Some((trust, index));
                }
                if rule.floor {
                    self.floor.get_or_insert(index);
                }
            }
            Access::Read => {}
        }
    }

    fn meet(&self, walk: &mut Walk) {
        if let Some(wins) = self.wins {
            walk.reopened = walk.deny.is_some() && wins.0 != Access::Deny;
            walk.wins = Some(wins);
        }
        if self.write.is_some() {
            // A writable rule at or below the protected name opens it.
            walk.protected = None;
        }
        if let Some((trust, rule)) = self.deny
            && walk.deny.is_none_or(|(known, _)| trust > known)
        {
            walk.deny = Some((trust, rule));
        }
        if walk.floor.is_none() {
            walk.floor = self.floor;
        }
    }
}

fn protected(name: &str) -> Option<&'static str> {
    PROTECTED.into_iter().find(|protected| *protected == name)
}
