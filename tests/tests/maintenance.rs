//! A collector looks after its archive by itself.

use std::ops::ControlFlow;
use std::time::Duration;

use blotter_archive::{Archive, ScanRequest};
use blotter_collector::{Collector, Config};
use blotter_schemas::tables::{Event, Row as _, Table};

const FILES: u64 = 40;

fn event(number: u64) -> Event {
    let time = i64::try_from(number).unwrap_or_default();
    Event {
        event_id: u128::from(number).to_be_bytes(),
        session_id: Some(format!("session {}", number % 7)),
        time: Some(time),
        time_unix_nano: Some(time * 1000),
        time_source: Some("record".to_owned()),
        received_time: Some(1_772_668_800_000_000),
        ..Event::default()
    }
}

async fn ids(archive: &Archive) -> anyhow::Result<Vec<[u8; 16]>> {
    let mut ids = Vec::new();
    for batch in archive.scan(ScanRequest::new(Table::Events)).await?.collect().await? {
        ids.extend(Event::from_batch(&batch)?.iter().map(|event| event.event_id));
    }
    Ok(ids)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_files_are_gathered_and_old_days_removed_while_the_collector_runs()
-> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let mut config = Config::new(data.path())?;
    config.grpc.set_port(0);
    config.http.set_port(0);
    config.maintenance.interval = Duration::from_millis(20);
    config.maintenance.clean_interval = Duration::from_millis(20);
    let location = config.archive.clone();

    let mut writing = config.clone();
    writing.maintenance.least_files = 4;
    let collector = Collector::start(writing).await?;
    // As other collectors of the same archive append.
    let archive = Archive::open(&location).await?;
    for number in 0..FILES {
        archive.append(Table::Events, vec![Event::to_batch(&[event(number)])?], None).await?;
    }
    while archive.stat(Table::Events).await?.data.files >= 8 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut found = ids(&archive).await?;
    collector.shutdown().await?;
    found.sort_unstable();
    let expected: Vec<_> = (0..FILES).map(|number| event(number).event_id).collect();
    assert_eq!(found, expected);
    let checked = archive.check(Table::Events, &mut |_| ControlFlow::Continue(())).await?;
    assert_eq!(checked.findings, []);

    // Off unless it is asked for: the rows are of a day long past and were still there.
    config.maintenance.compaction = false;
    config.maintenance.keep_days = Some(30);
    let collector = Collector::start(config).await?;
    while archive.stat(Table::Events).await?.data.files > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    collector.shutdown().await?;
    assert!(ids(&archive).await?.is_empty());
    Ok(())
}
