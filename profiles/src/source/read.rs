//! Reading TOML with the line of every entry.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml_edit::{ImDocument, Item, TableLike, Value};

use super::{Leaf, Node, Scalar, Table};
use crate::error::Error;
use crate::layer::LayerKind;
use crate::provenance::Provenance;

/// Bytes of a file that are read at most.
pub const LIMIT: usize = 1 << 20;

/// Reads a file's text. `file` is what the file is called in errors and answers.
///
/// # Errors
/// When it is too large or no TOML.
pub fn read(layer: LayerKind, file: &str, text: &str) -> Result<Table, Error> {
    if text.len() > LIMIT {
        return Err(Error::TooLarge { what: file.to_owned(), limit: LIMIT });
    }
    let lines = Lines::of(text);
    let document = ImDocument::parse(text).map_err(|error| Error::Invalid {
        file: file.to_owned(),
        line: error.span().map_or(1, |span| lines.line(span.start)),
        reason: format!("no TOML: {}", error.message().lines().next().unwrap_or("unreadable")),
    })?;
    let reader = Reader { layer, file: file.into(), lines };
    Ok(reader.table(document.as_table(), reader.at(Some(0..0))))
}

struct Reader {
    layer: LayerKind,
    file: Arc<str>,
    lines: Lines,
}

impl Reader {
    fn at(&self, span: Option<Range<usize>>) -> Provenance {
        let line = span.map(|span| self.lines.line(span.start));
        Provenance { file: Some(self.file.clone()), line, ..Provenance::of(self.layer) }
    }

    fn table(&self, table: &dyn TableLike, at: Provenance) -> Table {
        let mut read = Table::at(at);
        for (key, item) in table.iter() {
            let span = table.get_key_value(key).and_then(|(key, _)| key.span());
            // The key of a table header is not where its dotted children stand, but near enough: a
            // value's own line is what counts, and every value has one.
            let at = self.at(span.or_else(|| item.span()));
            if let Some(node) = self.item(item, at) {
                read.entries.insert(key.to_owned(), node);
            }
        }
        read
    }

    fn item(&self, item: &Item, at: Provenance) -> Option<Node> {
        match item {
            Item::None => None,
            Item::Value(Value::InlineTable(table)) => Some(Node::Table(self.table(table, at))),
            Item::Value(value) => {
                Some(Node::Leaf(Leaf { value: scalar(value), at, replaced: Vec::new() }))
            }
            Item::Table(table) => Some(Node::Table(self.table(table, at))),
            Item::ArrayOfTables(tables) => {
                let list = tables.iter().map(|table| tables_scalar(table)).collect();
                Some(Node::Leaf(Leaf { value: Scalar::List(list), at, replaced: Vec::new() }))
            }
        }
    }
}

fn tables_scalar(table: &dyn TableLike) -> Scalar {
    let entries = table.iter().filter_map(|(key, item)| {
        let value = match item {
            Item::None => return None,
            Item::Value(value) => scalar(value),
            Item::Table(table) => tables_scalar(table),
            Item::ArrayOfTables(tables) => {
                Scalar::List(tables.iter().map(|table| tables_scalar(table)).collect())
            }
        };
        Some((key.to_owned(), value))
    });
    Scalar::Table(entries.collect::<BTreeMap<_, _>>())
}

fn scalar(value: &Value) -> Scalar {
    match value {
        Value::String(text) => Scalar::Text(text.value().clone()),
        Value::Integer(number) => Scalar::Integer(*number.value()),
        Value::Boolean(flag) => Scalar::Bool(*flag.value()),
        Value::Array(list) => Scalar::List(list.iter().map(scalar).collect()),
        Value::InlineTable(table) => tables_scalar(table),
        Value::Float(_) | Value::Datetime(_) => Scalar::Other(value.to_string().trim().to_owned()),
    }
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let after =
            text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(after).collect())
    }

    /// The line, from 1, of a byte.
    fn line(&self, byte: usize) -> u32 {
        u32::try_from(self.0.partition_point(|start| *start <= byte)).unwrap_or(u32::MAX)
    }
}
