//! What compaction guarantees.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod rows;

use std::ops::ControlFlow;
use std::sync::Arc;

use blotter_archive::{Appended, Archive, CompactOptions, Predicate, ScanRequest, Transaction};
use blotter_schemas::tables::{Event, Table};

use crate::rows::{DAY, DAY_LENGTH, Place, append_each, batch, compact, event, events, rows_of};

fn all() -> ScanRequest {
    ScanRequest::new(Table::Events)
}

/// Rows of many sessions, those of each append spread over all of them.
fn spread(appends: u64, rows: u64) -> Vec<Vec<Event>> {
    let row = |append: u64, row: u64| {
        let number = append * rows + row;
        let session = format!("session {:03}", number % 37);
        event(number, Some(&session), i64::try_from(number).unwrap())
    };
    (0..appends).map(|append| (0..rows).map(|it| row(append, it)).collect()).collect()
}

async fn append_all(archive: &Archive, parts: &[Vec<Event>]) {
    for part in parts {
        append_each(archive, &[part]).await;
    }
}

/// Compacts, and while the first files are being rewritten does something else.
async fn compact_while(
    archive: &Archive,
    mut meanwhile: impl FnMut() + Send,
) -> blotter_archive::Compacted {
    let mut first = true;
    let mut progress = |_| {
        if std::mem::take(&mut first) {
            meanwhile();
        }
        ControlFlow::Continue(())
    };
    archive.compact(Table::Events, &CompactOptions::ALL, &mut progress).await.unwrap()
}

/// Runs a future to its end from within another, on a runtime with several threads.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(future))
}

#[tokio::test]
async fn many_small_files_become_one_with_the_same_rows_in_the_same_order() {
    let place = Place::new();
    let archive = place.archive().await;
    append_all(&archive, &spread(20, 500)).await;
    let before = events(&archive, all()).await;
    let compacted = compact(&archive).await;
    assert_eq!((compacted.commits, compacted.files_before, compacted.files_after), (1, 20, 1));
    assert_eq!((compacted.rows, compacted.copies_dropped, compacted.lost), (10_000, 0, 0));
    assert!(compacted.bytes_after < compacted.bytes_before);
    let fresh = Archive::open(&place.location).await.unwrap();
    for archive in [&archive, &fresh] {
        let mut scan = archive.scan(all()).await.unwrap();
        assert!(rows_of(&mut scan).await == before);
        assert_eq!(scan.statistics().files_total, 1);
    }
    assert_eq!(place.data_files(Table::Events).len(), 21, "readers may still need the old ones");
    assert_eq!(
        compact(&archive).await,
        blotter_archive::Compacted::default(),
        "nothing is left to do"
    );
}

#[tokio::test]
async fn what_compaction_writes_can_be_skipped_as_what_appends_write() {
    let place = Place::new();
    let archive = place.archive().await;
    append_all(&archive, &spread(8, 5_000)).await;
    compact(&archive).await;
    let find = async |predicate| {
        let mut scan = archive.scan(all().filter(predicate)).await.unwrap();
        let rows = rows_of(&mut scan).await;
        (rows, scan.statistics())
    };
    let (rows, statistics) = find(Predicate::equals("session_id", "session 011")).await;
    assert_eq!(rows.len(), 1_081);
    assert!(statistics.rows_read < 8_000, "page index: {statistics:?}");
    let (rows, statistics) = find(Predicate::equals("session_id", "session 0115")).await;
    assert!(rows.is_empty());
    assert_eq!(statistics.row_groups_read, 0, "Bloom filter: {statistics:?}");
    let (rows, statistics) = find(Predicate::equals("time_unix_nano", -1)).await;
    assert!(rows.is_empty());
    assert_eq!(statistics.files_read, 0, "statistics of the log: {statistics:?}");
}

#[tokio::test]
async fn days_stay_apart() {
    let place = Place::new();
    let archive = place.archive().await;
    let received = |number, day| Event {
        received_time: Some(DAY + day * DAY_LENGTH),
        ..event(number, Some("s"), 7)
    };
    for number in 0..6 {
        append_each(&archive, &[&[received(number, 0), received(number + 100, 1)]]).await;
    }
    let compacted = compact(&archive).await;
    assert_eq!((compacted.commits, compacted.files_before, compacted.files_after), (2, 12, 2));
    assert_eq!(events(&archive, all()).await.len(), 12);
}

