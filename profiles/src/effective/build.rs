//! From merged tables to an effective profile.

use std::collections::BTreeMap;

use super::{
    Availability, DomainRule, EffectiveProfile, Kind, Network, PathRule, SocketRule, Standing,
    Switch,
};
use crate::error::Error;
use crate::layer::Setting;
use crate::lint::Notice;
use crate::profile::path::Target;
use crate::profile::{Access, Permission, shape};
use crate::provenance::Provenance;
use crate::requirements::Requirements;
use crate::source::{Leaf, Node, Replaced, Scalar, Table};

/// Turns a merged table into a profile.
pub(crate) struct Builder<'a> {
    pub(crate) name: &'a str,
    pub(crate) extends: Vec<String>,
    pub(crate) availability: Availability,
    pub(crate) requirements: &'a Requirements,
}

impl Builder<'_> {
    pub(crate) fn unrestricted(self) -> EffectiveProfile {
        let mut profile = self.empty(Kind::Unrestricted);
        profile.description = Some("No restriction.".to_owned());
        profile
    }

    pub(crate) fn restricted(self, table: &Table) -> Result<EffectiveProfile, Error> {
        let mut profile = self.empty(Kind::Restricted);
        if let Some(node) = table.entries.get("description") {
            profile.description = Some(shape::text("description", node)?.to_owned());
        }
        if let Some(Node::Table(roots)) = table.entries.get("workspace_roots") {
            for (path, node) in &roots.entries {
                let value = shape::switch(path, node)?;
                let at = node.at().clone();
                profile.workspace_roots.insert(path.clone(), Setting { value, at });
            }
        }
        if let Some(Node::Table(filesystem)) = table.entries.get("filesystem") {
            paths(filesystem, &mut profile)?;
        }
        if profile.paths.is_empty() {
            profile.notices.push(Notice {
                rule: "no_path_rules",
                summary: format!(
                    "the profile `{}` has no rule for paths: nothing can be read",
                    self.name
                ),
                at: table.at.clone(),
            });
        }
        if let Some(Node::Table(network)) = table.entries.get("network") {
            self::network(network, &mut profile.network)?;
        }
        self.floors(&mut profile);
        self.managed_network(&mut profile)?;
        Ok(profile)
    }

    fn empty(&self, kind: Kind) -> EffectiveProfile {
        EffectiveProfile {
            name: Some(self.name.to_owned()),
            extends: self.extends.clone(),
            description: None,
            kind,
            availability: self.availability.clone(),
            workspace_roots: BTreeMap::new(),
            paths: Vec::new(),
            glob_scan_max_depth: None,
            network: Network::default(),
            notices: Vec::new(),
        }
    }

    /// Denies that nothing weakens.
    fn floors(&self, profile: &mut EffectiveProfile) {
        if self.requirements.floors.contains_key(self.name) {
            for rule in &mut profile.paths {
                let own = rule.at.profile.as_deref() == Some(self.name);
                rule.floor |= own && rule.access == Access::Deny && rule.at.layer.is_requirements();
            }
        }
        for deny in &self.requirements.deny_read {
            let mut add = |target: &Target, standing| {
                profile.paths.push(PathRule {
                    target: target.clone(),
                    access: Access::Deny,
                    written: format!("{} = deny (deny_read)", deny.value.written),
                    at: deny.at.clone(),
                    standing,
                    floor: true,
                    replaced: Vec::new(),
                });
            };
            match &deny.value.codex {
                Some(codex) if *codex == deny.value.documented => add(codex, Standing::Both),
                codex => {
                    if let Some(codex) = codex {
                        add(codex, Standing::Codex);
                    }
                    add(&deny.value.documented, Standing::Documented);
                }
            }
        }
    }

    /// `experimental_network` over the profile's own network.
    fn managed_network(&self, profile: &mut EffectiveProfile) -> Result<(), Error> {
        let Some(table) = &self.requirements.network else { return Ok(()) };
        let mut managed = Network::default();
        network(table, &mut managed)?;
        let network = &mut profile.network;
        for (name, switch) in managed.switches {
            network.switches.insert(name, switch);
        }
        network.limited = managed.limited.or(network.limited.take());
        network.others.extend(managed.others);
        if network.switch("managed_allowed_domains_only", crate::Semantics::Codex).0 {
            network.domains.retain(|rule| {
                rule.permission == Permission::Deny || rule.at.layer.is_requirements()
            });
        }
        network.domains.extend(managed.domains);
        network.sockets.extend(managed.sockets);
        Ok(())
    }
}

