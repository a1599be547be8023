//! A collector whose disk fails is alive and not ready, and says why.

use std::sync::Arc;

use anyhow::ensure;
use blotter_collector::Collector;
use blotter_tests::captures;
use blotter_tests::client::{Answer, Sender};
use blotter_tests::faulty_disk::{Fault, FaultyDisk, Rule};
use blotter_tests::operation::{get, metrics};
use blotter_tests::small;
use rustix::io::Errno;

#[tokio::test]
async fn a_journal_whose_sync_failed_is_not_ready_until_the_next_start() -> anyhow::Result<()> {
    fails("sync file journal.append", Errno::IO).await
}

#[tokio::test]
async fn a_journal_whose_disk_has_become_read_only_is_not_ready_until_the_next_start()
-> anyhow::Result<()> {
    fails("write journal.append", Errno::ROFS).await
}

async fn fails(place: &str, error: Errno) -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let disk = FaultyDisk::default();
    let config = small::config(data.path())?;
    let collector = Collector::start_on(config.clone(), Arc::new(disk.clone())).await?;
    let address = collector.http_address();
    let (status, body) = get(address, "/readyz").await?;
    ensure!(status == 200, "{body}");
    disk.set(Rule { place: Some(place.to_owned()), after: 0, fault: Fault::Error(error) });
    let export = captures::named("codex/01-exec-ok-workspace-write")?.exports()?.remove(0);
    let answer = Sender::http(address).await?.send(&export).await?;
    ensure!(matches!(answer, Answer::Retryable(_)), "{answer:?}");
    ensure!(disk.happened() > 0, "nothing is done at {place}");
    disk.heal();
    let (status, body) = get(address, "/readyz").await?;
    ensure!(status == 503 && body.contains("cannot"), "{status} {body}");
    ensure!(get(address, "/healthz").await?.0 == 200);
    let text = metrics(address).await?;
    for line in [
        "blotter_collector_ready 0",
        "blotter_collector_journal_writable 0",
        "blotter_collector_not_ready{reason=\"journal_failed\"} 1",
    ] {
        ensure!(text.lines().any(|it| it == line), "no {line} in\n{text}");
    }
    collector.shutdown().await?;
    let collector = Collector::start(config).await?;
    ensure!(get(collector.http_address(), "/readyz").await?.0 == 200);
    collector.shutdown().await?;
    Ok(())
}
