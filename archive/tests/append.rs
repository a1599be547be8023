//! What appending guarantees.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod rows;

use blotter_archive::{Appended, Archive, Error, Location, ScanRequest, Transaction};
use blotter_schemas::tables::{Event, Row as _, Table};

use crate::rows::{DAY, DAY_LENGTH, Place, batch, event, events};

fn transaction(app_id: &str, version: i64) -> Option<Transaction> {
    Some(Transaction { app_id: app_id.to_owned(), version })
}

async fn count(archive: &Archive) -> usize {
    events(archive, ScanRequest::new(Table::Events).columns(["event_id"])).await.len()
}

#[tokio::test]
async fn where_there_is_no_archive_the_error_names_the_place() {
    let place = Place::new();
    let error = Archive::open(&place.location).await.unwrap_err();
    assert!(matches!(&error, Error::NotFound { .. }), "{error}");
    assert!(error.to_string().contains("an archive"), "{error}");
    assert!(!place.folder.path().join("an archive").exists(), "looking creates nothing");
}

#[tokio::test]
async fn rows_come_back_whole_through_another_handle() {
    let place = Place::new();
    let written = Event {
        origin_id: Some([7; 16]),
        success: Some(true),
        cost_usd: Some(0.25),
        observed_time: Some(DAY + 5),
        observed_time_unix_nano: Some((DAY + 5) * 1000),
        text: Some("ein Wort, 好".to_owned()),
        tokens_input: Some(i64::MAX),
        ..event(1, Some("s"), DAY * 1000 + 7)
    };
    let appended = place
        .archive()
        .await
        .append(Table::Events, vec![batch(std::slice::from_ref(&written))], None)
        .await;
    assert!(matches!(
        appended.unwrap(),
        Appended::Committed { rows: 1, files: 1, table_version: 1, .. }
    ));
    let archive = Archive::open(&place.location).await.unwrap();
    assert_eq!(events(&archive, ScanRequest::new(Table::Events)).await, [written]);
}

#[tokio::test]
async fn a_url_with_a_registered_factory_holds_an_archive_as_a_folder_does() {
    let location = Location::parse("memory:///somewhere").unwrap();
    let archive = Archive::open_or_create(&location).await.unwrap();
    let rows = [event(1, Some("s"), 5), event(2, Some("s"), 6)];
    archive.append(Table::Events, vec![batch(&rows)], transaction("c", 2)).await.unwrap();
    assert_eq!(events(&archive, ScanRequest::new(Table::Events)).await, rows);
    assert_eq!(archive.transaction_version(Table::Events, "c").await.unwrap(), Some(2));
}

#[tokio::test]
async fn rows_lie_under_the_date_on_which_they_were_received() {
    let place = Place::new();
    let received = |number, received_time| Event { received_time, ..event(number, Some("s"), 0) };
    let rows = [
        received(1, Some(DAY)),
        received(2, Some(DAY - 1)),
        received(3, Some(DAY + DAY_LENGTH - 1)),
        received(4, None),
    ];
    let archive = place.archive().await;
    archive.append(Table::Events, vec![batch(&rows)], None).await.unwrap();
    let folder = place.folder.path().join("an archive/events");
    let mut dates: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("received_date="))
        .collect();
    dates.sort();
    assert_eq!(dates[..2], ["received_date=2026-03-04", "received_date=2026-03-05"]);
    assert_eq!(dates.len(), 3, "rows that do not say when lie under the date of the append");
    assert_eq!(count(&archive).await, 4);
}