fn paths(table: &Table, profile: &mut EffectiveProfile) -> Result<(), Error> {
    for (key, node) in &table.entries {
        match node {
            Node::Leaf(leaf) if key == "glob_scan_max_depth" => {
                let at = leaf.at.clone();
                profile.glob_scan_max_depth = Some(Setting { value: shape::depth(leaf)?, at });
            }
            Node::Leaf(leaf) => path(profile, key, None, leaf, &leaf.replaced)?,
            Node::Table(scoped) => {
                held_paths(profile, key, None, (&scoped.at, false), &scoped.replaced);
                for (below, node) in &scoped.entries {
                    if let Node::Leaf(leaf) = node {
                        path(profile, key, Some(below), leaf, &leaf.replaced)?;
                    }
                }
            }
        }
    }
    Ok(())
}

fn path(
    profile: &mut EffectiveProfile,
    key: &str,
    below: Option<&str>,
    leaf: &Leaf,
    replaced: &[Replaced],
) -> Result<(), Error> {
    let (target, access) = shape::rule(key, below, leaf)?;
    if let Target::Unknown { word } = &target {
        profile.notices.push(Notice {
            rule: "unknown_special_path",
            summary: format!("`{word}` is no path that Codex knows; it ignores the rule"),
            at: leaf.at.clone(),
        });
    }
    held_paths(profile, key, below, (&leaf.at, access == Access::Deny), replaced);
    profile.paths.push(PathRule {
        target,
        access,
        written: written(key, below, access.as_str()),
        at: leaf.at.clone(),
        standing: Standing::Both,
        floor: false,
        replaced: replaced.to_vec(),
    });
    Ok(())
}

/// Denies that were replaced, and that the documented semantics holds. `denies` says that what replaced them
/// is a deny as well: then only the trust of the older one is left to hold.
fn held_paths(
    profile: &mut EffectiveProfile,
    key: &str,
    below: Option<&str>,
    (by, denies): (&Provenance, bool),
    replaced: &[Replaced],
) {
    for old in replaced {
        if denies && old.below.is_empty() && old.at.layer.trust() <= by.layer.trust() {
            continue;
        }
        let below = old.below.first().map(String::as_str).or(below);
        let leaf = Leaf { value: old.value.clone(), at: old.at.clone(), replaced: Vec::new() };
        let Ok((target, Access::Deny)) = shape::rule(key, below, &leaf) else { continue };
        let known = profile.paths.iter().any(|rule| rule.target == target && rule.at == old.at);
        if holds(old, by) && !known {
            profile.paths.push(PathRule {
                target,
                access: Access::Deny,
                written: written(key, below, "deny"),
                at: old.at.clone(),
                standing: Standing::Documented,
                floor: false,
                replaced: Vec::new(),
            });
        }
    }
}

/// Whether a deny that something replaced stays a deny as it is documented.
fn holds(old: &Replaced, by: &Provenance) -> bool {
    old.by_child || old.at.layer.trust() > by.layer.trust()
}

fn written(key: &str, below: Option<&str>, word: &str) -> String {
    match below {
        Some(".") | None => format!("{key} = {word}"),
        Some(below) => format!("{key}/{below} = {word}"),
    }
}

