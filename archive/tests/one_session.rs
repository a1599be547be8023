//! Finding one session among a million events.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    clippy::print_stdout,
    reason = "tests"
)]

mod rows;

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder, StringDictionaryBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray, new_null_array};
use blotter_archive::{Predicate, ScanRequest};
use blotter_schemas::tables::{Event, Row as _, Table};

use crate::rows::{DAY, Place, rows_of};

const EVENTS: u64 = 1_000_000;
const APPENDS: u64 = 16;
const SESSIONS: u64 = 10_000;

/// A number as good as random.
fn scrambled(number: u64) -> u64 {
    let mut state = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// Sessions have random ids, so that every file spans nearly all of them.
fn session(number: u64) -> String {
    format!("{:016x}-{:016x}", scrambled(number), scrambled(number + EVENTS))
}

/// The session of an event: its neighbours belong to others, and it goes on in the next append.
fn session_of(number: u64) -> u64 {
    let per_append = EVENTS / APPENDS;
    let active = 2 * SESSIONS / APPENDS;
    (number / per_append * (SESSIONS / APPENDS) + number % active) % SESSIONS
}

/// Texts about as hard to compress as records are.
fn texts() -> Vec<String> {
    (0..2_048_u64)
        .map(|text| (0..28).map(|part| format!("{:x},", scrambled(text * 64 + part))).collect())
        .collect()
}

fn events(numbers: std::ops::Range<u64>, texts: &[String]) -> RecordBatch {
    let rows = usize::try_from(numbers.end - numbers.start).unwrap();
    let schema = Event::schema();
    let pick = |number: u64| usize::try_from(scrambled(number) % texts.len() as u64).unwrap();
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        let numbers = numbers.clone();
        match field.name().as_str() {
            "event_id" => {
                let mut ids = BinaryBuilder::new();
                for number in numbers {
                    let id = u128::from(scrambled(number)) << 64 | u128::from(number);
                    ids.append_value(id.to_be_bytes());
                }
                Arc::new(ids.finish())
            }
            "session_id" => {
                let mut sessions = StringBuilder::new();
                for number in numbers {
                    sessions.append_value(session(session_of(number)));
                }
                Arc::new(sessions.finish())
            }
            "record" => {
                let mut records = StringBuilder::new();
                for number in numbers {
                    records.append_value(&texts[pick(number)]);
                }
                Arc::new(records.finish())
            }
            "kind" | "tool_name" => {
                let mut labels = StringDictionaryBuilder::<Int32Type>::new();
                for number in numbers {
                    labels.append_value(["call", "result", "decision"][pick(number) % 3]);
                }
                Arc::new(labels.finish())
            }
            "time_unix_nano" => {
                let time = |number| DAY * 1000 + i64::try_from(number * 1_000_003).unwrap();
                Arc::new(numbers.map(time).collect::<Int64Array>())
            }
            "received_time" => {
                let times = numbers.map(|_| Some(DAY)).collect::<TimestampMicrosecondArray>();
                Arc::new(times.with_timezone("UTC"))
            }
            _ => new_null_array(field.data_type(), rows),
        }
    });
    let columns = columns.collect();
    RecordBatch::try_new(schema, columns).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_session_of_a_million_events_takes_under_two_percent_of_the_bytes() {
    let place = Place::new();
    let archive = place.archive().await;
    let texts = texts();
    let per_append = EVENTS / APPENDS;
    for append in 0..APPENDS {
        let rows = events(append * per_append..(append + 1) * per_append, &texts);
        archive.append(Table::Events, vec![rows], None).await.unwrap();
    }

    let wanted = 4_321;
    let request =
        ScanRequest::new(Table::Events).filter(Predicate::equals("session_id", session(wanted)));
    let mut scan = archive.scan(request).await.unwrap();
    let found = rows_of(&mut scan).await;
    let statistics = scan.statistics();
    println!("{statistics:?}");

    let number = |event: &Event| u64::from_be_bytes(event.event_id[8..].try_into().unwrap());
    let numbers: Vec<_> = found.iter().map(number).collect();
    let expected: Vec<_> = (0..EVENTS).filter(|number| session_of(*number) == wanted).collect();
    assert_eq!(numbers, expected);
    for event in &found {
        let text = usize::try_from(scrambled(number(event)) % texts.len() as u64).unwrap();
        assert_eq!(event.record.as_deref(), Some(texts[text].as_str()));
    }
    assert_eq!(statistics.files_total, APPENDS);
    assert_eq!(statistics.rows_returned, expected.len() as u64);
    assert!(statistics.bytes_read * 50 < statistics.bytes_total, "{statistics:?}");
    assert!(statistics.row_groups_read <= 4, "{statistics:?}");
    assert!(statistics.pages_read * 10 < statistics.pages_total, "{statistics:?}");
    assert!(statistics.rows_read < 20_000, "{statistics:?}");
}
