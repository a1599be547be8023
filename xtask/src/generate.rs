//! Generates names, rows and reference pages from the registry and the table definitions, so that an
//! attribute name or a column is written by hand in exactly one place.

mod coverage;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use minijinja::{Environment, context};
use serde::{Deserialize, Serialize};

/// Folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

#[derive(Deserialize)]
struct RegistryFile {
    #[serde(default)]
    attributes: Vec<Attribute>,
    #[serde(default)]
    events: Vec<serde_yaml_ng::Value>,
}

#[derive(Deserialize, Serialize, Clone)]
struct Attribute {
    key: String,
    /// Name of its Rust constant.
    #[serde(skip_deserializing)]
    constant: String,
    #[serde(rename = "type")]
    kind: AttributeType,
    brief: String,
    #[serde(default)]
    stability: String,
    #[serde(default)]
    examples: Vec<serde_yaml_ng::Value>,
}

#[derive(Deserialize, Serialize, Clone)]
#[serde(untagged)]
enum AttributeType {
    Plain(String),
    Members { members: Vec<Member> },
}

#[derive(Deserialize, Serialize, Clone)]
struct Member {
    id: String,
    value: String,
    brief: String,
}

#[derive(Deserialize, Serialize)]
struct Table {
    table: String,
    row: String,
    brief: String,
    columns: Vec<Column>,
    #[serde(default)]
    custody: bool,
}

#[derive(Deserialize, Serialize, Clone)]
struct Column {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    brief: String,
    #[serde(default)]
    attribute: Option<String>,
}

#[derive(Deserialize)]
struct Custody {
    columns: Vec<Column>,
}

/// One registry: its module name and its attributes in order of their keys.
#[derive(Serialize)]
struct Registry {
    module: String,
    description: String,
    attributes: Vec<Attribute>,
    /// Events of the project's own registry; those of others are their dialects' business.
    events: Vec<EventName>,
}

#[derive(Serialize)]
struct EventName {
    name: String,
    /// Name of its Rust constant.
    constant: String,
    brief: String,
}

#[derive(Deserialize)]
struct Manifest {
    name: String,
    description: String,
    schema_url: String,
}

