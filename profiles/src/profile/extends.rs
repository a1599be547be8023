//! A profile with what it extends.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::profile::{built_in, domain, name, shape};
use crate::source::{How, Node, Table, merge};

/// Profiles in a chain at most; a longer one is refused.
const LONGEST: usize = 64;

/// The table of a profile, merged with what it extends, and the names that it extends, the nearest first.
pub(crate) fn resolve(
    profiles: &BTreeMap<String, Table>,
    profile: &str,
) -> Result<(Table, Vec<String>), Error> {
    let mut chain: Vec<(String, Table)> = Vec::new();
    let mut next = profile.to_owned();
    loop {
        let found = profiles.get(&next).cloned().or_else(|| built_in::table(&next));
        let parent = chain.last().and_then(|(name, table)| {
            table.entries.get("extends").map(|node| (name.clone(), node.at().clone()))
        });
        let table = match (found, parent) {
            (Some(table), _) => table,
            (None, Some((child, at))) if next.starts_with(':') => {
                let reason = format!(
                    "the profile `{child}` cannot extend `{next}`; of the built-in ones, :read-only and \
                     :workspace can be extended"
                );
                return Err(Error::at(&at, reason));
            }
            (None, Some((child, at))) => {
                let reason =
                    format!("the profile `{child}` extends `{next}`, which no layer defines");
                return Err(Error::at(&at, reason));
            }
            (None, None) => {
                let known = profiles.keys().cloned();
                let known = name::BUILT_IN.iter().map(ToString::to_string).chain(known).collect();
                return Err(Error::UnknownProfile { name: next, known });
            }
        };
        let extends = match table.entries.get("extends") {
            Some(node) => Some((shape::text("extends", node)?.to_owned(), node.at().clone())),
            None => None,
        };
        chain.push((next, table));
        let Some((parent, at)) = extends else { break };
        if chain.iter().any(|(name, _)| *name == parent) || chain.len() >= LONGEST {
            let names = chain.iter().map(|(name, _)| name.as_str()).chain([parent.as_str()]);
            let names = names.collect::<Vec<_>>().join(" -> ");
            return Err(Error::at(
                &at,
                format!("profiles extend one another in a circle: {names}"),
            ));
        }
        next = parent;
    }
    let names = chain.iter().skip(1).map(|(name, _)| name.clone()).collect();
    let mut tables = chain.into_iter().rev().map(|(_, table)| table);
    let Some(mut merged) = tables.next() else {
        return Err(Error::UnknownProfile { name: profile.to_owned(), known: Vec::new() });
    };
    for mut child in tables {
        // A description is of the profile that has it.
        merged.entries.remove("description");
        merged.entries.remove("extends");
        // The same domain in two spellings is one key for this merge, and for this one only.
        if domains(&mut merged).is_some() && domains(&mut child).is_some() {
            for table in [&mut merged, &mut child] {
                if let Some(domains) = domains(table) {
                    normalize(domains);
                }
            }
        }
        merge(&mut merged, child, How::Extends);
    }
    Ok((merged, names))
}

fn domains(table: &mut Table) -> Option<&mut Table> {
    let Some(Node::Table(network)) = table.entries.get_mut("network") else { return None };
    match network.entries.get_mut("domains") {
        Some(Node::Table(domains)) => Some(domains),
        _ => None,
    }
}

fn normalize(domains: &mut Table) {
    let entries = std::mem::take(&mut domains.entries);
    domains.entries =
        entries.into_iter().map(|(pattern, node)| (domain::normalize(&pattern), node)).collect();
}
