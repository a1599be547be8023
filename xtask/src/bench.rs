//! `cargo xtask bench`: measures what `docs/benchmarks.md` reports, and prints it as Markdown.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::command::cargo;
use crate::generate::workspace;
use crate::process_usage::{Usage, children_cpu_seconds, usage};

/// Acknowledged records per CPU-second to reach, after fsync and (later) redaction.
const ACKNOWLEDGED_GOAL: f64 = 350_000.0;
/// Committed records per CPU-second to reach.
const COMMITTED_GOAL: f64 = 120_000.0;
/// Requests of 1,000 records that are sent to measure memory: 2 GB.
const MEMORY_REQUESTS: &str = "1500";
/// Memory to stay under, MiB.
const MEMORY_LIMIT: f64 = 256.0;
/// Bytes on disk per event to stay under.
const BYTES_GOAL: f64 = 300.0;

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Log records to send over each transport.
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// Also measure a cold build of `cargo build --release`, in a target folder of its own.
    #[arg(long)]
    cold_build: bool,
    /// Only measure commits to a table that has so many versions.
    #[arg(long, value_name = "NUMBER")]
    versions: Option<u64>,
    /// Only measure one thing.
    #[arg(long, value_name = "WHAT", conflicts_with = "versions")]
    only: Option<Only>,
}

/// What can be measured by itself.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    /// How fast requests without secrets are searched for them, and captures redacted.
    Redaction,
    /// How many decisions of a permission profile a second and core.
    Profiles,
    /// How much memory a collector with `deploy/small.toml` takes for 2 GB.
    Memory,
}

/// Runs the benchmarks.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if options.cold_build {
        cold_build()?;
    }
    if let Some(versions) = options.versions {
        println!("\n## Commits of one row\n");
        let mut cargo = cargo();
        cargo.args(["bench", "--workspace", "--locked", "--bench", "versions", "--"]);
        cargo.arg(versions.to_string());
        return status(cargo);
    }
    if options.only == Some(Only::Redaction) {
        return redaction();
    }
    if options.only == Some(Only::Profiles) {
        return profiles();
    }
    if options.only == Some(Only::Memory) {
        build()?;
        return memory();
    }
    build()?;
    println!("\n## Stages, one core\n\n```text");
    status(Command::new(binary("blotter-stages")))?;
    println!(
        "```\n\n## Collector, {} records of about 1,400 bytes in requests of 1,000\n",
        options.records
    );
    println!(
        "| transport | acknowledged/s | per CPU-second | of the goal | p50 ms | p99 ms | committed/s | per CPU-second | of the goal | peak MiB | bytes/event | of the limit |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    let folder = target().join("bench");
    for transport in ["http", "grpc"] {
        let data = folder.join(transport);
        if data.exists() {
            fs::remove_dir_all(&data)?;
        }
        collector(transport, &data, options.records)?;
    }
    show(&folder.join("http/archive"))?;
    redaction()?;
    profiles()
}

/// The most memory that a collector takes which is told to be small, whatever is sent to it.
fn memory() -> anyhow::Result<()> {
    println!("\n## Memory with deploy/small.toml\n");
    println!("| transport | sent MB | seconds | peak MiB | limit |\n|---|---|---|---|---|");
    let settings = workspace().join("deploy/small.toml");
    for transport in ["http", "grpc"] {
        let data = target().join("bench/memory").join(transport);
        if data.exists() {
            fs::remove_dir_all(&data)?;
        }
        let mut server = Server::start_with(&data, Some(&settings))?;
        let url = if transport == "grpc" { &server.grpc } else { &server.http };
        let load = Command::new(binary("blotter-load"))
            .args([format!("--{transport}"), url.clone()])
            .args(["--requests", MEMORY_REQUESTS, "--seconds", "600"])
            .stderr(Stdio::inherit())
            .output()?;
        if !load.status.success() {
            bail!("blotter-load failed over {transport}");
        }
        let report: Value = serde_json::from_slice(&load.stdout)?;
        let number = |key: &str| report.get(key).and_then(Value::as_f64).unwrap_or_default();
        let (done, _) = server.wait_until_committed(&data)?;
        server.stop()?;
        let peak = done.peak_bytes as f64 / f64::from(1 << 20);
        println!(
            "| {transport} | {:.0} | {:.0} | {peak:.0} | {MEMORY_LIMIT} |",
            number("acknowledged_records") * number("bytes_per_record") / 1e6,
            number("seconds"),
        );
        if peak > MEMORY_LIMIT {
            bail!("it took {peak:.0} MiB");
        }
    }
    Ok(())
}

