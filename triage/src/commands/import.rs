//! `triage import`

use std::path::{Path, PathBuf};

use blotter_archive::{Archive, Location};
use blotter_collector::{TENANT_NAME, is_tenant_name};
use blotter_schemas::otlp::Signal;
use blotter_triage::import::{self, Options, Summary};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::redaction::RedactionArguments;
use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage import captures/codex/01-exec-ok
  triage import 0001.logs.pb 0002.traces.json
  triage import --signal logs body.bin
  triage import ~/.codex/sessions
  triage import collector-output.jsonl.zst

A file holds one OTLP export request, .pb (Protobuf) or .json. Its signal is told by its name
(x.logs.pb, x.traces.json, x.metrics.pb), else by its content where that is unambiguous.

A file of lines, .jsonl or .json, also compressed as .zst, holds one OTLP/JSON request a line, as the
OpenTelemetry Collector's file exporter writes them, or is a session file of Codex
(rollout-*.jsonl): that is told by its lines. A session file that has grown can be imported again.

A folder is walked in sorted order; what in it is not telemetry is listed as skipped and is no error.
Importing again adds nothing. Secrets are taken out before anything is written, as by the collector.
Exit code: 0 when everything went in, 2 when a file or a line is damaged or could not be read; the
rest went in.")]
pub struct Arguments {
    /// Files and folders.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Signal of every file: logs, traces or metrics.
    #[arg(long, value_name = "SIGNAL", value_parser = signal)]
    signal: Option<Signal>,
    /// The tenant that the records belong to: session files go where the tenant's telemetry is.
    #[arg(long, value_name = "NAME", value_parser = tenant)]
    tenant: Option<String>,
    #[command(flatten)]
    redaction: RedactionArguments,
}

/// A name as tenants of a collector's configuration have one.
fn tenant(name: &str) -> Result<String, String> {
    if is_tenant_name(name) { Ok(name.to_owned()) } else { Err(TENANT_NAME.to_owned()) }
}

fn signal(name: &str) -> Result<Signal, String> {
    Signal::from_name(name).ok_or_else(|| "it is one of logs, traces, metrics".to_owned())
}

/// Imports files.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let location = Location::parse(global.archive())?;
    let options = Options {
        signal: arguments.signal,
        received_time_unix_nano: super::now(),
        tenant: arguments.tenant,
        redactor: arguments.redaction.settings().redactor(&location)?,
    };
    let archive = Archive::open_or_create(&location).await?;
    // Draws on stderr, and only where that is a terminal.
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} files, {msg}") {
        bar.set_style(style);
    }
    let mut progress = |path: &Path, _size: u64| {
        bar.inc(1);
        bar.set_message(blotter_triage::render::terminal::escape(&path.display().to_string()));
    };
    let summary = import::run(&archive, &arguments.paths, &options, &mut progress).await;
    bar.finish_and_clear();
    let summary = summary?;
    report(global.format, &summary)?;
    Ok(if summary.damaged.is_empty() { Outcome::Clean } else { Outcome::Failed })
}

fn report(format: Format, summary: &Summary) -> anyhow::Result<()> {
    for left_out in &summary.damaged {
        output::note(&format!("error: {}: {}", place(left_out), left_out.reason));
    }
    if format == Format::Json {
        let left_out = |files: &[import::LeftOut]| {
            let entry = |file: &import::LeftOut| {
                let path = file.path.display().to_string();
                match file.line {
                    Some(line) => json!({"path": path, "line": line, "reason": file.reason}),
                    None => json!({"path": path, "reason": file.reason}),
                }
            };
            files.iter().map(entry).collect::<Vec<_>>()
        };
        let document = json!({
            "files": summary.files,
            "records": summary.records,
            "rows_added": summary.added,
            "rows_known": summary.known,
            "skipped": left_out(&summary.skipped),
            "damaged": left_out(&summary.damaged),
        });
        output::data(&format!("{document}\n"))?;
        return Ok(());
    }
    for left_out in &summary.skipped {
        output::note(&format!("skipped: {}: {}", place(left_out), left_out.reason));
    }
    output::data(&format!(
        "files {}, records {}, rows added {}, rows already there {}, files skipped {}, damaged {}\n",
        summary.files,
        summary.records,
        summary.added,
        summary.known,
        summary.skipped.len(),
        summary.damaged.len(),
    ))?;
    Ok(())
}

/// `file`, or `file:12` for a line of it.
fn place(left_out: &import::LeftOut) -> String {
    let path = left_out.path.display();
    left_out.line.map_or_else(|| path.to_string(), |line| format!("{path}:{line}"))
}
