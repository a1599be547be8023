//! The JSON Schema of a receipt; `docs/receipt.schema.json` is this.

use schemars::generate::SchemaSettings;

use super::model::{FORMAT, Receipt};

/// The schema (JSON Schema, draft 2020-12), indented, with a line end.
///
/// # Errors
/// Never in practice: a schema can be written as JSON.
pub fn schema() -> serde_json::Result<String> {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<Receipt>();
    schema.insert("$id".to_owned(), FORMAT.into());
    let mut text = serde_json::to_string_pretty(&schema)?;
    text.push('\n');
    Ok(text)
}
