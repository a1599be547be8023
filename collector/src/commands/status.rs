//! `blotter-collector status`

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use blotter_collector::{Asked, Report};
use clap::Args;

use super::settings::Settings;
use super::{Format, escaped, say};

/// Longest token that is read, in bytes.
const TOKEN_LIMIT: usize = 4096;

/// Whom to ask, and how to say it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Text to read, or one JSON object
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Where it serves OTLP/HTTP without TLS [default: as its data folder says, with TLS or without]
    #[arg(long, value_name = "ADDRESS")]
    address: Option<SocketAddr>,

    /// Only whether it serves at all, as /healthz says, which needs no token: for whoever restarts one
    /// that does not. A backend that is away is no reason to
    #[arg(long, conflicts_with_all = ["format", "token_file"])]
    health: bool,

    /// File with a token of the scope `read`, where the collector wants one
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// The token in a file.
pub(crate) fn token(file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let Some(file) = file else { return Ok(None) };
    let text = fs::read_to_string(file)
        .with_context(|| format!("cannot read the token in {}", file.display()))?;
    let token = text.trim();
    if token.is_empty() || token.len() > TOKEN_LIMIT {
        anyhow::bail!("{} holds no token", file.display());
    }
    Ok(Some(token.to_owned()))
}

/// Asks and says.
pub(crate) async fn run(settings: &Settings, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let asked = match arguments.address {
        Some(address) => Asked::Tcp(address),
        None => Asked::find(&settings.data()?)?,
    };
    if arguments.health {
        asked.health().await?;
        say("ok");
        return Ok(ExitCode::SUCCESS);
    }
    let token = token(arguments.token_file.as_deref())?;
    let report = asked.report(token.as_deref()).await?;
    match arguments.format {
        Format::Json => say(&serde_json::to_string_pretty(&report)?),
        Format::Text => say(&escaped_lines(&text(&report, &asked))),
    }
    Ok(if report.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn escaped_lines(text: &str) -> String {
    text.lines().map(escaped).collect::<Vec<_>>().join("\n")
}

fn text(report: &Report, asked: &Asked) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let ago = |then: f64| span(now - then);
    let mut lines = vec![
        format!("Collector {} {}", report.collector_id, report.version),
        format!("  at {asked}, up {}", ago(report.started_unix_seconds)),
    ];
    lines.push(match (&report.not_ready, report.draining) {
        (_, true) => "  DRAINING: no requests are taken".to_owned(),
        (Some(reason), _) => format!("  NOT READY: {reason}"),
        (None, _) => "  ready".to_owned(),
    });
    lines.extend(received(report));
    lines.push(format!("  refused: {}", counts(report.refusals.iter())));
    lines.push(format!("  redacted: {}", counts(report.redactions.iter())));
    lines.push(format!(
        "  in flight: {} requests, {}",
        report.requests_in_flight,
        bytes(report.bytes_in_flight)
    ));
    let journal = &report.journal;
    let free = journal.disk_free_bytes.map_or_else(|| "unknown".to_owned(), bytes);
    lines.push(format!(
        "Journal\n  {} of {} in {} files, {free} free on its disk",
        bytes(journal.bytes),
        bytes(journal.limit_bytes),
        journal.segments
    ));
    lines.push(format!(
        "Archive {}\n  {} commits with {} rows, {} attempts failed, the last commit {}",
        report.archive,
        report.commits,
        report.rows,
        report.commit_failures,
        report
            .last_commit_unix_seconds
            .map_or_else(|| "before the start".to_owned(), |last| format!("{} ago", ago(last)))
    ));
    lines.extend(waiting(report));
    lines.extend(destinations(report));
    if report.problems.is_empty() {
        lines.push("Nothing is wrong.".to_owned());
    }
    for problem in &report.problems {
        lines.push(format!("PROBLEM {}: {}\n  {}", problem.name, problem.text, problem.advice));
    }
    lines.join("\n")
}

fn received(report: &Report) -> Vec<String> {
    let mut rows =
        vec![["Received", "requests", "acknowledged", "records", "sent"].map(String::from)];
    for it in report.received.iter().filter(|it| it.requests > 0) {
        rows.push([
            format!("  {} over {}", it.signal, it.transport),
            it.requests.to_string(),
            it.acknowledged.to_string(),
            it.records.to_string(),
            bytes(it.bytes),
        ]);
    }
    match rows.len() {
        1 => vec!["Received\n  nothing since the start".to_owned()],
        _ => aligned(&rows),
    }
}

/// Who waits for what in the journal.
fn waiting(report: &Report) -> Vec<String> {
    let mut rows = vec![["Waiting for", "records", "oldest"].map(String::from)];
    for it in &report.journal.consumers {
        let name = match it.name.strip_prefix("forward-") {
            Some(destination) => format!("  destination {destination}"),
            None => format!("  the {}", it.name),
        };
        let oldest = match it.waiting_records {
            0 => "-".to_owned(),
            _ => span(it.oldest_seconds),
        };
        rows.push([name, it.waiting_records.to_string(), oldest]);
    }
    aligned(&rows)
}

fn destinations(report: &Report) -> Vec<String> {
    let head = ["Destination", "forwarded", "rejected", "given up", "retries", "dead letters"];
    let mut rows = vec![head.map(String::from)];
    for it in &report.destinations {
        rows.push([
            format!("  {}", it.name),
            it.forwarded.to_string(),
            it.rejected.to_string(),
            it.shed.to_string(),
            it.retries.to_string(),
            it.kept_letters.to_string(),
        ]);
    }
    if rows.len() == 1 { Vec::new() } else { aligned(&rows) }
}

/// The rows of a table: its first column begins on the left, the others end on the right.
fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> Vec<String> {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; COLUMNS]| {
        let cells = row.iter().zip(widths).enumerate();
        let cells = cells.map(|(at, (cell, width))| match at {
            0 => format!("{cell:<width$}"),
            _ => format!("  {cell:>width$}"),
        });
        cells.collect::<String>()
    };
    rows.iter().map(line).collect()
}

fn counts<'a>(counts: impl Iterator<Item = (&'a String, &'a u64)>) -> String {
    let all: Vec<String> = counts.map(|(name, count)| format!("{name} {count}")).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

/// Bytes for people.
fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{} KiB", count >> 10),
        _ => format!("{} MiB", count >> 20),
    }
}

/// A span of time for people.
fn span(seconds: f64) -> String {
    let whole = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default().as_secs();
    match whole {
        0..120 => format!("{whole} s"),
        120..7200 => format!("{} min", whole / 60),
        7200..172_800 => format!("{} h", whole / 3600),
        _ => format!("{} days", whole / 86_400),
    }
}