/// Decisions a second on one core, on a profile of 1,000 rules.
fn profiles() -> anyhow::Result<()> {
    println!("\n## Decisions of a permission profile, one core\n\n```text");
    let mut cargo = cargo();
    cargo.args(["bench", "--workspace", "--locked", "--quiet", "--bench", "decide"]);
    status(cargo)?;
    println!("```");
    Ok(())
}

/// Throughput of the redactor on one core, over the captures and over source code.
fn redaction() -> anyhow::Result<()> {
    println!("\n## Redaction, one core\n\n```text");
    let mut cargo = cargo();
    cargo.args(["bench", "--workspace", "--locked", "--quiet", "--bench", "benign"]);
    status(cargo)?;
    println!("```");
    Ok(())
}

/// Time and CPU of building the README's first command from nothing.
fn cold_build() -> anyhow::Result<()> {
    let target = target().join("cold");
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    let (started, before) = (Instant::now(), children_cpu_seconds()?);
    let mut build = cargo();
    build.args(["build", "--release", "--quiet"]).env("CARGO_TARGET_DIR", &target);
    status(build)?;
    println!(
        "## Cold build of the README's first command\n\n{:.0} s, {:.0} CPU-seconds; binary {:.0} MB",
        started.elapsed().as_secs_f64(),
        children_cpu_seconds()? - before,
        fs::metadata(target.join("release/triage"))?.len() as f64 / 1e6,
    );
    fs::remove_dir_all(&target)?;
    Ok(())
}

fn build() -> anyhow::Result<()> {
    let mut build = cargo();
    build.args(["build", "--release", "--quiet"]);
    build.args(["-p", "blotter-collector", "-p", "blotter-triage", "-p", "blotter-tests"]);
    status(build)
}

/// Sends `records` to a fresh collector and prints a row of the table.
fn collector(transport: &str, data: &Path, records: u64) -> anyhow::Result<()> {
    let mut server = Server::start(data)?;
    let url = match transport {
        "grpc" => &server.grpc,
        _ => &server.http,
    };
    let started = Instant::now();
    let load = Command::new(binary("blotter-load"))
        .args([format!("--{transport}"), url.clone()])
        .args(["--requests".to_owned(), (records / 1000).to_string()])
        .args(["--seconds", "300"])
        .stderr(Stdio::inherit())
        .output()?;
    if !load.status.success() {
        bail!("blotter-load failed over {transport}");
    }
    let report: Value = serde_json::from_slice(&load.stdout)?;
    let number = |key: &str| report.get(key).and_then(Value::as_f64).unwrap_or_default();
    let acknowledged = usage(server.child.id())?;
    let sent = number("acknowledged_records");
    let (done, at_rest) = server.wait_until_committed(data)?;
    let seconds = at_rest.duration_since(started).as_secs_f64();
    server.stop()?;
    let bytes = parquet_bytes(&data.join("archive/events"))? as f64 / sent;
    // While requests are being acknowledged the archive writer works beside; both are in the first
    // figure, so it is a lower bound of what acknowledging alone would reach.
    println!(
        "| {transport} | {:.0} | {:.0} | {:.2} | {:.1} | {:.1} | {:.0} | {:.0} | {:.2} | {:.0} | {:.0} | {:.2} |",
        number("records_per_second"),
        sent / acknowledged.cpu_seconds,
        sent / acknowledged.cpu_seconds / ACKNOWLEDGED_GOAL,
        number("p50_ms"),
        number("p99_ms"),
        sent / seconds,
        sent / done.cpu_seconds,
        sent / done.cpu_seconds / COMMITTED_GOAL,
        done.peak_bytes as f64 / f64::from(1 << 20),
        bytes,
        bytes / BYTES_GOAL,
    );
    Ok(())
}

