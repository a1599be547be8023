//! Where things stand in the text of a configuration file.

use std::ops::Range;

use toml_edit::{ImDocument, Item};

use crate::access::Unusable;

/// Where a setting of access stands, or else what it would stand in.
pub(crate) fn access_place(text: &str, unusable: &Unusable) -> Option<Range<usize>> {
    let document = ImDocument::parse(text).ok()?;
    let mut item = document.get("access")?;
    if let Some((table, at)) = unusable.table {
        item = item.get(table)?;
        item = at.map_or(Some(item), |at| item.get(at))?;
    }
    item.get(unusable.field).and_then(Item::span).or_else(|| item.span())
}

/// Where keys stand in a file.
pub(crate) struct Lines<'a> {
    text: &'a str,
    document: ImDocument<&'a str>,
}

impl<'a> Lines<'a> {
    /// Those of a text; none where it is no TOML.
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        ImDocument::parse(text).ok().map(|document| Self { text, document })
    }

    /// The line of what stands at `path`, whose steps are keys and indexes; none where nothing does.
    pub(crate) fn line(&self, path: &[&str]) -> Option<usize> {
        let mut item = self.document.as_item();
        let mut span = None;
        for step in path {
            if let Some(table) = item.as_table_like() {
                let (key, value) = table.get_key_value(step)?;
                span = key.span().or_else(|| value.span());
                item = value;
            } else {
                let index: usize = step.parse().ok()?;
                // An element of a list of values is no item: the list is as near as that gets.
                if let Some(array) = item.as_array() {
                    return array.get(index)?.span().or(span).map(|it| line(self.text, it.start));
                }
                item = item.get(index)?;
                span = item.span().or(span);
            }
        }
        span.map(|span| line(self.text, span.start))
    }
}

/// Where a field of the destination `at` stands, or else the destination.
pub(crate) fn place(text: &str, at: usize, field: &str) -> Option<Range<usize>> {
    let document = ImDocument::parse(text).ok()?;
    let destination = document.get("forward")?.get(at)?;
    destination.get(field).and_then(Item::span).or_else(|| destination.span())
}

/// The key whose value stands at `offset`, as `forward[0].timeout_seconds`; none where that is no value.
pub(crate) fn key_at(text: &str, offset: usize) -> Option<String> {
    let document = ImDocument::parse(text).ok()?;
    let mut found = None;
    for (key, item) in document.iter() {
        narrow(item, key.to_owned(), offset, &mut found);
    }
    found.map(|(_, key)| key)
}

/// Keeps the key of the shortest value around `offset`, with its length.
fn narrow(item: &Item, key: String, offset: usize, found: &mut Option<(usize, String)>) {
    if let Some(table) = item.as_table_like() {
        for (name, item) in table.iter() {
            narrow(item, format!("{key}.{name}"), offset, found);
        }
    }
    for (at, table) in item.as_array_of_tables().into_iter().flatten().enumerate() {
        for (name, item) in table.iter() {
            narrow(item, format!("{key}[{at}].{name}"), offset, found);
        }
    }
    let Some(span) = item.span().filter(|span| span.contains(&offset)) else { return };
    if found.as_ref().is_none_or(|(length, _)| span.len() < *length) {
        *found = Some((span.len(), key));
    }
}

/// Line of an offset, from 1.
pub(crate) fn line(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|byte| **byte == b'\n').count() + 1
}
