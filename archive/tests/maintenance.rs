//! What retention, cleaning, counting and checking guarantee.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod rows;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, SystemTime};

use blotter_archive::{
    Amount, Archive, Checked, CleanOptions, Cleaned, FindingKind, Retained, ScanRequest,
};
use blotter_schemas::tables::{Event, Table};
use chrono::NaiveDate;

use crate::rows::{DAY, DAY_LENGTH, Place, append_each, compact, event, events, rows_of};

fn all() -> ScanRequest {
    ScanRequest::new(Table::Events)
}

fn march(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
}

/// An event that was received so many days after the fifth of March.
fn received(number: u64, day: i64) -> Event {
    let session = format!("s{}", number % 3);
    let received_time = Some(DAY + day * DAY_LENGTH);
    Event { received_time, ..event(number, Some(&session), number as i64) }
}

async fn check(archive: &Archive) -> Checked {
    archive.check(Table::Events, &mut |_| ControlFlow::Continue(())).await.unwrap()
}

/// What a check finds: kinds and files.
async fn found(archive: &Archive) -> Vec<(FindingKind, String)> {
    let findings = check(archive).await.findings.into_iter();
    findings.map(|it| (it.kind, it.file.unwrap_or_default())).collect()
}

fn make_old(file: &Path) {
    let long_ago = SystemTime::now() - Duration::from_secs(3 * 86_400);
    fs::File::options().write(true).open(file).unwrap().set_modified(long_ago).unwrap();
}

/// Deletes what was replaced at once, as if the table's retention were over.
async fn clean_now(archive: &Archive) -> Cleaned {
    let options = CleanOptions { replaced_for: Some(Duration::ZERO), ..CleanOptions::default() };
    archive.clean(Table::Events, &options).await.unwrap()
}

#[tokio::test]
async fn retention_removes_whole_days_and_nothing_else() {
    let place = Place::new();
    let archive = place.archive().await;
    for day in -2..=1 {
        append_each(&archive, &[&[received(1, day)], &[received(2, day), received(3, day)]]).await;
    }
    let before = events(&archive, all()).await;
    let would = archive.retain(Table::Events, march(5), true).await.unwrap();
    assert_eq!(would.days, [march(3), march(4)]);
    assert_eq!((would.files, would.rows), (4, 6));
    assert_eq!(events(&archive, all()).await, before, "a dry run changes nothing");
    let removed = archive.retain(Table::Events, march(5), false).await.unwrap();
    assert_eq!(removed, would);
    let kept = events(&place.archive().await, all()).await;
    assert!(kept.iter().all(|row| row.received_time >= Some(DAY)));
    // Every event lies in four days as a copy of itself, and one of each is shown.
    assert_eq!(kept.len(), 3);
    let again = archive.retain(Table::Events, march(5), false).await.unwrap();
    assert_eq!(again, Retained::default());
}

#[tokio::test]
async fn a_removed_file_stays_for_readers_that_began_before_and_then_goes() {
    let place = Place::new();
    let archive = place.archive().await;
    let rows: Vec<_> = (0..60_000).map(|number| received(number, 0)).collect();
    for part in rows.chunks(15_000) {
        append_each(&archive, &[part]).await;
    }
    let expected = events(&archive, all()).await;
    let mut scan = archive.scan(all()).await.unwrap();
    let first = scan.next().await.unwrap().unwrap();
    compact(&archive).await;
    let cleaned = archive.clean(Table::Events, &CleanOptions::default()).await.unwrap();
    assert_eq!((cleaned.replaced.files, cleaned.waiting.files), (0, 4));
    let mut read = <Event as blotter_schemas::tables::Row>::from_batch(&first).unwrap();
    read.extend(rows_of(&mut scan).await);
    assert!(read == expected, "a snapshot is read to its end");
    let mut late = archive.scan(all()).await.unwrap();
    assert_eq!(clean_now(&archive).await.replaced.files, 4);
    assert_eq!(place.data_files(Table::Events).len(), 1);
    assert!(rows_of(&mut late).await == expected);
    assert_eq!(clean_now(&archive).await, Cleaned::default());
}

