//! SIGKILL before, and for writes in the middle of, every step of append, rotate, commit, cursor,
//! delete, start and stop.

use std::os::unix::process::ExitStatusExt as _;
use std::sync::Arc;

use blotter_collector::Collector;
use blotter_tests::binaries::binary;
use blotter_tests::faulty_disk::FaultyDisk;
use blotter_tests::processes::Daemon;
use blotter_tests::small;
use futures::StreamExt as _;
use tokio::process::Command;

use super::*;

/// Requests in each life of a collector: they fill several segments.
pub(super) const REQUESTS: u64 = 12;
/// Runs at a time: they wait for the disk most of the time.
pub(super) const AT_ONCE: usize = 6;

/// Every place that two lives of a collector pass, with how often.
pub(super) async fn places() -> anyhow::Result<Vec<(String, u64)>> {
    let data = tempfile::tempdir()?;
    let disk = FaultyDisk::default();
    let mut sender = Retrying::new(0)?;
    for _ in 0..2 {
        let config = small::config(data.path())?;
        let collector = Collector::start_on(config, Arc::new(disk.clone())).await?;
        sender.more(REQUESTS)?;
        sender.finish(small::addresses(&collector)).await?;
        collector.shutdown().await?;
    }
    everything_once(data.path(), &sender)?;
    let places: Vec<_> =
        disk.passed().into_iter().filter(|(place, _)| !place.starts_with("read ")).collect();
    for part in ["append", "cursor", "delete", "digests"] {
        assert!(places.iter().any(|(place, _)| place.contains(part)), "no {part} in {places:?}");
    }
    Ok(places)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_step_in_turn_a_collector_loses_and_doubles_nothing() -> anyhow::Result<()>
{
    let mut runs = Vec::new();
    for (place, passed) in places().await? {
        runs.push((place.clone(), 0));
        if passed > 2 {
            // Not at the first time, which is often the start.
            runs.push((place, 2));
        }
    }
    println!("{} places and moments", runs.len());
    let results: Vec<anyhow::Result<bool>> = futures::stream::iter(runs.clone())
        .map(|(place, after)| async move { killed_at(&place, after).await })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut failed = Vec::new();
    for ((place, after), result) in runs.iter().zip(results) {
        match result {
            Ok(killed) => {
                if *after == 0 && !killed {
                    failed.push(format!("{place} was not passed"));
                }
            }
            Err(error) => failed.push(format!("{place}, passed {after} times: {error:#}")),
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    Ok(())
}

/// Two lives, one of which ends at the place; then a third that nothing disturbs. Whether it was
/// killed.
async fn killed_at(place: &str, after: u64) -> anyhow::Result<bool> {
    let data = tempfile::tempdir()?;
    let mut sender = Retrying::new(0)?;
    let mut killed = false;
    for _ in 0..2 {
        let mut command = Command::new(binary("blotter-faulty")?);
        command.arg("--data").arg(data.path()).args(["--place", place]);
        command.args(["--after", &after.to_string()]);
        let mut collector = Daemon::spawn(command)?;
        if let Ok(addresses) = collector.addresses().await {
            sender.more(REQUESTS)?;
            while !sender.is_done() && !sender.round(addresses).await?.lost {}
        }
        let status = collector.terminate().await?;
        killed = status.signal() == Some(9);
        anyhow::ensure!(killed || status.success(), "it ended by itself: {status}");
        if killed {
            break;
        }
    }
    comes_right(data.path(), &mut sender).await?;
    Ok(killed)
}
