//! What a profile's table may hold. Everything else is refused, with its file and line.

use crate::error::Error;
use crate::profile::path::Target;
use crate::profile::{Access, Permission};
use crate::provenance::Provenance;
use crate::source::{Leaf, Node, Scalar, Table};

/// Settings of `network` that are true or false.
pub(crate) const SWITCHES: [&str; 8] = [
    "enabled",
    "enable_socks5",
    "enable_socks5_udp",
    "allow_upstream_proxy",
    "dangerously_allow_non_loopback_proxy",
    "dangerously_allow_all_unix_sockets",
    "allow_local_binding",
    "managed_allowed_domains_only",
];

/// Refuses a table that says something without a meaning.
pub(crate) fn check(name: &str, table: &Table) -> Result<(), Error> {
    for (key, node) in &table.entries {
        match (key.as_str(), node) {
            ("description" | "extends", node) => {
                text(key, node)?;
            }
            ("workspace_roots", Node::Table(roots)) => {
                for (path, node) in &roots.entries {
                    switch(path, node)?;
                }
            }
            ("filesystem", Node::Table(filesystem)) => self::filesystem(filesystem)?,
            ("network", Node::Table(network)) => self::network(network)?,
            ("workspace_roots" | "filesystem" | "network", Node::Leaf(leaf)) => {
                let reason = format!("`permissions.{name}.{key}` has to be a table");
                return Err(Error::at(&leaf.at, reason));
            }
            _ => {
                let reason = format!(
                    "a profile has no `{key}`; it has description, extends, workspace_roots, filesystem and \
                     network"
                );
                return Err(Error::at(node.at(), reason));
            }
        }
    }
    Ok(())
}

fn filesystem(table: &Table) -> Result<(), Error> {
    for (key, node) in &table.entries {
        match node {
            Node::Leaf(leaf) if key == "glob_scan_max_depth" => {
                depth(leaf)?;
            }
            Node::Leaf(leaf) => {
                rule(key, None, leaf)?;
            }
            Node::Table(scoped) => {
                for (below, node) in &scoped.entries {
                    let Node::Leaf(leaf) = node else {
                        let reason = format!("the rule `{key}` / `{below}` has to be a word");
                        return Err(Error::at(node.at(), reason));
                    };
                    rule(key, Some(below), leaf)?;
                }
            }
        }
    }
    Ok(())
}

/// Reads a rule of the file system.
pub(crate) fn rule(key: &str, below: Option<&str>, leaf: &Leaf) -> Result<(Target, Access), Error> {
    let access = access(&leaf.value, &leaf.at)?;
    let target = Target::parse(key, below, access).map_err(|reason| Error::at(&leaf.at, reason))?;
    if let Target::Glob { pattern, .. } = &target {
        crate::decide::globs::build(pattern)
            .map_err(|error| Error::at(&leaf.at, format!("`{pattern}` is no pattern: {error}")))?;
    }
    Ok((target, access))
}

/// Reads an access.
pub(crate) fn access(value: &Scalar, at: &Provenance) -> Result<Access, Error> {
    let word = match value {
        Scalar::Text(word) => Access::parse(word),
        _ => None,
    };
    word.ok_or_else(|| Error::at(at, "a rule for a path is one of read, write and deny"))
}

/// Reads a depth.
pub(crate) fn depth(leaf: &Leaf) -> Result<u32, Error> {
    let depth = match leaf.value {
        Scalar::Integer(depth) => u32::try_from(depth).ok().filter(|depth| *depth >= 1),
        _ => None,
    };
    depth.ok_or_else(|| {
        Error::at(&leaf.at, "`glob_scan_max_depth` has to be a number of at least 1")
    })
}

fn network(table: &Table) -> Result<(), Error> {
    for (key, node) in &table.entries {
        match (key.as_str(), node) {
            ("domains", Node::Table(domains)) => {
                for (pattern, node) in &domains.entries {
                    domain(pattern, node)?;
                }
            }
            ("unix_sockets", Node::Table(sockets)) => {
                for (path, node) in &sockets.entries {
                    socket(path, node)?;
                }
            }
            ("mode", node) => {
                mode(node)?;
            }
            ("proxy_url" | "socks_url", node) => {
                text(key, node)?;
            }
            // What the proxy does to the requests that it lets through: no decision rests on it.
            ("mitm", Node::Table(_)) => {}
            _ if SWITCHES.contains(&key.as_str()) => {
                switch(key, node)?;
            }
            _ => {
                let reason = format!("a profile's network has no `{key}` of this kind");
                return Err(Error::at(node.at(), reason));
            }
        }
    }
    Ok(())
}

/// Reads a rule for a domain.
pub(crate) fn domain(
    pattern: &str,
    node: &Node,
) -> Result<(super::domain::Pattern, Permission), Error> {
    let permission = permission(node, "a domain")?;
    let pattern =
        super::domain::Pattern::parse(pattern).map_err(|reason| Error::at(node.at(), reason))?;
    if pattern.is_global() && permission == Permission::Deny {
        let reason = "`*` cannot be a deny: what no rule allows is denied anyway; name hosts, or scopes like \
                      `*.example.com`";
        return Err(Error::at(node.at(), reason));
    }
    Ok((pattern, permission))
}

/// Reads a rule for a Unix socket.
pub(crate) fn socket(path: &str, node: &Node) -> Result<(String, Permission), Error> {
    let permission = permission(node, "a Unix socket")?;
    let path = super::path::absolute(path).map_err(|reason| Error::at(node.at(), reason))?;
    Ok((path, permission))
}

/// Reads the mode of the network: whether it is the limited one.
pub(crate) fn mode(node: &Node) -> Result<bool, Error> {
    match node {
        Node::Leaf(Leaf { value: Scalar::Text(word), .. }) if word == "limited" => Ok(true),
        Node::Leaf(Leaf { value: Scalar::Text(word), .. }) if word == "full" => Ok(false),
        _ => Err(Error::at(node.at(), "`mode` is one of limited and full")),
    }
}

fn permission(node: &Node, what: &str) -> Result<Permission, Error> {
    let word = match node {
        Node::Leaf(Leaf { value: Scalar::Text(word), .. }) => Permission::parse(word),
        _ => None,
    };
    word.ok_or_else(|| Error::at(node.at(), format!("a rule for {what} is one of allow and deny")))
}

/// Reads a truth value.
pub(crate) fn switch(key: &str, node: &Node) -> Result<bool, Error> {
    match node {
        Node::Leaf(Leaf { value: Scalar::Bool(flag), .. }) => Ok(*flag),
        _ => Err(Error::at(node.at(), format!("`{key}` has to be true or false"))),
    }
}

/// Reads a text.
pub(crate) fn text<'a>(key: &str, node: &'a Node) -> Result<&'a str, Error> {
    match node {
        Node::Leaf(Leaf { value: Scalar::Text(text), .. }) => Ok(text),
        _ => Err(Error::at(node.at(), format!("`{key}` has to be a string"))),
    }
}