#[tokio::test]
async fn only_old_files_that_no_log_entry_names_are_orphans() {
    let place = Place::new();
    let archive = place.archive().await;
    append_each(&archive, &[&[received(1, 0)], &[received(2, 0)]]).await;
    let files = place.data_files(Table::Events);
    let folder = files[0].parent().unwrap().to_owned();
    let orphan = |name: &str| {
        let path = folder.join(name);
        fs::copy(&files[0], &path).unwrap();
        path
    };
    // An append writes its files first and commits then: one of them must never be deleted.
    let in_flight = orphan("part-in-flight.parquet");
    let left = [orphan("part-left.parquet"), orphan("part-unfinished.parquet#123")];
    for file in files.iter().chain(&left) {
        make_old(file);
    }
    let size = fs::metadata(&files[0]).unwrap().len();
    let dry = CleanOptions { dry_run: true, ..CleanOptions::default() };
    let one = Amount { files: 1, bytes: size };
    let expected = Cleaned { orphans: one, unfinished: one, ..Cleaned::default() };
    assert_eq!(archive.clean(Table::Events, &dry).await.unwrap(), expected);
    assert!(left.iter().all(|file| file.exists()), "a dry run deletes nothing");
    assert_eq!(archive.stat(Table::Events).await.unwrap().orphans, one);
    let name = "received_date=2026-03-05/part-left.parquet".to_owned();
    assert_eq!(found(&archive).await, [(FindingKind::Orphan, name)]);
    assert_eq!(archive.clean(Table::Events, &CleanOptions::default()).await.unwrap(), expected);
    assert!(!left.iter().any(|file| file.exists()));
    assert!(in_flight.exists() && files.iter().all(|file| file.exists()));
    assert_eq!(found(&archive).await, []);
}

#[tokio::test]
async fn the_counts_are_those_of_what_was_done() {
    let place = Place::new();
    let archive = place.archive().await;
    let empty = archive.stat(Table::Spans).await.unwrap();
    assert_eq!(
        (empty.version, empty.data, empty.days, empty.maintenance),
        (0, Amount::default(), None, 0)
    );
    for number in 0..5 {
        append_each(&archive, &[&[received(number, 0), received(number + 100, 1)]]).await;
    }
    let before = archive.stat(Table::Events).await.unwrap();
    assert_eq!((before.version, before.data.files, before.rows), (5, 10, 10));
    assert_eq!(before.days, Some((march(5), march(6), 2)));
    assert_eq!((before.small.files, before.small_groups), (10, 2));
    assert_eq!(before.sizes[0], (64 << 10, 10));
    assert_eq!((before.log_versions, before.log_oldest, before.checkpoint), (6, Some(0), None));
    compact(&archive).await;
    let after = archive.stat(Table::Events).await.unwrap();
    assert_eq!((after.version, after.data.files, after.rows), (7, 2, 10));
    assert_eq!((after.small.files, after.replaced.files, after.maintenance), (0, 10, 2));
    assert_eq!(after.replaced.bytes, before.data.bytes);
}

#[tokio::test]
async fn a_sound_table_has_no_findings_before_and_after_compaction() {
    let place = Place::new();
    let archive = place.archive().await;
    for part in 0..4 {
        let rows: Vec<_> = (0..3_000)
            .map(|row| Event {
                tool_name: (row % 3 > 0).then(|| "ü".repeat(row as usize % 40)),
                cost_usd: Some(0.5),
                success: Some(row % 2 == 0),
                observed_time: Some(-DAY - row as i64),
                ..received(part * 3_000 + row, 0)
            })
            .collect();
        append_each(&archive, &[&rows]).await;
    }
    let checked = check(&archive).await;
    assert_eq!((checked.files, checked.rows, checked.unsorted_files), (4, 12_000, 0));
    assert_eq!(checked.findings, []);
    compact(&archive).await;
    let checked = check(&archive).await;
    assert_eq!((checked.files, checked.rows, checked.findings.len()), (1, 12_000, 0));
    let mut stop = |_| ControlFlow::Break(());
    assert!(archive.check(Table::Events, &mut stop).await.unwrap().stopped);
}

