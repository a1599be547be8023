//! How long a commit takes in a table with many versions.
//!
//! `cargo xtask bench --versions 100000` runs it. The versions are made by writing the table's log:
//! every entry adds a file as an append does, with its statistics and transaction; where the table is
//! compacted, every 20th also removes the 20 before it and adds one. The data files are not there:
//! no commit looks at them. Then a checkpoint is made, old entries are deleted where the log is
//! cleaned up, and real appends of one row are timed from call to return, each one synced. Beside that
//! stands the time on the processor, which other programs on the machine do not change.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::expect_used,
    missing_docs,
    reason = "a bench"
)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use blotter_archive::{Archive, Location, ScanRequest, Transaction};
use blotter_schemas::tables::{Event, Row as _, Table};
use serde_json::{Value, json};

/// Appends that are timed; more than lie between two checkpoints.
const APPENDS: i64 = 250;
/// Entries that a log keeps that is cleaned up: those of an hour, one a second.
const KEPT: u64 = 3_600;
/// Versions of a day.
const DAY: u64 = 28_800;
/// Appends between two compactions.
const COMPACTED: u64 = 20;

fn main() {
    let argument = std::env::args().skip(1).find_map(|it| it.parse::<u64>().ok());
    let versions = argument.unwrap_or(100_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!(
        "| versions | log | files in the table | entries in the log | median ms | p99 ms | slowest ms | CPU ms, mean |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    // First what a collector makes by itself.
    for (clean, compacted) in [(true, true), (true, false), (false, false)] {
        for versions in [1_000, versions] {
            runtime.block_on(measure(versions, clean, compacted));
        }
    }
}

fn row(number: i64) -> Event {
    Event {
        event_id: u128::try_from(number).unwrap().to_be_bytes(),
        session_id: Some("a session".to_owned()),
        time: Some(number),
        time_unix_nano: Some(number * 1000),
        time_source: Some("record".to_owned()),
        received_time: Some(1_772_668_800_000_000),
        ..Event::default()
    }
}

async fn append(archive: &Archive, number: i64) {
    let transaction = Transaction { app_id: "bench".to_owned(), version: number };
    let rows = vec![Event::to_batch(&[row(number)]).unwrap()];
    archive.append(Table::Events, rows, Some(transaction)).await.unwrap();
}

async fn measure(versions: u64, clean: bool, compacted: bool) {
    let folder = tempfile::tempdir_in(std::env::var("BENCH_FOLDER").unwrap_or(".".to_owned()));
    let folder = folder.unwrap();
    let location = Location::parse(folder.path().to_str().unwrap()).unwrap();
    let archive = Archive::open_or_create(&location).await.unwrap();
    append(&archive, 1).await;
    drop(archive);
    let log = folder.path().join("events/_delta_log");
    write_log(&log, versions, compacted);
    let url = url::Url::from_directory_path(folder.path().join("events")).unwrap();
    let table = deltalake_core::open_table(url).await.unwrap();
    deltalake_core::checkpoints::create_checkpoint(&table, None).await.unwrap();
    drop(table);
    if clean {
        for version in 0..versions.saturating_sub(KEPT) {
            let _ = fs::remove_file(entry(&log, version));
        }
    }
    let archive = Archive::open(&location).await.unwrap();
    let first = i64::try_from(versions).unwrap() + 1;
    let mut times: Vec<Duration> = Vec::new();
    let mut processor = Duration::ZERO;
    for number in first..first + APPENDS {
        let (started, before) = (Instant::now(), processor_time());
        append(&archive, number).await;
        times.push(started.elapsed());
        processor += processor_time().saturating_sub(before);
    }
    times.sort_unstable();
    let at =
        |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    let stat = archive.stat(Table::Events).await.unwrap();
    drop(archive.scan(ScanRequest::new(Table::Events)).await.unwrap());
    println!(
        "| {versions} | {} | {} | {} | {:.1} | {:.1} | {:.1} | {:.1} |",
        match (clean, compacted) {
            (false, _) => "whole",
            (true, false) => "cleaned up",
            (true, true) => "cleaned up, table compacted",
        },
        stat.data.files,
        stat.log_versions,
        at(50),
        at(99),
        at(100),
        processor.as_secs_f64() * 1e3 / APPENDS as f64,
    );
}

/// Time that the threads of this process, which all stay, were on a processor (Linux).
fn processor_time() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanoseconds = tasks.filter_map(|task| {
        let scheduled = fs::read_to_string(task.path().join("schedstat")).ok()?;
        scheduled.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

fn entry(log: &Path, version: u64) -> std::path::PathBuf {
    log.join(format!("{version:020}.json"))
}

/// Writes entries 2 to `versions`, like the one that a real append wrote.
fn write_log(log: &Path, versions: u64, compacted: bool) {
    let model = fs::read_to_string(entry(log, 1)).unwrap();
    let model: Vec<Value> = model.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let find = |kind: &str| model.iter().find(|action| action.get(kind).is_some()).unwrap().clone();
    let (add, info) = (find("add"), find("commitInfo"));
    let path = |version: u64| format!("received_date=2026-03-05/part-{version:032}.parquet");
    let now = chrono::Utc::now().timestamp_millis();
    for version in 2..=versions {
        let mut add = add.clone();
        add["add"]["path"] = path(version).into();
        let mut lines = vec![info.clone(), add];
        // At one commit every three seconds, those of a day are still remembered.
        let removed_at = if version + DAY < versions { now - 3 * 86_400_000 } else { now };
        if compacted && version.is_multiple_of(COMPACTED) {
            for replaced in (version - COMPACTED).max(2)..version {
                // Each compaction also takes what the one before it left.
                lines.push(json!({"remove": {
                    "path": path(replaced), "deletionTimestamp": removed_at, "dataChange": false,
                    "extendedFileMetadata": true, "size": 1,
                    "partitionValues": {"received_date": "2026-03-05"},
                }}));
            }
        } else {
            lines.push(json!({"txn": {"appId": "bench", "version": version}}));
        }
        let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
        fs::write(entry(log, version), lines.join("\n")).unwrap();
    }
}
