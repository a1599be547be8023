//! From the acknowledgement to the archive: everything, and nothing twice.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[expect(dead_code, reason = "each test program uses a part of it")]
mod support;

use std::fs;
use std::path::Path;
use std::time::Duration;

use blotter_collector::{Collector, Error};
use blotter_schemas::tables::Table;
use support::{config, export, logs, metrics, rows, spans, start, wait_for_rows};

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_appears_without_a_shutdown() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    export(&collector, "logs", logs(0, 7)).await;
    wait_for_rows(data.path(), Table::Events, 7).await;
    assert_eq!(rows(data.path(), Table::Events).await, (7, 7));
    drop(collector);
}

#[tokio::test]
async fn shutdown_commits_what_the_journal_holds() {
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path());
    config.commit.quiet = Duration::from_secs(3600);
    config.commit.interval = Duration::from_secs(3600);
    let collector = Collector::start(config).await.unwrap();
    export(&collector, "logs", logs(0, 7)).await;
    export(&collector, "traces", spans(0, 2)).await;
    collector.shutdown().await.unwrap();
    assert_eq!(rows(data.path(), Table::Events).await, (7, 7));
    assert_eq!(rows(data.path(), Table::Spans).await, (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_at_any_moment_and_started_again_nothing_is_lost_or_doubled() {
    let data = tempfile::tempdir().unwrap();
    let mut sent = 0;
    for round in 0..12_u64 {
        let mut config = config(data.path());
        config.commit.quiet = Duration::from_millis(2);
        config.commit.interval = Duration::from_millis(5);
        let collector = Collector::start(config).await.unwrap();
        for _ in 0..10 {
            export(&collector, "logs", logs(sent, 20)).await;
            export(&collector, "traces", spans(sent, 20)).await;
            export(&collector, "metrics", metrics(sent, 20)).await;
            sent += 20;
        }
        tokio::time::sleep(Duration::from_millis(round * 7)).await;
        drop(collector);
    }
    start(data.path()).await.shutdown().await.unwrap();
    let expected = usize::try_from(sent).unwrap();
    for table in Table::ALL {
        assert_eq!(rows(data.path(), table).await, (expected, expected), "{table}");
    }
}

/// As after a crash between a commit and the cursor: the journal is read again from its start.
#[tokio::test]
async fn a_lost_cursor_commits_nothing_twice() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    export(&collector, "logs", logs(0, 7)).await;
    export(&collector, "metrics", metrics(0, 3)).await;
    collector.shutdown().await.unwrap();
    fs::remove_file(data.path().join("journal/archive.cursor")).unwrap();
    let collector = start(data.path()).await;
    export(&collector, "logs", logs(7, 1)).await;
    collector.shutdown().await.unwrap();
    assert_eq!(rows(data.path(), Table::Events).await, (8, 8));
    assert_eq!(rows(data.path(), Table::Metrics).await, (3, 3));
}

#[tokio::test]
async fn an_archive_that_is_ahead_of_the_journal_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let journal = data.path().join("journal");
    let copy = data.path().join("copy");
    let collector = start(data.path()).await;
    export(&collector, "logs", logs(0, 7)).await;
    collector.shutdown().await.unwrap();
    copy_folder(&journal, &copy);
    let collector = start(data.path()).await;
    export(&collector, "logs", logs(7, 1)).await;
    collector.shutdown().await.unwrap();

    fs::remove_dir_all(&journal).unwrap();
    copy_folder(&copy, &journal);
    let error = Collector::start(config(data.path())).await.unwrap_err();
    assert!(matches!(error, Error::Mismatch(_)), "{error}");
    assert!(error.to_string().contains("up to 8"), "{error}");
    assert!(error.to_string().contains("Move the journal's folder away"), "{error}");

    // What it advises works: a new journal counts anew and mixes nothing up.
    fs::rename(&journal, data.path().join("old-journal")).unwrap();
    let collector = start(data.path()).await;
    export(&collector, "logs", logs(8, 2)).await;
    collector.shutdown().await.unwrap();
    assert_eq!(rows(data.path(), Table::Events).await, (10, 10));
}

#[tokio::test]
async fn an_archive_that_cannot_be_written_delays_nobody_and_gets_everything_once_later() {
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path());
    config.commit.max_backoff = Duration::from_millis(200);
    let collector = Collector::start(config).await.unwrap();
    export(&collector, "logs", logs(0, 5)).await;
    wait_for_rows(data.path(), Table::Events, 5).await;
    let table = data.path().join("archive/events");
    let away = data.path().join("away");
    fs::rename(&table, &away).unwrap();
    fs::write(&table, "in the way").unwrap();
    export(&collector, "logs", logs(5, 5)).await;
    export(&collector, "traces", spans(0, 5)).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    export(&collector, "logs", logs(10, 5)).await;
    fs::remove_file(&table).unwrap();
    fs::rename(&away, &table).unwrap();
    wait_for_rows(data.path(), Table::Events, 15).await;
    collector.shutdown().await.unwrap();
    assert_eq!(rows(data.path(), Table::Events).await, (15, 15));
    assert_eq!(rows(data.path(), Table::Spans).await, (5, 5));
}

#[tokio::test]
async fn a_shutdown_that_the_archive_delays_says_what_is_left_and_loses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path());
    config.shutdown_timeout = Duration::from_millis(500);
    let collector = Collector::start(config).await.unwrap();
    let table = data.path().join("archive/events");
    let away = data.path().join("away");
    fs::rename(&table, &away).unwrap();
    fs::write(&table, "in the way").unwrap();
    export(&collector, "logs", logs(0, 5)).await;
    let error = collector.shutdown().await.unwrap_err();
    assert!(matches!(error, Error::NotCommitted { from: 0, to: 5 }), "{error}");
    fs::remove_file(&table).unwrap();
    fs::rename(&away, &table).unwrap();
    start(data.path()).await.shutdown().await.unwrap();
    assert_eq!(rows(data.path(), Table::Events).await, (5, 5));
}

#[tokio::test]
async fn passed_segments_leave_the_disk() {
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path());
    config.journal.segment_bytes = 8192;
    let collector = Collector::start(config).await.unwrap();
    for number in 0..20 {
        export(&collector, "logs", logs(number * 50, 50)).await;
    }
    collector.shutdown().await.unwrap();
    let segments = fs::read_dir(data.path().join("journal")).unwrap();
    let segments = segments
        .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|it| it == "segment"));
    assert_eq!(segments.count(), 1);
    assert_eq!(rows(data.path(), Table::Events).await, (1000, 1000));
}

#[tokio::test]
async fn two_collectors_on_one_folder_are_one_too_many() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let error = Collector::start(config(data.path())).await.unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    collector.shutdown().await.unwrap();
    start(data.path()).await.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let mut second = config(tempfile::tempdir().unwrap().path());
    second.http = collector.http_address();
    let error = Collector::start(second).await.unwrap_err();
    assert!(matches!(error, Error::Listen { transport: "OTLP/HTTP", .. }), "{error}");
    assert!(error.to_string().contains(&collector.http_address().to_string()), "{error}");
}