#[tokio::test]
async fn damage_is_found_and_named() {
    let place = Place::new();
    let archive = place.archive().await;
    let rows: Vec<_> = (0..2_000).map(|number| received(number, 0)).collect();
    append_each(&archive, &[&rows]).await;
    let file = place.data_files(Table::Events).remove(0);
    let name = format!("received_date=2026-03-05/{}", file.file_name().unwrap().to_str().unwrap());
    let good = fs::read(&file).unwrap();
    let mut turned = good.clone();
    // The pages with the values lie first, what finds them faster behind.
    for byte in turned.iter_mut().take(good.len() / 4).skip(64).step_by(97) {
        *byte ^= 0x40;
    }
    let mut headless = good.clone();
    let end = good.len();
    headless[end - 8..].fill(0);
    for (bytes, kind) in [
        (&turned, FindingKind::Unreadable),
        (&headless, FindingKind::Unreadable),
        (&good[..end - 1].to_vec(), FindingKind::WrongSize),
    ] {
        fs::write(&file, bytes).unwrap();
        assert_eq!(found(&archive).await, [(kind, name.clone())]);
    }
    fs::remove_file(&file).unwrap();
    assert_eq!(found(&archive).await, [(FindingKind::MissingFile, name)]);
    fs::write(&file, &good).unwrap();
    assert_eq!(found(&archive).await, []);
}

#[tokio::test]
async fn a_log_that_says_what_is_not_so_is_found() {
    let place = Place::new();
    let archive = place.archive().await;
    let rows: Vec<_> = (0..100).map(|number| received(number, 0)).collect();
    append_each(&archive, &[&rows]).await;
    let entry = place.folder.path().join("an archive/events/_delta_log/00000000000000000001.json");
    let good = fs::read_to_string(&entry).unwrap();
    for (from, to, kind) in [
        (r#"\"numRecords\":100"#, r#"\"numRecords\":101"#, FindingKind::WrongRows),
        (r#"\"time_unix_nano\":99"#, r#"\"time_unix_nano\":98"#, FindingKind::WrongStatistics),
        (r#"\"session_id\":\"s0\""#, r#"\"session_id\":\"s1\""#, FindingKind::WrongStatistics),
        (r#"\"model\":100"#, r#"\"model\":99"#, FindingKind::WrongStatistics),
    ] {
        assert!(good.contains(from), "{from} in {good}");
        fs::write(&entry, good.replacen(from, to, 1)).unwrap();
        let kinds: Vec<_> = found(&Archive::open(&place.location).await.unwrap())
            .await
            .into_iter()
            .map(|it| it.0)
            .collect();
        assert_eq!(kinds, [kind], "{to}");
    }
}

#[tokio::test]
async fn rows_out_of_order_are_found() {
    let place = Place::new();
    let archive = place.archive().await;
    append_each(&archive, &[&[received(1, 0)]]).await;
    let good = place.data_files(Table::Events).remove(0);
    // The same notes over rows the other way round, as a broken writer would leave them.
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(
        fs::File::open(&good).unwrap(),
    )
    .unwrap();
    let notes = reader.metadata().file_metadata().key_value_metadata().cloned();
    let rows = crate::rows::batch(&[received(9, 0), received(3, 0)]);
    let properties = parquet::file::properties::WriterProperties::builder()
        .set_key_value_metadata(notes)
        .build();
    let mut bytes = Vec::new();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let entry = place.folder.path().join("an archive/events/_delta_log/00000000000000000001.json");
    let log = fs::read_to_string(&entry).unwrap();
    let size = format!("\"size\":{}", fs::metadata(&good).unwrap().len());
    assert!(log.contains(&size));
    let mut lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &mut lines {
        if let Some(add) = line.get_mut("add").and_then(serde_json::Value::as_object_mut) {
            add.insert("size".to_owned(), bytes.len().into());
            add.remove("stats");
        }
    }
    let log: Vec<_> = lines.iter().map(ToString::to_string).collect();
    fs::write(&entry, log.join("\n")).unwrap();
    fs::write(&good, bytes).unwrap();
    let archive = Archive::open(&place.location).await.unwrap();
    let kinds: Vec<_> = found(&archive).await.into_iter().map(|it| it.0).collect();
    assert_eq!(kinds, [FindingKind::OutOfOrder]);
}

#[tokio::test]
async fn copies_are_a_finding_until_compaction_drops_them() {
    let place = Place::new();
    let archive = place.archive().await;
    append_each(&archive, &[&[received(1, 0), received(2, 0)], &[received(2, 0)]]).await;
    assert_eq!(found(&archive).await, [(FindingKind::Copies, String::new())]);
    compact(&archive).await;
    assert_eq!(found(&archive).await, []);
}