/// Process start to end of `triage show` on one session of the archive.
fn show(archive: &Path) -> anyhow::Result<()> {
    let triage = |arguments: &[&str]| {
        let mut command = Command::new(binary("triage"));
        command.args(arguments).arg("--archive").arg(archive);
        command
    };
    let sessions = triage(&["sessions", "--format", "json"]).output()?;
    let first = sessions.stdout.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line: Value = serde_json::from_slice(first).context("triage sessions said nothing")?;
    let session = line.get("session_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut times = Vec::new();
    for _ in 0..21 {
        let started = Instant::now();
        let output = triage(&["show", &session]).stdout(Stdio::null()).status()?;
        if output.code() == Some(2) {
            bail!("triage show failed");
        }
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let at = |index: usize| times.get(index).copied().unwrap_or_default();
    println!("\n## triage show, one session of 200 events\n");
    println!(
        "warm, 21 runs, process start to end: median {:.0} ms, fastest {:.0}, slowest {:.0}\n\n```text",
        at(10),
        at(0),
        at(20)
    );
    let mut explain = triage(&["show", &session, "--explain"]);
    let explained = explain.stdout(Stdio::null()).output()?;
    println!("{}```", String::from_utf8_lossy(&explained.stderr));
    Ok(())
}

/// A running collector.
struct Server {
    child: Child,
    http: String,
    grpc: String,
}

impl Server {
    fn start(data: &Path) -> anyhow::Result<Self> {
        Self::start_with(data, None)
    }

    /// The same, with a configuration file.
    fn start_with(data: &Path, settings: Option<&Path>) -> anyhow::Result<Self> {
        let settings = settings.map(|file| [Path::new("--config"), file]);
        let mut command = Command::new(binary("blotter-collector"));
        if settings.is_some() {
            // As deploy/small.toml says.
            command.env("MALLOC_ARENA_MAX", "2");
        }
        let mut child = command
            .args(["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"])
            .args(settings.into_iter().flatten())
            .arg("--data")
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        let mut address = |scheme: &str| -> anyhow::Result<String> {
            for line in lines.by_ref() {
                let line = line?;
                if let Some(at) =
                    line.find("127.0.0.1:").filter(|_| line.to_lowercase().contains(scheme))
                {
                    let address = line.get(at..).unwrap_or_default();
                    let end = address.find([' ', '/', ',']).unwrap_or(address.len());
                    return Ok(format!("http://{}", address.get(..end).unwrap_or_default()));
                }
            }
            bail!("blotter-collector did not print its {scheme} address")
        };
        let grpc = address("grpc")?;
        let http = address("http")?;
        Ok(Self { child, http, grpc })
    }

    /// Waits until the archive stops growing and the process is idle; when that began.
    fn wait_until_committed(&self, data: &Path) -> anyhow::Result<(Usage, Instant)> {
        let (mut bytes, mut cpu, mut changed, mut quiet) = (0, 0.0, Instant::now(), 0);
        for _ in 0..3000 {
            std::thread::sleep(Duration::from_millis(100));
            let now = usage(self.child.id())?;
            let written = parquet_bytes(&data.join("archive/events"))?;
            if written == bytes && now.cpu_seconds - cpu < 0.02 {
                quiet += 1;
            } else {
                (changed, quiet) = (Instant::now(), 0);
            }
            if quiet == 40 {
                return Ok((now, changed));
            }
            (bytes, cpu) = (written, now.cpu_seconds);
        }
        bail!("the archive did not come to rest in five minutes")
    }

    fn stop(&mut self) -> anyhow::Result<()> {
        let mut kill = Command::new("kill");
        kill.args(["-TERM", &self.child.id().to_string()]);
        status(kill)?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Only left running when a step failed; then there is nothing to save.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Bytes of Parquet below `folder`.
fn parquet_bytes(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(0);
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("_delta_log") {
                bytes += parquet_bytes(&path)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

fn target() -> PathBuf {
    workspace().join("target")
}

fn binary(name: &str) -> PathBuf {
    target().join("release").join(name)
}

fn status(mut command: Command) -> anyhow::Result<()> {
    let status = command.current_dir(workspace()).status()?;
    if !status.success() {
        bail!("{command:?} failed: {status}");
    }
    Ok(())
}