#[tokio::test]
async fn two_writers_at_once_lose_nothing() {
    let place = Place::new();
    place.archive().await;
    let mut writers = Vec::new();
    for writer in 0..2_u64 {
        let location = place.location.clone();
        writers.push(tokio::spawn(async move {
            let archive = Archive::open(&location).await.unwrap();
            for version in 1..=8_u64 {
                let number = writer * 100 + version;
                let rows = batch(&[event(number, Some("s"), i64::try_from(number).unwrap())]);
                let transaction =
                    transaction(&format!("collector {writer}"), i64::try_from(version).unwrap());
                let appended = archive.append(Table::Events, vec![rows], transaction).await;
                assert!(matches!(appended.unwrap(), Appended::Committed { rows: 1, .. }));
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let archive = Archive::open(&place.location).await.unwrap();
    assert_eq!(count(&archive).await, 16);
    for writer in ["collector 0", "collector 1"] {
        let version = archive.transaction_version(Table::Events, writer).await.unwrap();
        assert_eq!(version, Some(8));
    }
}

#[tokio::test]
async fn a_replay_adds_nothing_through_the_same_handle_or_another() {
    let place = Place::new();
    let rows = || vec![batch(&[event(1, Some("s"), 1), event(2, Some("s"), 2)])];
    let first = place.archive().await;
    assert_eq!(first.transaction_version(Table::Events, "c").await.unwrap(), None);
    first.append(Table::Events, rows(), transaction("c", 500)).await.unwrap();
    let second = place.archive().await;
    assert_eq!(second.transaction_version(Table::Events, "c").await.unwrap(), Some(500));
    assert_eq!(second.transaction_version(Table::Events, "d").await.unwrap(), None);
    assert_eq!(second.transaction_version(Table::Spans, "c").await.unwrap(), None);
    for (archive, version) in [(&first, 500), (&second, 500), (&place.archive().await, 499)] {
        let replayed = archive.append(Table::Events, rows(), transaction("c", version)).await;
        let expected = Appended::AlreadyCommitted { transaction_version: 500 };
        assert_eq!(replayed.unwrap(), expected);
    }
    let mut scan = first.scan(ScanRequest::new(Table::Events)).await.unwrap();
    scan.collect().await.unwrap();
    assert_eq!(scan.statistics().files_total, 1);
    assert_eq!(first.transaction_version(Table::Events, "c").await.unwrap(), Some(500));
}

#[tokio::test]
async fn of_two_that_commit_one_position_at_once_the_second_is_told() {
    let place = Place::new();
    let (one, other) = (place.archive().await, place.archive().await);
    // Both have looked up the position before either commits.
    for archive in [&one, &other] {
        let rows = vec![batch(&[event(0, None, 0)])];
        archive.append(Table::Spans, vec![], transaction("c", 1)).await.unwrap();
        archive.append(Table::Events, rows, None).await.unwrap();
        assert_eq!(archive.transaction_version(Table::Events, "c").await.unwrap(), None);
    }
    let rows = || vec![batch(&[event(1, Some("s"), 1)])];
    let (one, other) = tokio::join!(
        one.append(Table::Events, rows(), transaction("c", 7)),
        other.append(Table::Events, rows(), transaction("c", 7)),
    );
    let told = [one.unwrap(), other.unwrap()];
    let committed = told.iter().filter(|told| matches!(told, Appended::Committed { .. })).count();
    assert_eq!(committed, 1, "{told:?}");
    assert!(told.contains(&Appended::AlreadyCommitted { transaction_version: 7 }), "{told:?}");
    let archive = place.archive().await;
    let mut scan = archive.scan(ScanRequest::new(Table::Events)).await.unwrap();
    scan.collect().await.unwrap();
    assert_eq!(scan.statistics().rows_read, 3, "the refused rows are in no file of the table");
}

#[tokio::test]
async fn a_position_without_rows_is_committed_too() {
    let place = Place::new();
    let archive = place.archive().await;
    let appended = archive.append(Table::Spans, vec![], transaction("c", 9)).await.unwrap();
    assert!(matches!(appended, Appended::Committed { rows: 0, files: 0, .. }), "{appended:?}");
    assert_eq!(archive.transaction_version(Table::Spans, "c").await.unwrap(), Some(9));
    let nothing = archive.append(Table::Spans, vec![], None).await.unwrap();
    assert_eq!(nothing, Appended::Nothing);
}

#[tokio::test]
async fn more_commits_than_lie_between_checkpoints_lose_nothing() {
    let place = Place::new();
    let archive = place.archive().await;
    for version in 1..=120_i64 {
        let rows = batch(&[event(u64::try_from(version).unwrap(), Some("s"), version)]);
        archive.append(Table::Events, vec![rows], transaction("c", version)).await.unwrap();
    }
    let log = place.folder.path().join("an archive/events/_delta_log");
    let checkpoints = std::fs::read_dir(log)
        .unwrap()
        .filter(|entry| {
            entry.as_ref().unwrap().file_name().to_str().unwrap().ends_with(".checkpoint.parquet")
        })
        .count();
    assert_eq!(checkpoints, 1);
    let fresh = Archive::open(&place.location).await.unwrap();
    assert_eq!(fresh.transaction_version(Table::Events, "c").await.unwrap(), Some(120));
    assert_eq!(count(&fresh).await, 120);
}

#[tokio::test]
async fn a_batch_of_another_table_is_refused_and_says_why() {
    let place = Place::new();
    let archive = place.archive().await;
    let rows = batch(&[event(1, Some("s"), 1)]);
    let error = archive.append(Table::Spans, vec![rows], None).await.unwrap_err();
    assert!(error.to_string().contains("spans"), "{error}");
    let error = archive
        .append(
            Table::Events,
            vec![Event::to_batch(&[]).unwrap().project(&[0]).unwrap()],
            transaction("c", 1),
        )
        .await
        .unwrap_err();
    assert!(error.to_string().contains("lacks column"), "{error}");
}

#[tokio::test]
async fn what_is_already_there_is_recognised_by_its_id() {
    let place = Place::new();
    let archive = place.archive().await;
    let there = [event(1, Some("s"), 10), event(2, Some("s"), 20), event(3, None, 30)];
    archive.append(Table::Events, vec![batch(&there)], None).await.unwrap();
    // The same record without a time of its own is stamped when it is received.
    let late = Event {
        time_unix_nano: Some(999),
        time_source: Some("received".to_owned()),
        ..there[2].clone()
    };
    let asked = [there[0].clone(), event(4, Some("s"), 20), late.clone()];
    let found = archive.existing_ids(Table::Events, &[batch(&asked)]).await.unwrap();
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort();
    let mut expected = vec![there[0].event_id, late.event_id];
    expected.sort();
    assert_eq!(found, expected);
    let found = archive.existing_ids(Table::Events, &[batch(&asked[..2])]).await.unwrap();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [there[0].event_id]);
    assert!(archive.existing_ids(Table::Events, &[]).await.unwrap().is_empty());
}
