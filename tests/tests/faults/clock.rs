//! A wall clock that jumps to 1970, to 2200 and back, under the collector as it is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use blotter_schemas::tables::Event;
use blotter_tests::binaries::binary;
use blotter_tests::guests::workspace;
use blotter_tests::table_files;
use tokio::process::Command;

use super::*;

/// Seconds from 1970 to a day in 2200.
const YEAR_2200: i64 = 7_258_300_000;

/// Builds the library that shifts the clock.
async fn clock_library(folder: &Path) -> anyhow::Result<PathBuf> {
    let library = folder.join("clock.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(workspace().join("tests/tests/faults/clock.c"))
        .output()
        .await
        .context("cannot start cc, which building the workspace needs too")?;
    anyhow::ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Ok(library)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_to_1970_and_2200_loses_doubles_and_blocks_nothing() -> anyhow::Result<()>
{
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let library = clock_library(folder.path()).await?;
    let offset = folder.path().join("offset");
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let start = || {
        let mut command = Command::new(binary("blotter-collector")?);
        command.args(["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"]).arg(&data);
        command.env("LD_PRELOAD", &library).env("BLOTTER_TEST_CLOCK", &offset);
        Daemon::spawn(command)
    };
    let mut sender = Retrying::new(0)?;
    // While it runs, and while it does not.
    for restart in [false, true] {
        fs::write(&offset, "0")?;
        let mut collector = start()?;
        let mut addresses = collector.addresses().await?;
        for second in [now, 10, YEAR_2200, now] {
            fs::write(&offset, (second - now).to_string())?;
            if restart {
                assert!(collector.terminate().await?.success());
                collector = start()?;
                addresses = collector.addresses().await?;
            }
            sender.more(4)?;
            sender.finish(addresses).await?;
            if !restart {
                archived(&data, &sender).await?;
            }
        }
        assert!(collector.terminate().await?.success());
        everything_once(&data, &sender)?;
    }
    let received: Vec<i64> = table_files::rows::<Event>(&data.join("archive"))?
        .iter()
        .filter_map(|row| row.received_time)
        .collect();
    assert!(received.iter().any(|time| *time < 1_000_000_000_000), "the clock was not put back");
    assert!(received.iter().any(|time| *time > 7_000_000_000_000_000), "it did not jump ahead");
    Ok(())
}

/// Waits until the archive has everything, without a shutdown that would commit it.
async fn archived(data: &Path, sender: &Retrying) -> anyhow::Result<()> {
    let mut last = Ok(());
    for _ in 0..300 {
        last = everything_once(data, sender);
        if last.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    last
}
