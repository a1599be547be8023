//! A truth file: what really happened in a run, written by hand.
//!
//! `supported` names the facts that the run's telemetry supports; a true value that is not among them
//! needs a reason in the file. Keys that end in `_note` are prose.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

/// What really happened in a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// What is true of the whole run: `agent`, `model`, `turns`, `calls`, `prompts`, `sub_agents`.
    pub run: BTreeMap<String, Value>,
    /// Its calls, in the order in which they were made.
    pub calls: Vec<TrueCall>,
}

/// What really happened in a call.
#[derive(Debug, Clone, PartialEq)]
pub struct TrueCall {
    /// How it is found among the receipts.
    pub is: Which,
    /// The true values, by the names of a receipt's fields. `x_contains` is a part of the field `x`.
    pub facts: BTreeMap<String, Value>,
    /// The facts that the telemetry supports.
    pub supported: Vec<String>,
    /// What a replay against the profile of the agent's session file comes to, as tables of `access`,
    /// `target`, `happened`, `profile` and `result`; scored where that file is imported.
    pub replay: Vec<Value>,
}

/// How a call is found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Which {
    /// By the agent's id.
    Id(String),
    /// By its tool and a part of its arguments: the first such call that is not taken yet.
    Match {
        /// The tool.
        tool: String,
        /// A part of the arguments.
        #[serde(default)]
        arguments_contains: String,
    },
}

impl std::fmt::Display for Which {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => formatter.write_str(id),
            Self::Match { tool, arguments_contains } => {
                write!(formatter, "{tool}({arguments_contains:?})")
            }
        }
    }
}

/// Keys of a file that are true of the whole run.
const RUN: [&str; 6] = ["agent", "model", "turns", "calls", "prompts", "sub_agents"];
/// Keys of a call that are prose.
const PROSE: [&str; 1] = ["note"];

impl Truth {
    /// Reads a truth file.
    ///
    /// # Errors
    /// When it cannot be read, has a key that nobody knows, or leaves a true value without a reason.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// Reads the text of a truth file.
    ///
    /// # Errors
    /// As [`Truth::read`].
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let file: BTreeMap<String, Value> = toml_edit::de::from_str(text)?;
        let mut run = BTreeMap::new();
        let mut calls = Vec::new();
        for (key, value) in file {
            match key.as_str() {
                "call" => {
                    let Value::Array(all) = value else {
                        bail!("`call` is to be a list: [[call]]")
                    };
                    for (number, call) in all.into_iter().enumerate() {
                        let read = TrueCall::read(call);
                        calls.push(read.with_context(|| format!("[[call]] {}", number + 1))?);
                    }
                }
                key if RUN.contains(&key) => {
                    run.insert(key.to_owned(), value);
                }
                key => ensure!(is_prose(key), "no such key: {key}"),
            }
        }
        Ok(Self { run, calls })
    }
}

impl TrueCall {
    fn read(call: Value) -> anyhow::Result<Self> {
        let Value::Object(fields) = call else { bail!("a call is to be a table") };
        let mut is = None;
        let mut supported: Vec<String> = Vec::new();
        let mut facts = BTreeMap::new();
        let mut reasons = false;
        let mut replay = Vec::new();
        for (key, value) in fields {
            match key.as_str() {
                "id" | "match" => is = Some(serde_json::from_value(value)?),
                "supported" => supported = serde_json::from_value(value)?,
                "replay" => replay = serde_json::from_value(value)?,
                key if is_prose(key) => reasons |= key != "note",
                _ => {
                    facts.insert(key, value);
                }
            }
        }
        let is: Which = is.context("a call needs `id` or `match`")?;
        for name in &supported {
            ensure!(facts.contains_key(name), "`supported` names {name}, which has no value");
        }
        let unsupported: Vec<&String> =
            facts.keys().filter(|name| !supported.contains(name)).collect();
        ensure!(
            reasons || unsupported.is_empty(),
            "{is}: {unsupported:?} are not in `supported`, and no _note says why"
        );
        Ok(Self { is, facts, supported, replay })
    }
}

fn is_prose(key: &str) -> bool {
    PROSE.contains(&key) || key.ends_with("_note")
}
