//! A collector that is told to be small stays small, however much is sent to it.
//!
//! Here it gets a share; `cargo xtask bench --only memory` sends the whole 2 GB.

use std::process::Command as StandardCommand;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use blotter_schemas::otlp::{Encoding, Signal};
use blotter_tests::binaries::binary;
use blotter_tests::client::{Answer, Export, Sender};
use blotter_tests::guests::workspace;
use blotter_tests::load::{self, Plan, Target};
use blotter_tests::operation::metrics;
use blotter_tests::processes::Daemon;
use tokio::process::Command;

/// What it may take.
const LIMIT: u64 = 256 << 20;
/// What is sent: 300 requests of 1,000 records, 1,400 bytes each.
const REQUESTS: u64 = 300;
/// Longest wait for all of it to be in the archive.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_collector_takes_less_than_256_mib_whatever_is_sent() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let mut command = Command::from(StandardCommand::new(binary("blotter-collector")?));
    // As deploy/small.toml says.
    command
        .env("MALLOC_ARENA_MAX", "2")
        .args(["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--config"])
        .arg(workspace().join("deploy/small.toml"))
        .arg("--data")
        .arg(data.path());
    let mut collector = Daemon::spawn(command)?;
    let address = collector.addresses().await?.http;
    for export in hostile() {
        // A few kilobytes as sent.
        let answer = Sender::http(address).await?.with_gzip().send(&export).await?;
        ensure!(matches!(answer, Answer::Permanent(_)), "{answer:?}");
    }
    let plan = Plan {
        target: Target::Http(format!("http://{address}")),
        connections: 4,
        in_flight: 4,
        records: 1000,
        session_records: 200,
        requests: REQUESTS,
        time: Duration::from_secs(300),
    };
    let report = load::run(&plan).await?;
    ensure!(report.acknowledged_requests == REQUESTS, "{report:?}");
    let waiting = "blotter_collector_consumer_waiting_records{consumer=\"archive\"} ";
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let text = metrics(address).await?;
        let left = text.lines().find_map(|line| line.strip_prefix(waiting));
        if left.context("no archive")? == "0" {
            break;
        }
        ensure!(tokio::time::Instant::now() < deadline, "{left:?} records are not archived");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let id = collector.id().context("it has ended")?;
    let peak = peak_bytes(id)?;
    ensure!(collector.terminate().await?.success());
    println!(
        "{} MiB for {:.0} MB in {:.1} s",
        peak >> 20,
        report.bytes_per_record * report.acknowledged_records as f64 / 1e6,
        report.seconds
    );
    ensure!(peak <= LIMIT, "it took {} MiB", peak >> 20);
    Ok(())
}

/// Requests of 4 MB that would be hundreds once they are decoded.
fn hostile() -> Vec<Export> {
    let empty: &[u8] = &[0x0a, 0];
    let claim = b"\x0a\x16\x1a\x14blotter.collector.xx";
    let request =
        |encoding, body: Vec<u8>| Export { signal: Signal::Logs, encoding, body: body.into() };
    let json = |element: &str, count: usize| {
        format!(r#"{{"resourceLogs":[{}]}}"#, vec![element; count].join(",")).into_bytes()
    };
    vec![
        request(Encoding::Protobuf, empty.repeat(2_000_000)),
        // One whose names must be looked at, and one that ends too early.
        request(Encoding::Protobuf, [&claim[..], &empty.repeat(2_000_000)].concat()),
        request(Encoding::Protobuf, [&empty.repeat(2_000_000)[..], &[0x0a, 9]].concat()),
        request(Encoding::Json, json("{}", 1_300_000)),
        request(Encoding::Json, json(r#"{"scopeLogs":[{}]}"#, 200_000)),
    ]
}

/// The most memory that a process has had.
fn peak_bytes(id: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.context("no VmHWM")?.trim().trim_end_matches(" kB").trim();
    Ok(peak.parse::<u64>()? * 1024)
}