/// Generates everything; with `check`, compares instead of writing.
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    let stale = outputs()?
        .into_iter()
        .filter(|(path, text)| fs::read_to_string(path).ok().as_deref() != Some(text))
        .collect::<Vec<_>>();
    if check && !stale.is_empty() {
        let names: Vec<_> = stale.iter().map(|(path, _)| path.display().to_string()).collect();
        bail!("not current, run `cargo xtask generate`: {}", names.join(", "));
    }
    for (path, text) in stale {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// Every generated file with its text.
fn outputs() -> anyhow::Result<Vec<(PathBuf, String)>> {
    let root = workspace();
    let schemas = root.join("schemas");
    let registries = registries(&schemas.join("registry"))?;
    let tables = tables(&schemas.join("tables"))?;

    let mut templates = Environment::new();
    templates.set_trim_blocks(true);
    templates.set_lstrip_blocks(true);
    templates.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    templates.add_filter("camel", |id: String| camel(&id));
    templates.add_filter("rust", |text: String| format!("{text:?}"));
    for name in ["names.rs", "table.rs", "coverage.rs", "attributes.md", "tables.md", "agent.md"] {
        let path = schemas.join("templates").join(format!("{name}.j2"));
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        templates.add_template_owned(name, text)?;
    }

    let generated = schemas.join("src/generated");
    let mut out = Vec::new();
    let names = templates.get_template("names.rs")?.render(context! { registries })?;
    out.push((generated.join("names.rs"), rustfmt(&names)?));
    for table in &tables {
        let text = templates.get_template("table.rs")?.render(context! { table })?;
        out.push((generated.join(format!("{}.rs", table.table)), rustfmt(&text)?));
    }
    let agents = coverage::read(&schemas.join("registry/coverage"), &registries, &tables)?;
    let text = templates.get_template("coverage.rs")?.render(context! { agents })?;
    out.push((generated.join("coverage.rs"), rustfmt(&text)?));
    for agent in &agents {
        let text = templates.get_template("agent.md")?.render(context! { agent })?;
        out.push((root.join("docs/agents").join(format!("{}.md", agent.dialect)), text));
    }
    let reference = root.join("docs/reference");
    let text = templates.get_template("attributes.md")?.render(context! { registries })?;
    out.push((reference.join("attributes.md"), text));
    let text = templates.get_template("tables.md")?.render(context! { tables })?;
    out.push((reference.join("tables.md"), text));
    Ok(out)
}

/// Reads the registry in `folder` and those it depends on, checking that keys are unique and references resolve.
fn registries(folder: &Path) -> anyhow::Result<Vec<Registry>> {
    let mut folders = vec![folder.to_path_buf()];
    let mut dependencies: Vec<PathBuf> = fs::read_dir(folder.join("dependencies"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    dependencies.sort();
    folders.extend(dependencies);

    let mut registries = Vec::new();
    let mut references = Vec::new();
    for folder in folders {
        let manifest: Manifest = read_yaml(&folder.join("manifest.yaml"))?;
        if manifest.schema_url.is_empty() {
            bail!("{}: manifest without schema_url", folder.display());
        }
        let mut attributes: BTreeMap<String, Attribute> = BTreeMap::new();
        let mut events = Vec::new();
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        files.sort();
        for path in files {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !name.ends_with(".yaml") || name == "manifest.yaml" {
                continue;
            }
            let file: RegistryFile = read_yaml(&path)?;
            for attribute in file.attributes {
                let key = attribute.key.clone();
                if attributes.insert(key.clone(), attribute).is_some() {
                    bail!("{}: attribute {key} is defined twice", path.display());
                }
            }
            for event in file.events {
                if registries.is_empty() {
                    events.push(event_name(&event).with_context(|| path.display().to_string())?);
                }
                let attributes = event.get("attributes").and_then(|list| list.as_sequence());
                for attribute in attributes.into_iter().flatten() {
                    if let Some(key) = attribute.get("ref").and_then(|key| key.as_str()) {
                        references.push((path.clone(), key.to_owned()));
                    }
                }
            }
        }
        let mut attributes: Vec<Attribute> = attributes.into_values().collect();
        name_constants(&mut attributes);
        registries.push(Registry {
            module: manifest.name,
            description: manifest.description,
            attributes,
            events,
        });
    }
    for (path, key) in references {
        let known = registries
            .iter()
            .any(|registry| registry.attributes.iter().any(|attribute| attribute.key == key));
        if !known {
            bail!("{}: ref {key} is not defined in any registry", path.display());
        }
    }
    Ok(registries)
}

fn event_name(event: &serde_yaml_ng::Value) -> anyhow::Result<EventName> {
    let text = |key: &str| {
        let value = event.get(key).and_then(|value| value.as_str()).map(ToOwned::to_owned);
        value.with_context(|| format!("an event without {key}"))
    };
    let name = text("name")?;
    Ok(EventName { constant: constant(&name), brief: text("brief")?, name })
}

/// Reads the table definitions, with the custody columns put where a table asks for them.
fn tables(folder: &Path) -> anyhow::Result<Vec<Table>> {
    let custody: Custody = read_yaml(&folder.join("custody.yaml"))?;
    let mut tables = Vec::new();
    for name in ["events", "spans", "metrics"] {
        let mut table: Table = read_yaml(&folder.join(format!("{name}.yaml")))?;
        if table.custody {
            table.columns.extend(custody.columns.iter().cloned());
        }
        tables.push(table);
    }
    Ok(tables)
}

fn read_yaml<T: for<'de> Deserialize<'de>>(path: &Path) -> anyhow::Result<T> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_yaml_ng::from_str(&text).with_context(|| path.display().to_string())
}

/// Names the constants of a registry. Agents send the same words with a dot and with an underscore
/// (`turn.id`, `turn_id`); the dotted key then says so: `TURN_DOT_ID`.
fn name_constants(attributes: &mut [Attribute]) {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for attribute in attributes.iter() {
        *uses.entry(constant(&attribute.key)).or_default() += 1;
    }
    for attribute in attributes {
        let name = constant(&attribute.key);
        let shared = uses.get(&name).is_some_and(|uses| *uses > 1);
        attribute.constant =
            if shared { constant(&attribute.key.replace('.', "_dot_")) } else { name };
    }
}

/// `gen_ai.tool.call.id` as a Rust constant: `GEN_AI_TOOL_CALL_ID`.
fn constant(key: &str) -> String {
    let name: String = key
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// `session_start` or `blotter.event.kind` as a Rust type or variant: `SessionStart`, `EventKind`.
fn camel(id: &str) -> String {
    id.trim_start_matches("blotter.")
        .split(['_', '.'])
        .map(|word| {
            let mut chars = word.chars();
            chars
                .next()
                .map(|first| first.to_ascii_uppercase().to_string() + chars.as_str())
                .unwrap_or_default()
        })
        .collect()
}

fn rustfmt(text: &str) -> anyhow::Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024"])
        .current_dir(workspace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("rustfmt: is the toolchain's rustfmt component installed?")?;
    if let Some(stdin) = child.stdin.as_mut() {
        stdin.write_all(text.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("rustfmt refused generated code");
    }
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generated_files_in_the_tree_are_current() {
        run(true).unwrap();
    }

    #[test]
    fn names_become_rust_constants_and_types() {
        assert_eq!(constant("gen_ai.tool.call.id"), "GEN_AI_TOOL_CALL_ID");
        assert_eq!(constant("5h.limit"), "_5H_LIMIT");
        assert_eq!(camel("blotter.event.kind"), "EventKind");
    }
}
