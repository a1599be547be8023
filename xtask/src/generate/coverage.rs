//! What each agent reports: `schemas/registry/coverage`, checked against the tables and the vocabulary.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use super::{AttributeType, Registry, Table, read_yaml};

/// One agent.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Coverage {
    pub(super) dialect: String,
    agent: String,
    version: String,
    turn_on: String,
    signals: Vec<Signal>,
    #[serde(default)]
    settings: Vec<Setting>,
    events: Vec<EventCoverage>,
    never: Vec<String>,
    #[serde(default)]
    drops: Vec<String>,
}

/// One of logs, traces and metrics.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Signal {
    signal: String,
    reports: String,
    #[serde(default)]
    setting: Option<String>,
}

/// Something a person can set.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Setting {
    id: String,
    how: String,
    default: String,
    reveals: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct EventCoverage {
    kind: String,
    source: String,
    #[serde(default)]
    setting: Option<String>,
    #[serde(default)]
    always: Vec<String>,
    #[serde(default)]
    sometimes: BTreeMap<String, Why>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Why {
    #[serde(default)]
    setting: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

/// Reads every file of `folder`, in order of their names.
pub(super) fn read(
    folder: &Path,
    registries: &[Registry],
    tables: &[Table],
) -> anyhow::Result<Vec<Coverage>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    let mut all = Vec::new();
    for path in files {
        let coverage: Coverage = read_yaml(&path)?;
        coverage.check(registries, tables).with_context(|| path.display().to_string())?;
        all.push(coverage);
    }
    Ok(all)
}

impl Coverage {
    fn check(&self, registries: &[Registry], tables: &[Table]) -> anyhow::Result<()> {
        let columns = tables.iter().filter(|table| table.table == "events");
        let columns: Vec<&str> =
            columns.flat_map(|table| &table.columns).map(|column| column.name.as_str()).collect();
        let kinds = members(registries, "blotter.event.kind");
        let sources = members(registries, "blotter.event.source");
        let own = self.signals.iter().filter_map(|signal| signal.setting.as_deref());
        for setting in own {
            self.setting(setting)?;
        }
        for event in &self.events {
            let at = format!("{} from {}", event.kind, event.source);
            if !kinds.contains(&event.kind.as_str()) || !sources.contains(&event.source.as_str()) {
                bail!("{at}: no such kind or source");
            }
            if let Some(setting) = &event.setting {
                self.setting(setting)?;
            }
            for column in event.always.iter().chain(event.sometimes.keys()) {
                if !columns.contains(&column.as_str()) {
                    bail!("{at}: no column {column}");
                }
            }
            for (column, why) in &event.sometimes {
                match (&why.setting, &why.reason) {
                    (Some(setting), None) => self.setting(setting)?,
                    (None, Some(_)) => {}
                    _ => bail!("{at}: {column} needs either a setting or a reason"),
                }
                if event.always.contains(column) {
                    bail!("{at}: {column} is both always and sometimes");
                }
            }
        }
        Ok(())
    }

    fn setting(&self, id: &str) -> anyhow::Result<()> {
        let known = self.settings.iter().any(|setting| setting.id == id);
        if known { Ok(()) } else { bail!("no setting {id}") }
    }
}

/// Values of an enumeration of our own registry.
fn members<'a>(registries: &'a [Registry], key: &str) -> Vec<&'a str> {
    let attributes = registries.iter().flat_map(|registry| &registry.attributes);
    attributes
        .filter(|attribute| attribute.key == key)
        .flat_map(|attribute| match &attribute.kind {
            AttributeType::Members { members } => members.as_slice(),
            AttributeType::Plain(_) => &[],
        })
        .map(|member| member.value.as_str())
        .collect()
}