fn network(table: &Table, network: &mut Network) -> Result<(), Error> {
    for (key, node) in &table.entries {
        match (key.as_str(), node) {
            ("domains", Node::Table(domains)) => {
                for (pattern, node) in &domains.entries {
                    domain(network, pattern, node)?;
                }
            }
            ("unix_sockets", Node::Table(sockets)) => {
                for (path, node) in &sockets.entries {
                    socket(network, path, node)?;
                }
            }
            ("mode", Node::Leaf(leaf)) => {
                let limited = |value: &Scalar| match value {
                    Scalar::Text(word) => Some(word == "limited"),
                    _ => None,
                };
                network.limited = Some(switch(leaf, shape::mode(node)?, true, limited));
            }
            (key, Node::Leaf(leaf)) if shape::SWITCHES.contains(&key) => {
                let flag = |value: &Scalar| match value {
                    Scalar::Bool(flag) => Some(*flag),
                    _ => None,
                };
                let strict = key == "managed_allowed_domains_only";
                let read = switch(leaf, shape::switch(key, node)?, strict, flag);
                network.switches.insert(key.to_owned(), read);
            }
            (key, node) => {
                let at = node.at().clone();
                let value = plain(node);
                network.others.insert(key.to_owned(), Setting { value, at });
            }
        }
    }
    Ok(())
}

/// A switch whose stricter value is `strict`.
fn switch(
    leaf: &Leaf,
    value: bool,
    strict: bool,
    read: impl Fn(&Scalar) -> Option<bool>,
) -> Switch {
    let trust = leaf.at.layer.trust();
    let held = leaf.replaced.iter().rev().find(|old| {
        value != strict && read(&old.value) == Some(strict) && old.at.layer.trust() > trust
    });
    let held = held.map(|old| Setting { value: strict, at: old.at.clone() });
    Switch { value, at: leaf.at.clone(), held }
}

fn domain(network: &mut Network, pattern: &str, node: &Node) -> Result<(), Error> {
    let (parsed, permission) = shape::domain(pattern, node)?;
    let Node::Leaf(leaf) = node else { return Ok(()) };
    for old in denied(leaf, permission) {
        network.domains.push(DomainRule {
            pattern: parsed.clone(),
            permission: Permission::Deny,
            written: format!("{pattern} = deny"),
            at: old.at.clone(),
            standing: Standing::Documented,
            replaced: Vec::new(),
        });
    }
    network.domains.push(DomainRule {
        pattern: parsed,
        permission,
        written: format!("{pattern} = {permission}"),
        at: leaf.at.clone(),
        standing: Standing::Both,
        replaced: leaf.replaced.clone(),
    });
    Ok(())
}

fn socket(network: &mut Network, path: &str, node: &Node) -> Result<(), Error> {
    let (parsed, permission) = shape::socket(path, node)?;
    let Node::Leaf(leaf) = node else { return Ok(()) };
    for old in denied(leaf, permission) {
        network.sockets.push(SocketRule {
            path: parsed.clone(),
            permission: Permission::Deny,
            written: format!("{path} = deny"),
            at: old.at.clone(),
            standing: Standing::Documented,
            replaced: Vec::new(),
        });
    }
    network.sockets.push(SocketRule {
        path: parsed,
        permission,
        written: format!("{path} = {permission}"),
        at: leaf.at.clone(),
        standing: Standing::Both,
        replaced: leaf.replaced.clone(),
    });
    Ok(())
}

/// Denies that an allow replaced, and that the documented semantics holds.
fn denied(leaf: &Leaf, permission: Permission) -> impl Iterator<Item = &Replaced> {
    leaf.replaced.iter().filter(move |old| {
        let was = match &old.value {
            Scalar::Text(word) => Permission::parse(word),
            _ => None,
        };
        permission == Permission::Allow && was == Some(Permission::Deny) && holds(old, &leaf.at)
    })
}

fn plain(node: &Node) -> Scalar {
    match node {
        Node::Leaf(leaf) => leaf.value.clone(),
        Node::Table(table) => Scalar::Table(
            table.entries.iter().map(|(key, node)| (key.clone(), plain(node))).collect(),
        ),
    }
}
