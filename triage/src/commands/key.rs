//! `triage key`

use blotter_archive::Location;
use blotter_redaction::Keys;
use clap::{Args, Subcommand};
use serde_json::json;

use super::redaction::RedactionArguments;
use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `key`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage key list
  triage key rotate
  triage key rotate --key-file /etc/blotter/redaction.key

Marks of redacted secrets carry a keyed fingerprint. After a rotation new marks are made with the new \
key; the old keys stay in the file, so that `triage fingerprint` finds old marks too. A running \
collector takes a new key up within seconds. A fleet that shares one file needs it on every collector \
before the next restart of any. Keys are never printed.")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    redaction: RedactionArguments,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Action {
    /// Add a key, which new marks are made with; make the key file where there is none.
    Rotate,
    /// List the ids of the keys, the current one last.
    List,
}

/// Rotates or lists keys.
pub fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let location = Location::parse(global.archive())?;
    let file = arguments.redaction.settings().key_file(&location)?;
    let keys = match arguments.action {
        Action::List => file.existing()?,
        Action::Rotate if file.path.exists() => Keys::rotate(&file.path)?,
        Action::Rotate => file.create()?,
    };
    let (path, ids) = (file.path.display(), keys.ids().collect::<Vec<_>>());
    if global.format == Format::Json {
        let document =
            json!({"key_file": path.to_string(), "current": keys.current(), "key_ids": ids});
        output::data(&format!("{document}\n"))?;
        return Ok(Outcome::Clean);
    }
    let mut text = String::new();
    for id in &ids {
        text.push_str(id);
        text.push_str(if *id == keys.current() { "  current\n" } else { "\n" });
    }
    output::data(&text)?;
    if let Action::Rotate = arguments.action {
        output::note(&format!(
            "{path}: marks are made with {} from now on; running collectors take it up within seconds.",
            keys.current()
        ));
    }
    Ok(Outcome::Clean)
}
