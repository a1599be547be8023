//! Rows for tests.

#![allow(dead_code, reason = "every test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use arrow_array::RecordBatch;
use blotter_archive::{Archive, Location, Scan, ScanRequest};
use blotter_schemas::tables::{Event, Row};

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
