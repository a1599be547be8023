//! Errors of the disk at every step: refused for now, never for good, and nothing acknowledged is lost.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use blotter_collector::{Collector, Error};
use blotter_tests::faulty_disk::{Fault, FaultyDisk, Rule};
use blotter_tests::small;
use futures::StreamExt as _;
use rustix::io::Errno;

use super::kill::{AT_ONCE, REQUESTS, places};
use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_at_every_step_in_turn_loses_and_doubles_nothing_and_ends_by_itself()
-> anyhow::Result<()> {
    at_every_step(Errno::NOSPC).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_input_output_error_at_every_step_in_turn_loses_and_doubles_nothing()
-> anyhow::Result<()> {
    at_every_step(Errno::IO).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_becomes_read_only_loses_and_doubles_nothing() -> anyhow::Result<()> {
    for after in [0, 3, 30] {
        fails_at(None, after, Errno::ROFS).await?;
    }
    Ok(())
}

async fn at_every_step(error: Errno) -> anyhow::Result<()> {
    let runs: Vec<_> = places().await?.into_iter().map(|(place, _)| place).collect();
    let results: Vec<anyhow::Result<()>> = futures::stream::iter(runs.clone())
        .map(|place| async move { fails_at(Some(place), 0, error).await })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let failed: Vec<_> = runs
        .iter()
        .zip(results)
        .filter_map(|(place, result)| Some(format!("{place}: {:#}", result.err()?)))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    Ok(())
}

/// A first life in which nothing fails, a second in which the disk fails and comes back, a third.
async fn fails_at(place: Option<String>, after: u64, error: Errno) -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let disk = FaultyDisk::default();
    let mut sender = Retrying::new(0)?;
    for life in 0..2 {
        let full = error == Errno::NOSPC;
        disk.set(Rule { place: place.clone(), after, fault: Fault::Error(error) });
        let start = || {
            let config = small::config(data.path());
            async {
                Ok::<_, anyhow::Error>(Collector::start_on(config?, Arc::new(disk.clone())).await)
            }
        };
        let collector = match start().await? {
            Ok(collector) => collector,
            Err(_) => {
                disk.heal();
                start().await??
            }
        };
        let addresses = small::addresses(&collector);
        sender.more(REQUESTS)?;
        for _ in 0..4 {
            let round = sender.round(addresses).await?;
            anyhow::ensure!(!round.lost, "life {life}: the connection was lost");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        disk.heal();
        // What a failed sync may have lost, and what an error left unknown, only a restart can tell.
        let syncs = place.as_ref().is_some_and(|place| place.starts_with("sync"));
        if full && !syncs {
            sender.finish(addresses).await?;
        }
        // It may say that not everything is archived yet; then the next one does it.
        let _ = collector.shutdown().await;
    }
    let collector = Collector::start(small::config(data.path())?).await?;
    sender.finish(small::addresses(&collector)).await?;
    collector.shutdown().await?;
    everything_once(data.path(), &sender)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failed_sync_or_write_everything_is_refused_for_now_until_a_restart()
-> anyhow::Result<()> {
    for place in ["sync file journal.append", "write journal.append"] {
        let data = tempfile::tempdir()?;
        let disk = FaultyDisk::default();
        let mut sender = Retrying::new(4)?;
        let collector =
            Collector::start_on(small::config(data.path())?, Arc::new(disk.clone())).await?;
        sender.finish(small::addresses(&collector)).await?;
        disk.set(Rule { place: Some(place.to_owned()), after: 0, fault: Fault::Error(Errno::IO) });
        sender.more(4)?;
        let addresses = small::addresses(&collector);
        for healed in [false, true] {
            if healed {
                disk.heal();
            }
            let round = sender.round(addresses).await?;
            assert_eq!((round.acknowledged, round.lost), (0, false), "{place}, healed: {healed}");
            assert_eq!(round.refused.len(), 4);
            let said = |reason: &String| reason.contains("the journal has failed");
            assert!(round.refused.iter().all(said), "{:?}", round.refused);
        }
        collector.shutdown().await?;
        comes_right(data.path(), &mut sender).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_cannot_be_read_is_taken_into_the_archive_after_a_restart()
-> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let disk = FaultyDisk::default();
    let unreadable =
        Rule { place: Some("read segment".to_owned()), after: 0, fault: Fault::Error(Errno::IO) };
    let mut sender = Retrying::new(4)?;
    let mut config = small::config(data.path())?;
    config.shutdown_timeout = Duration::from_millis(500);
    let collector = Collector::start_on(config, Arc::new(disk.clone())).await?;
    sender.finish(small::addresses(&collector)).await?;
    disk.set(unreadable);
    sender.more(20)?;
    // Requests are still taken: they are durable, which is what an acknowledgement says.
    sender.finish(small::addresses(&collector)).await?;
    let error = collector.shutdown().await.err().context("everything was archived")?;
    assert!(matches!(error, Error::NotCommitted { .. }), "{error}");
    assert!(disk.happened() > 0);
    // Nor does it start like that.
    let started = Collector::start_on(small::config(data.path())?, Arc::new(disk)).await;
    let error = started.err().context("it started")?.to_string();
    assert!(error.contains("cannot read") && error.contains(".segment"), "{error}");
    comes_right(data.path(), &mut sender).await
}
