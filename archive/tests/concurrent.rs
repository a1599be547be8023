//! Appends, compactions, retention, cleaning and readers at the same time, on threads of their own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod rows;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use blotter_archive::{
    Appended, Archive, CleanOptions, CompactOptions, Error, Location, ScanRequest, Transaction,
};
use blotter_schemas::tables::{Event, Table};
use chrono::NaiveDate;
use tokio::task::JoinSet;

use crate::rows::{DAY, DAY_LENGTH, Place, batch, event, events};

const ROUNDS: u64 = 3;
const WRITERS: u64 = 2;
const COMMITS: u64 = 12;
/// Rows of one commit and day.
const ROWS: u64 = 10;

/// The row of a writer's commit: half of them belong to a day that is to go.
fn row(writer: u64, commit: u64, row: u64, old: bool) -> Event {
    let number = ((writer * 1_000 + commit) * 1_000 + row) * 2 + u64::from(old);
    let session = format!("session {}", number % 5);
    Event {
        received_time: Some(if old { DAY - DAY_LENGTH } else { DAY }),
        sequence: Some(i64::try_from(commit).unwrap()),
        host_name: Some(format!("writer {writer}")),
        ..event(number, Some(&session), i64::try_from(number).unwrap())
    }
}

async fn write(location: Location, writer: u64, first: u64) {
    let archive = Archive::open(&location).await.unwrap();
    for commit in first..first + COMMITS {
        let rows: Vec<_> = (0..ROWS)
            .flat_map(|it| [row(writer, commit, it, true), row(writer, commit, it, false)])
            .collect();
        let app_id = format!("writer {writer}");
        let transaction = Transaction { app_id, version: i64::try_from(commit).unwrap() };
        let appended = archive.append(Table::Events, vec![batch(&rows)], Some(transaction)).await;
        assert!(matches!(appended.unwrap(), Appended::Committed { .. }));
    }
}

async fn compact_until(location: Location, end: Arc<AtomicBool>) -> u64 {
    let archive = Archive::open(&location).await.unwrap();
    let mut commits = 0;
    while !end.load(Ordering::Relaxed) {
        let mut go_on = |_| ControlFlow::Continue(());
        let done = archive.compact(Table::Events, &CompactOptions::ALL, &mut go_on).await.unwrap();
        commits += done.commits;
        tokio::task::yield_now().await;
    }
    commits
}

/// Removes the old day again and again, and deletes what that and compaction leave on disk.
async fn retain_until(location: Location, end: Arc<AtomicBool>) {
    let archive = Archive::open(&location).await.unwrap();
    let today = NaiveDate::from_ymd_opt(2026, 3, 5).unwrap();
    while !end.load(Ordering::Relaxed) {
        match archive.retain(Table::Events, today, false).await {
            Ok(_) | Err(Error::Overtaken { .. }) => {}
            Err(error) => assert_eq!(error.to_string(), "", "retention"),
        }
        // Readers that began less than two seconds ago still find their files.
        let replaced_for = Some(Duration::from_secs(2));
        let options = CleanOptions { replaced_for, ..CleanOptions::default() };
        archive.clean(Table::Events, &options).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Reads again and again; every answer is the state after a number of whole commits.
async fn read_until(location: Location, end: Arc<AtomicBool>) -> u64 {
    let archive = Archive::open(&location).await.unwrap();
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut reads = 0;
    while !end.load(Ordering::Relaxed) {
        let mut commits: BTreeMap<(bool, String, u64), u64> = BTreeMap::new();
        let columns = ["received_time", "host_name", "sequence", "event_id"];
        for row in events(&archive, ScanRequest::new(Table::Events).columns(columns)).await {
            let old = row.received_time < Some(DAY);
            let commit = u64::try_from(row.sequence.unwrap()).unwrap();
            *commits.entry((old, row.host_name.unwrap(), commit)).or_default() += 1;
        }
        assert!(commits.values().all(|rows| *rows == ROWS), "a part of a commit: {commits:?}");
        for writer in 0..WRITERS {
            let name = format!("writer {writer}");
            let kept: Vec<_> = commits
                .keys()
                .filter(|(old, writer, _)| !old && *writer == name)
                .map(|(_, _, commit)| *commit)
                .collect();
            let expected: Vec<_> = (1..=kept.len() as u64).collect();
            assert_eq!(kept, expected, "every commit up to some point");
            let before = seen.insert(name, kept.len() as u64).unwrap_or_default();
            assert!(before <= kept.len() as u64, "what was seen once stays");
        }
        reads += 1;
    }
    reads
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_at_once_loses_and_doubles_nothing_and_readers_see_whole_commits() {
    let place = Place::new();
    place.archive().await;
    let location = || place.location.clone();
    let (mut compactions, mut reads) = (0, 0);
    for round in 0..ROUNDS {
        let end = Arc::new(AtomicBool::new(false));
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write(location(), writer, 1 + round * COMMITS));
        }
        let compactors: Vec<_> =
            (0..2).map(|_| tokio::spawn(compact_until(location(), Arc::clone(&end)))).collect();
        let readers: Vec<_> =
            (0..2).map(|_| tokio::spawn(read_until(location(), Arc::clone(&end)))).collect();
        let retention = tokio::spawn(retain_until(location(), Arc::clone(&end)));
        while let Some(written) = writers.join_next().await {
            written.unwrap();
        }
        end.store(true, Ordering::Relaxed);
        for task in compactors {
            compactions += task.await.unwrap();
        }
        for task in readers {
            reads += task.await.unwrap();
        }
        retention.await.unwrap();
        let archive = Archive::open(&place.location).await.unwrap();
        let today = NaiveDate::from_ymd_opt(2026, 3, 5).unwrap();
        archive.retain(Table::Events, today, false).await.unwrap();
        let mut expected: Vec<_> = (0..WRITERS)
            .flat_map(|writer| {
                (1..=(round + 1) * COMMITS)
                    .flat_map(move |commit| (0..ROWS).map(move |it| row(writer, commit, it, false)))
            })
            .collect();
        expected.sort_by_key(|row| (row.session_id.clone(), row.time_unix_nano));
        let mut scan = archive.scan(ScanRequest::new(Table::Events)).await.unwrap();
        let found = rows::rows_of(&mut scan).await;
        assert!(found == expected, "round {round}: {} of {}", found.len(), expected.len());
        assert_eq!(scan.statistics().copies_dropped, 0, "no row lies there twice");
    }
    assert!(compactions > 0 && reads > 0, "{compactions} compactions, {reads} reads");
    let archive = Archive::open(&place.location).await.unwrap();
    let checked = archive.check(Table::Events, &mut |_| ControlFlow::Continue(())).await.unwrap();
    assert_eq!(checked.findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_goes_in_although_its_day_is_removed_meanwhile() {
    let place = Place::new();
    let (one, other) = (place.archive().await, place.archive().await);
    let old = |number| row(1, number, 0, true);
    for number in 1..=3 {
        one.append(Table::Events, vec![batch(&[old(number)])], None).await.unwrap();
    }
    let today = NaiveDate::from_ymd_opt(2026, 3, 5).unwrap();
    // The other handle's snapshot is older than the removal.
    let removed = other.retain(Table::Events, today, false).await.unwrap();
    assert_eq!(removed.files, 3);
    let appended = one.append(Table::Events, vec![batch(&[old(4)])], None).await.unwrap();
    assert!(matches!(appended, Appended::Committed { rows: 1, .. }));
    assert_eq!(events(&other, ScanRequest::new(Table::Events)).await, [old(4)]);
}
