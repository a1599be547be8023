//! Archives that an earlier version wrote.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod rows;

use std::ops::ControlFlow;
use std::path::Path;

use blotter_archive::{Archive, CompactOptions, Error, Predicate, ScanRequest};
use blotter_schemas::tables::{Event, MetricPoint, Row as _, Span, Table};
use deltalake_core::kernel::{DataType, StructField};
use deltalake_core::operations::create::CreateBuilder;

use crate::rows::{DAY, Place, append_each, compact, event, events};

fn all() -> ScanRequest {
    ScanRequest::new(Table::Events)
}

/// What `fixtures/first_schema` holds: written by the first version that had an archive, two commits
/// of events and one each of spans and metrics.
fn first_events() -> Vec<Event> {
    (1..=4)
        .map(|number| Event {
            tool_name: Some("shell".to_owned()),
            success: Some(number % 2 == 0),
            journal_position: Some(number as i64),
            collector_id: Some("first".to_owned()),
            ..event(number, Some("a session"), number as i64 * 10)
        })
        .collect()
}

fn first_span() -> Span {
    Span { event_id: [7; 16], received_time: Some(DAY), ..Span::default() }
}

fn first_point() -> MetricPoint {
    MetricPoint { event_id: [8; 16], received_time: Some(DAY), ..MetricPoint::default() }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test]
async fn an_archive_of_the_first_version_is_read_appended_to_and_compacted() {
    let place = Place::new();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/first_schema");
    copy(&fixture, &place.folder.path().join("an archive"));
    let reader = Archive::open(&place.location).await.unwrap();
    assert_eq!(events(&reader, all()).await, first_events());
    let archive = place.archive().await;
    assert_eq!(events(&archive, all()).await, first_events());
    for table in Table::ALL {
        let checked = archive.check(table, &mut |_| ControlFlow::Continue(())).await.unwrap();
        assert_eq!(checked.findings, [], "{table}");
    }
    let new = event(5, Some("a session"), 50);
    append_each(&archive, &[std::slice::from_ref(&new)]).await;
    let spans = Span::to_batch(&[Span { event_id: [9; 16], ..first_span() }]).unwrap();
    archive.append(Table::Spans, vec![spans], None).await.unwrap();
    let point = MetricPoint { event_id: [9; 16], ..first_point() };
    let points = MetricPoint::to_batch(&[point]).unwrap();
    archive.append(Table::Metrics, vec![points], None).await.unwrap();
    let mut expected = first_events();
    expected.push(new);
    assert_eq!(events(&archive, all()).await, expected);
    for (table, files) in [(Table::Events, 3), (Table::Spans, 2), (Table::Metrics, 2)] {
        let mut go_on = |_| ControlFlow::Continue(());
        let done = archive.compact(table, &CompactOptions::ALL, &mut go_on).await.unwrap();
        assert_eq!((done.files_before, done.files_after), (files, 1), "{table}");
        let checked = archive.check(table, &mut go_on_check).await.unwrap();
        assert_eq!(checked.findings, [], "{table}");
    }
    assert_eq!(events(&place.archive().await, all()).await, expected);
    assert_eq!(events(&reader, all()).await, expected);
}

fn go_on_check(_: blotter_archive::CheckProgress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Creates the table of events with some columns less and others more.
async fn create(place: &Place, lacking: &[&str], more: &[&str]) {
    Archive::open_or_create(&place.location).await.unwrap();
    let folder = place.folder.path().join("an archive/events");
    let url = url::Url::from_directory_path(&folder).unwrap();
    let ours = deltalake_core::open_table(url.clone()).await.unwrap();
    let state = ours.snapshot().unwrap();
    let columns: Vec<_> = state
        .schema()
        .fields()
        .filter(|field| !lacking.contains(&field.name().as_str()))
        .cloned()
        .chain(more.iter().map(|name| StructField::nullable(*name, DataType::STRING)))
        .collect();
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    CreateBuilder::new()
        .with_location(url.as_str())
        .with_columns(columns)
        .with_partition_columns(["received_date"])
        .await
        .unwrap();
}

/// The names of the columns that other engines see.
async fn columns(place: &Place) -> Vec<String> {
    let folder = place.folder.path().join("an archive/events");
    let table = deltalake_core::open_table(url::Url::from_directory_path(folder).unwrap());
    let table = table.await.unwrap();
    table.snapshot().unwrap().schema().fields().map(|field| field.name().clone()).collect()
}

#[tokio::test]
async fn a_table_that_lacks_columns_gets_them_when_it_is_opened_for_writing() {
    let place = Place::new();
    create(&place, &["tenant", "tool_name", "severity"], &[]).await;
    let before = columns(&place).await;
    assert!(!before.contains(&"tool_name".to_owned()));
    Archive::open(&place.location).await.unwrap();
    assert_eq!(columns(&place).await, before, "a reader changes nothing");
    // Two that open it at the same time do not stand in each other's way.
    let (archive, other) = tokio::join!(place.archive(), place.archive());
    let after = columns(&place).await;
    assert_eq!(after[..before.len()], before, "what is there keeps its place");
    for name in ["tenant", "tool_name", "severity"] {
        assert_eq!(after.iter().filter(|column| *column == name).count(), 1, "{name}");
    }
    let row = Event { tool_name: Some("shell".to_owned()), ..event(1, Some("s"), 1) };
    append_each(&archive, &[std::slice::from_ref(&row)]).await;
    append_each(&other, &[&[event(2, Some("s"), 2)]]).await;
    let request = all().filter(Predicate::equals("tool_name", "shell"));
    assert_eq!(events(&other, request.clone()).await, std::slice::from_ref(&row));
    compact(&archive).await;
    assert_eq!(events(&other, request).await, [row]);
    let version = archive.stat(Table::Events).await.unwrap().version;
    place.archive().await;
    assert_eq!(archive.stat(Table::Events).await.unwrap().version, version, "it is done once");
}

#[tokio::test]
async fn an_append_goes_in_although_columns_are_added_meanwhile() {
    let place = Place::new();
    create(&place, &["tenant"], &[]).await;
    let old = Archive::open(&place.location).await.unwrap();
    append_each(&old, &[&[event(1, Some("s"), 1)]]).await;
    place.archive().await;
    append_each(&old, &[&[event(2, Some("s"), 2)]]).await;
    assert_eq!(events(&old, all()).await.len(), 2);
}

#[tokio::test]
async fn what_a_newer_version_wrote_is_not_rewritten_without_its_columns() {
    let place = Place::new();
    create(&place, &[], &["of_tomorrow"]).await;
    let archive = place.archive().await;
    append_each(&archive, &[&[event(1, Some("s"), 1)], &[event(2, Some("s"), 2)]]).await;
    let mut go_on = |_| ControlFlow::Continue(());
    let refused = archive.compact(Table::Events, &CompactOptions::ALL, &mut go_on).await;
    let error = refused.unwrap_err();
    assert!(matches!(&error, Error::NewerColumns { .. }), "{error}");
    assert!(error.to_string().contains("of_tomorrow"), "{error}");
    assert_eq!(events(&archive, all()).await.len(), 2, "reading and appending go on");
}
