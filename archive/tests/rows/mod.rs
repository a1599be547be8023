//! Rows for tests.

#![allow(dead_code, reason = "every test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::ops::ControlFlow;

use arrow_array::RecordBatch;
use blotter_archive::{Archive, CompactOptions, Compacted, Location, Scan, ScanRequest};
use blotter_schemas::tables::{Event, Row, Table};

/// 2026-03-05T00:00:00Z in microseconds.
pub const DAY: i64 = 1_772_668_800_000_000;
/// Microseconds of a day.
pub const DAY_LENGTH: i64 = 86_400_000_000;

/// An archive in a folder that lives as long as the test.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub location: Location,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("an archive");
        let location = Location::parse(path.to_str().unwrap()).unwrap();
        Self { folder, location }
    }

    pub async fn archive(&self) -> Archive {
        Archive::open_or_create(&self.location).await.unwrap()
    }
}

impl Place {
    /// The data files of a table that lie in its folder, referred to or not.
    pub fn data_files(&self, table: Table) -> Vec<std::path::PathBuf> {
        let folder = self.folder.path().join("an archive").join(table.name());
        let days = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = days
            .filter(|day| day.to_str().unwrap().contains("received_date="))
            .flat_map(|day| std::fs::read_dir(day).unwrap().map(|entry| entry.unwrap().path()))
            .collect();
        files.sort();
        files
    }
}

/// Gathers whatever can be gathered of the events.
pub async fn compact(archive: &Archive) -> Compacted {
    let mut go_on = |_| ControlFlow::Continue(());
    archive.compact(Table::Events, &CompactOptions::ALL, &mut go_on).await.unwrap()
}

/// Appends each of `parts` in a commit of its own.
pub async fn append_each(archive: &Archive, parts: &[&[Event]]) {
    for part in parts {
        archive.append(Table::Events, vec![batch(part)], None).await.unwrap();
    }
}

/// An event with an id of its own.
pub fn event(number: u64, session: Option<&str>, time_unix_nano: i64) -> Event {
    let mut event_id = [0; 16];
    event_id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    event_id[8..].copy_from_slice(&number.to_be_bytes());
    Event {
        event_id,
        session_id: session.map(str::to_owned),
        time: Some(time_unix_nano.div_euclid(1000)),
        time_unix_nano: Some(time_unix_nano),
        time_source: Some("record".to_owned()),
        received_time: Some(DAY),
        kind: Some("call".to_owned()),
        record: Some(format!("{{\"number\":{number}}}")),
        ..Event::default()
    }
}

pub fn batch(events: &[Event]) -> RecordBatch {
    Event::to_batch(events).unwrap()
}

/// All rows of a scan.
pub async fn events(archive: &Archive, request: ScanRequest) -> Vec<Event> {
    rows_of(&mut archive.scan(request).await.unwrap()).await
}

pub async fn rows_of(scan: &mut Scan) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(batch) = scan.next().await.unwrap() {
        assert!(batch.num_rows() > 0);
        events.extend(Event::from_batch(&batch).unwrap());
    }
    events
}
