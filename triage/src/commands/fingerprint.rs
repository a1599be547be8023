//! `triage fingerprint`

use blotter_archive::Location;
use blotter_triage::fingerprint::{self, Fingerprint, Sightings};
use blotter_triage::render::archive::count;
use blotter_triage::render::terminal::escape;
use blotter_triage::render::time;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::redaction::RedactionArguments;
use crate::cli::{Format, Global};
use crate::{Outcome, output, secret_prompt};

/// Arguments of `fingerprint`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage fingerprint
  triage fingerprint --no-search
  secret-tool lookup service github | triage fingerprint --format json

Asks for a secret that you hold, without showing it, or reads it from stdin where that is no terminal; \
it is never an argument. Prints the fingerprint that redaction leaves in its place under every key in \
the key file, and where the archive has it. A mark is [redacted:<rule>:<key id>.<fingerprint>]: in \
another tool, look for `<key id>.<fingerprint>`. The secret is what the rule found: without the quotes \
around it, and without the name beside it. \
Whoever has the key file and the archive can try out guesses in the same way: keep them apart.
Exit code: 0, whether the archive has it or not; 2 on an error.")]
pub struct Arguments {
    /// Print the fingerprints only.
    #[arg(long)]
    no_search: bool,
    #[command(flatten)]
    redaction: RedactionArguments,
}

/// Prints the fingerprints of a secret and looks for them.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let location = Location::parse(global.archive())?;
    let settings = arguments.redaction.settings();
    // A key that were made now has made no mark: the file must be there.
    let key_file = settings.key_file(&location)?.path;
    let redactor = settings.with_key_file(key_file).redactor(&location)?;
    let secret = secret_prompt::read()?;
    let fingerprints = fingerprint::fingerprints(&redactor, secret.expose_secret());
    drop(secret);
    let sightings =
        if arguments.no_search { None } else { Some(search(global, &fingerprints).await?) };
    report(global, &fingerprints, sightings.as_ref())?;
    Ok(Outcome::Clean)
}

async fn search(global: &Global, fingerprints: &[Fingerprint]) -> anyhow::Result<Sightings> {
    let archive = super::open(global).await?;
    // Draws on stderr, and only where that is a terminal.
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} rows") {
        bar.set_style(style);
    }
    let found = fingerprint::search(&archive, fingerprints, &mut |rows| bar.inc(rows)).await;
    bar.finish_and_clear();
    Ok(found?)
}

fn report(
    global: &Global,
    fingerprints: &[Fingerprint],
    sightings: Option<&Sightings>,
) -> anyhow::Result<()> {
    if global.format == Format::Json {
        let document = json!({"fingerprints": fingerprints, "sightings": sightings});
        output::data(&format!("{document}\n"))?;
        return Ok(());
    }
    let mut text = String::from("Marks of this secret, those of the current key first\n");
    for fingerprint in fingerprints {
        if fingerprint.marks.is_empty() {
            text.push_str(&format!("  [redacted:<rule>:{}]\n", fingerprint.search));
        }
        for mark in &fingerprint.marks {
            text.push_str(&format!("  {mark}\n"));
        }
    }
    if fingerprints.iter().all(|fingerprint| fingerprint.marks.is_empty()) {
        text.push_str("  No rule finds it where it stands alone; beside a name one may.\n");
    }
    let Some(found) = sightings else {
        output::data(&text)?;
        return Ok(());
    };
    text.push_str(&format!(
        "\nIn {}: {}\n",
        escape(global.archive()),
        match found.total {
            0 => "not seen".to_owned(),
            rows => {
                let sessions = count(found.sessions.len() as u64, "session");
                format!("{} of {sessions}", count(rows, "row"))
            }
        }
    ));
    for (session, seen) in &found.sessions {
        let session = if session.is_empty() { "(no session)".to_owned() } else { escape(session) };
        let span = seen.first_unix_nano.zip(seen.last_unix_nano);
        let span = span.map(|(first, last)| {
            format!(", {} to {} UTC", time::date_time(first), time::date_time(last))
        });
        let tenants: Vec<String> = seen.tenants.iter().map(|tenant| escape(tenant)).collect();
        let tenants = if tenants.is_empty() {
            String::new()
        } else {
            format!("  of tenant {}", tenants.join(", "))
        };
        let rules: Vec<String> = seen.rules.iter().map(|rule| escape(rule)).collect();
        text.push_str(&format!(
            "  {session}{tenants}  rows {}{}, by {}\n",
            seen.rows,
            span.unwrap_or_default(),
            rules.join(", ")
        ));
    }
    if found.total > 0 {
        text.push_str("\n`triage show SESSION` shows one; --format json names the rows.\n");
    }
    output::data(&text)?;
    Ok(())
}