#[tokio::test]
async fn copies_are_dropped_counted_and_written_down_and_the_first_receipt_is_kept() {
    let place = Place::new();
    let archive = place.archive().await;
    let copy = |number, received, position| Event {
        received_time: Some(DAY + received),
        journal_position: Some(position),
        collector_id: Some("c".to_owned()),
        ..event(number, Some("s"), 7)
    };
    let kept: Vec<_> = (0..50).map(|number| copy(number, 1, 100 + number as i64)).collect();
    let again: Vec<_> = (0..50).map(|number| copy(number, 2, 10 + number as i64)).collect();
    append_each(&archive, &[&again, &kept, &[event(0, Some("other"), 7)]]).await;
    let before = events(&archive, all()).await;
    let compacted = compact(&archive).await;
    assert_eq!((compacted.rows, compacted.copies_dropped), (51, 50));
    let mut scan = archive.scan(all()).await.unwrap();
    let rows = rows_of(&mut scan).await;
    assert_eq!(rows, before);
    assert_eq!(rows.iter().filter(|row| row.received_time == Some(DAY + 1)).count(), 50);
    assert_eq!(scan.statistics().copies_dropped, 0, "none is left in the file");
    // Where the dropped ones were acknowledged stays known, through further rewrites.
    append_each(&archive, &[&[copy(3, 3, 60)]]).await;
    assert_eq!(compact(&archive).await.copies_dropped, 1);
    let newest = place
        .data_files(Table::Events)
        .into_iter()
        .max_by_key(|file| std::fs::metadata(file).unwrap().modified().unwrap())
        .unwrap();
    let footer = std::fs::read(newest).unwrap();
    let footer = String::from_utf8_lossy(&footer);
    assert!(footer.contains(r#"{"c":[[10,60]]}"#), "the note in the footer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_compactions_of_the_same_files_one_is_thrown_away_whole() {
    let place = Place::new();
    let (one, other) = (place.archive().await, place.archive().await);
    append_all(&one, &spread(10, 50)).await;
    let before = events(&one, all()).await;
    let mut faster = None;
    let slower = compact_while(&one, || faster = Some(at_once(compact(&other)))).await;
    let faster = faster.unwrap();
    assert_eq!((faster.commits, faster.lost), (1, 0));
    assert_eq!((slower.commits, slower.lost), (0, 1), "it says so");
    assert_eq!(place.data_files(Table::Events).len(), 11, "and leaves nothing");
    assert_eq!(events(&place.archive().await, all()).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_meanwhile_neither_waits_nor_stands_in_the_way() {
    let place = Place::new();
    let (one, other) = (place.archive().await, Arc::new(place.archive().await));
    append_all(&one, &spread(10, 50)).await;
    let late = [event(900_000, Some("late"), 3)];
    let compacted = compact_while(&one, || {
        let transaction = Some(Transaction { app_id: "c".to_owned(), version: 5 });
        let rows = vec![batch(&late)];
        let appended = at_once(other.append(Table::Events, rows, transaction));
        assert!(matches!(appended.unwrap(), Appended::Committed { rows: 1, .. }));
    })
    .await;
    assert_eq!(compacted.lost, 0);
    let rows = events(&place.archive().await, all()).await;
    assert_eq!(rows.len(), 501);
    assert!(rows.contains(&late[0]));
}

#[tokio::test]
async fn told_to_stop_it_leaves_nothing_that_was_not_committed() {
    let place = Place::new();
    let archive = place.archive().await;
    append_all(&archive, &spread(10, 500)).await;
    let before = events(&archive, all()).await;
    let mut calls = 0;
    let mut stop = |_| {
        calls += 1;
        if calls > 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let compacted = archive.compact(Table::Events, &CompactOptions::ALL, &mut stop).await.unwrap();
    assert!(compacted.stopped);
    assert_eq!(compacted.commits, 0);
    assert_eq!(place.data_files(Table::Events).len(), 10);
    assert_eq!(events(&archive, all()).await, before);
}

#[tokio::test]
async fn in_tiers_a_large_file_is_not_rewritten_for_every_small_one() {
    let place = Place::new();
    let archive = place.archive().await;
    let options = CompactOptions { least_files: 4, tiered: true };
    let mut rewritten = 0;
    for part in spread(32, 20) {
        append_each(&archive, &[&part]).await;
        let mut go_on = |_| ControlFlow::Continue(());
        rewritten +=
            archive.compact(Table::Events, &options, &mut go_on).await.unwrap().files_before;
    }
    let mut scan = archive.scan(all()).await.unwrap();
    assert_eq!(rows_of(&mut scan).await.len(), 32 * 20);
    assert!(scan.statistics().files_total < 8, "{:?}", scan.statistics());
    assert!(rewritten >= 28, "{rewritten} files were gathered");
}

#[tokio::test]
async fn every_table_can_be_compacted() {
    let location = blotter_archive::Location::parse("memory:///compacted").unwrap();
    let archive = Archive::open_or_create(&location).await.unwrap();
    for table in Table::ALL {
        let mut go_on = |_| ControlFlow::Continue(());
        let done = archive.compact(table, &CompactOptions::ALL, &mut go_on).await.unwrap();
        assert_eq!(done, blotter_archive::Compacted::default(), "an empty table");
        for version in 1..=3_i64 {
            let rows = one_row(table, version);
            archive.append(table, vec![rows], None).await.unwrap();
        }
        let done = archive.compact(table, &CompactOptions::ALL, &mut go_on).await.unwrap();
        assert_eq!((done.files_before, done.files_after, done.rows), (3, 1, 3), "{table}");
    }
}

fn one_row(table: Table, number: i64) -> arrow_array::RecordBatch {
    use blotter_schemas::tables::{MetricPoint, Row as _, Span};
    let event_id = [u8::try_from(number).unwrap(); 16];
    let received_time = Some(DAY);
    match table {
        Table::Events => batch(&[event(u64::try_from(number).unwrap(), Some("s"), number)]),
        Table::Spans => {
            Span::to_batch(&[Span { event_id, received_time, ..Span::default() }]).unwrap()
        }
        Table::Metrics => {
            MetricPoint::to_batch(&[MetricPoint { event_id, received_time, ..Default::default() }])
                .unwrap()
        }
    }
}
