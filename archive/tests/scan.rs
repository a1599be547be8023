//! What scanning guarantees.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    clippy::print_stdout,
    reason = "tests"
)]

mod rows;

use std::collections::HashMap;
use std::sync::Arc;
use std::task::Poll;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use blotter_archive::{Archive, Error, Location, Op, Predicate, ScanRequest, Value};
use blotter_schemas::tables::{Event, MetricPoint, Row as _, Table};
use deltalake_core::kernel::transaction::CommitBuilder;
use deltalake_core::kernel::{Action, Add};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;

use crate::rows::{DAY, Place, append_each, batch, compact, event, events, rows_of};

fn all() -> ScanRequest {
    ScanRequest::new(Table::Events)
}

fn ids(events: &[Event]) -> Vec<[u8; 16]> {
    events.iter().map(|event| event.event_id).collect()
}

/// Commits a file as another writer of the table would, and what it replaces.
async fn commit_file(place: &Place, path: &str, rows: &RecordBatch, replaced: Vec<String>) {
    let folder = place.folder.path().join("an archive/events");
    let file = folder.join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(&file).unwrap(), rows.schema(), None).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
    let url = url::Url::from_directory_path(&folder).unwrap();
    let table = deltalake_core::open_table(url).await.unwrap();
    let state = table.snapshot().unwrap();
    let mut actions: Vec<Action> = state
        .log_data()
        .iter()
        .filter(|file| replaced.contains(&file.path().to_string()))
        .map(|file| Action::Remove(file.remove_action(false)))
        .collect();
    assert_eq!(actions.len(), replaced.len());
    actions.push(Action::Add(Add {
        path: path.to_owned(),
        partition_values: HashMap::from([(
            "received_date".to_owned(),
            Some("2026-03-05".to_owned()),
        )]),
        size: i64::try_from(std::fs::metadata(&file).unwrap().len()).unwrap(),
        data_change: replaced.is_empty(),
        ..Add::default()
    }));
    let operation =
        DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
    CommitBuilder::default()
        .with_actions(actions)
        .build(Some(state), table.log_store(), operation)
        .await
        .unwrap();
}

fn data_files(place: &Place) -> Vec<String> {
    let folder = place.folder.path().join("an archive/events");
    let date = "received_date=2026-03-05";
    let mut files: Vec<_> = std::fs::read_dir(folder.join(date))
        .unwrap()
        .map(|entry| format!("{date}/{}", entry.unwrap().file_name().to_str().unwrap()))
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn rows_come_in_one_order_whatever_file_they_lie_in() {
    let expected = vec![
        Event { time: None, time_unix_nano: None, ..event(1, None, 0) },
        event(2, None, 5),
        Event { time: None, time_unix_nano: None, ..event(3, Some("a"), 0) },
        event(4, Some("a"), -5),
        event(5, Some("a"), 7),
        Event { observed_time_unix_nano: Some(3), ..event(6, Some("a"), 7) },
        Event { observed_time_unix_nano: Some(3), sequence: Some(2), ..event(7, Some("a"), 7) },
        Event { observed_time_unix_nano: Some(3), sequence: Some(11), ..event(8, Some("a"), 7) },
        event(9, Some("a"), 8),
        event(10, Some("ab"), 1),
        event(11, Some("b"), 0),
    ];
    for files in 1..=3 {
        let place = Place::new();
        let archive = place.archive().await;
        for file in 0..files {
            let mut rows: Vec<_> = expected.iter().skip(file).step_by(files).cloned().collect();
            rows.reverse();
            archive.append(Table::Events, vec![batch(&rows)], None).await.unwrap();
        }
        assert_eq!(events(&archive, all()).await, expected, "{files} files");
    }
}

#[tokio::test]
async fn rows_that_differ_in_nothing_else_come_in_order_of_their_ids() {
    let place = Place::new();
    let archive = place.archive().await;
    let mut rows: Vec<_> = (0..50).map(|number| event(number, Some("s"), 1)).collect();
    for part in rows.chunks(20) {
        archive.append(Table::Events, vec![batch(part)], None).await.unwrap();
    }
    rows.sort_by_key(|row| row.event_id);
    assert_eq!(ids(&events(&archive, all()).await), ids(&rows));
}

#[tokio::test]
async fn copies_of_an_event_are_dropped_within_its_session_only() {
    let place = Place::new();
    let archive = place.archive().await;
    let at = |number, session, time, position| Event {
        journal_position: position,
        ..event(number, session, time)
    };
    // A record without a time of its own has that of its receipt.
    let late = |time, position| Event {
        time_source: Some("received".to_owned()),
        ..at(3, Some("s"), time, position)
    };
    // The same event from two collectors, from an import, received at another time, without a session.
    for rows in [
        vec![at(1, Some("s"), 10, Some(8)), at(2, None, 10, Some(1)), late(30, None)],
        vec![at(1, Some("s"), 10, Some(4)), at(2, None, 10, Some(2))],
        vec![at(1, Some("s"), 10, None), at(1, Some("other"), 10, None)],
        vec![late(20, Some(9))],
    ] {
        archive.append(Table::Events, vec![batch(&rows)], None).await.unwrap();
    }
    let kept = events(&archive, all()).await;
    let expected = [
        at(2, None, 10, Some(1)),
        at(1, Some("other"), 10, None),
        at(1, Some("s"), 10, Some(4)),
        late(20, Some(9)),
    ];
    assert_eq!(kept, expected);
}

#[tokio::test]
async fn of_copies_the_one_that_was_received_first_is_kept() {
    let place = Place::new();
    let archive = place.archive().await;
    let copy = |number, received, position, collector: &str| Event {
        received_time: Some(DAY + received),
        journal_position: Some(position),
        collector_id: Some(collector.to_owned()),
        ..event(number, Some("s"), i64::try_from(number).unwrap())
    };
    // Enough rows that the copies do not lie in the first batch alone.
    let mut first = Vec::new();
    let mut later = Vec::new();
    for number in 0..20_000 {
        first.push(copy(number, 7, 900_000, "b"));
        later.push(copy(number, 9, 5, "a"));
    }
    append_each(&archive, &[&later, &first[..9_000], &first[9_000..]]).await;
    append_each(&archive, &[&[copy(3, 7, 900_000, "a")]]).await;
    first[3] = copy(3, 7, 900_000, "a");
    let mut scan = archive.scan(all()).await.unwrap();
    let kept = rows_of(&mut scan).await;
    assert!(kept == first, "{} rows", kept.len());
    assert_eq!(scan.statistics().copies_dropped, 20_001);
}

#[tokio::test]
async fn nobody_can_suppress_what_another_sent() {
    let place = Place::new();
    let archive = place.archive().await;
    let by = |sender: Option<&str>, received, time_source: &str| Event {
        sender: sender.map(str::to_owned),
        received_time: Some(DAY + received),
        time_source: Some(time_source.to_owned()),
        ..event(1, Some("s"), 10)
    };
    // As if an id could be forged: it covers the sender, and the sender is compared all the same.
    let mut written = Vec::new();
    for source in ["record", "received"] {
        let rows =
            [by(Some("mine"), 5, source), by(Some("forged"), 1, source), by(None, 2, source)];
        append_each(&archive, &[&rows[..1], &rows[1..], &rows[1..2]]).await;
        written.extend(rows);
    }
    // All six have one id, session and time; each sender's stays, with its earliest receipt.
    let senders = |kept: &[Event]| {
        let mut senders: Vec<_> =
            kept.iter().map(|it| (it.sender.clone(), it.received_time)).collect();
        senders.sort();
        senders
    };
    let expected = senders(&written[..3]);
    assert_eq!(senders(&events(&archive, all()).await), expected);
    compact(&archive).await;
    assert_eq!(senders(&events(&archive, all()).await), expected, "after compaction");
}

#[test]
fn a_call_that_is_given_up_loses_no_row() {
    // One thread for reading files: while it is held, whatever has to be read is waited for.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let place = Place::new();
        let archive = place.archive().await;
        let rows: Vec<_> = (0..30_000).map(|it| event(it, Some("s"), it as i64)).collect();
        for part in 0..5 {
            let part: Vec<_> = rows.iter().skip(part).step_by(5).cloned().collect();
            append_each(&archive, &[&part]).await;
        }
        let mut scan = archive.scan(all()).await.unwrap();
        let mut found = Vec::new();
        let (mut calls, mut given_up) = (0, 0);
        loop {
            let (release, held) = std::sync::mpsc::channel::<()>();
            let holding = tokio::task::spawn_blocking(move || held.recv().is_err());
            let mut next = Box::pin(scan.next());
            let mut polled = futures::poll!(&mut next);
            drop(release);
            assert!(holding.await.unwrap());
            // Polled a few times, then dropped: wherever it stands, the next call goes on.
            for _ in 0..calls % 7 {
                if polled.is_pending() {
                    tokio::task::yield_now().await;
                    polled = futures::poll!(&mut next);
                }
            }
            if calls % 7 == 6 && polled.is_pending() {
                polled = Poll::Ready(next.await);
            } else {
                drop(next);
            }
            calls += 1;
            let Poll::Ready(batch) = polled else {
                given_up += 1;
                continue;
            };
            let Some(batch) = batch.unwrap() else { break };
            found.extend(Event::from_batch(&batch).unwrap());
        }
        assert!(given_up > 0, "{calls} calls");
        assert!(found == rows, "{} of {} rows", found.len(), rows.len());
    });
}

#[tokio::test]
async fn tables_without_some_columns_of_the_order_are_in_order_too() {
    let place = Place::new();
    let archive = place.archive().await;
    let point = |number: u8, time| MetricPoint {
        event_id: [number; 16],
        time_unix_nano: Some(time),
        name: Some("m".to_owned()),
        value_int: Some(i64::from(number)),
        ..MetricPoint::default()
    };
    for rows in [[point(1, 3), point(2, 1)], [point(3, 2), point(2, 1)]] {
        let rows = MetricPoint::to_batch(&rows).unwrap();
        archive.append(Table::Metrics, vec![rows], None).await.unwrap();
    }
    let mut scan = archive.scan(ScanRequest::new(Table::Metrics)).await.unwrap();
    let batches = scan.collect().await.unwrap();
    let rows: Vec<_> =
        batches.iter().flat_map(|rows| MetricPoint::from_batch(rows).unwrap()).collect();
    assert_eq!(rows, [point(2, 1), point(3, 2), point(1, 3)]);
}

#[tokio::test]
async fn only_the_requested_columns_come_in_the_requested_order() {
    let place = Place::new();
    let archive = place.archive().await;
    archive.append(Table::Events, vec![batch(&[event(1, Some("s"), 1)])], None).await.unwrap();
    let request = all().columns(["record", "session_id"]).filter(Predicate::equals("kind", "call"));
    let batches = archive.scan(request).await.unwrap().collect().await.unwrap();
    let schema = batches[0].schema();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["record", "session_id"]);
}

#[tokio::test]
async fn a_request_that_does_not_fit_the_table_says_why() {
    let place = Place::new();
    let archive = place.archive().await;
    let refused = async |request: ScanRequest| archive.scan(request).await.unwrap_err();
    let error = refused(all().columns(["colour"])).await;
    assert!(matches!(&error, Error::UnknownColumn { column, .. } if column == "colour"), "{error}");
    let error = refused(all().filter(Predicate::is_null("colour").negate())).await;
    assert!(matches!(&error, Error::UnknownColumn { column, .. } if column == "colour"), "{error}");
    let error = refused(all().filter(Predicate::equals("sequence", "seven"))).await;
    assert!(matches!(&error, Error::Comparison { column, .. } if column == "sequence"), "{error}");
    assert!(error.to_string().contains("seven"), "{error}");
    let error = refused(all().filter(Predicate::starts_with("sequence", "7"))).await;
    assert!(matches!(error, Error::Comparison { .. }), "{error}");
}

#[tokio::test]
async fn a_file_without_order_statistics_or_newer_columns_is_read_all_the_same() {
    let place = Place::new();
    let archive = place.archive().await;
    let ours = [
        Event { model: Some("m".to_owned()), ..event(1, Some("a"), 1) },
        Event { model: Some("m".to_owned()), ..event(5, Some("c"), 1) },
    ];
    archive.append(Table::Events, vec![batch(&ours)], None).await.unwrap();
    let theirs = [event(4, Some("b"), 2), event(2, Some("a"), 2), event(3, Some("b"), 1)];
    let rows = batch(&theirs);
    let older: Vec<_> = (0..rows.num_columns())
        .filter(|index| {
            !["model", "sequence"].contains(&rows.schema().field(*index).name().as_str())
        })
        .collect();
    commit_file(&place, "older.parquet", &rows.project(&older).unwrap(), vec![]).await;

    let found = events(&archive, all()).await;
    let sessions: Vec<_> = found.iter().map(|row| row.session_id.as_deref().unwrap()).collect();
    assert_eq!(sessions, ["a", "a", "b", "b", "c"]);
    assert_eq!(found[1], theirs[1]);

    let count = async |predicate| events(&archive, all().filter(predicate)).await.len();
    assert_eq!(count(Predicate::equals("model", "m")).await, 2);
    assert_eq!(count(Predicate::equals("model", "m").negate()).await, 0);
    assert_eq!(count(Predicate::is_null("model")).await, 3);
    assert_eq!(count(Predicate::is_null("model").negate()).await, 2);
    assert_eq!(count(Predicate::equals("session_id", "b")).await, 2);
    let either = Predicate::equals("model", "m").or(Predicate::equals("session_id", "b"));
    assert_eq!(count(either).await, 4);
}

#[tokio::test]
async fn a_scan_reads_on_where_a_file_was_replaced_under_it() {
    let place = Place::new();
    let archive = place.archive().await;
    let rows: Vec<_> = (0..20_000)
        .map(|number: u32| event(u64::from(number), Some("s"), i64::from(number)))
        .collect();
    for part in [0..10_000, 10_000..20_000] {
        archive.append(Table::Events, vec![batch(&rows[part])], None).await.unwrap();
    }
    let mut scan = archive.scan(all()).await.unwrap();
    let mut found = Event::from_batch(&scan.next().await.unwrap().unwrap()).unwrap();
    assert!(found.len() < rows.len());
    let replaced = data_files(&place);
    commit_file(&place, "compacted.parquet", &batch(&rows), replaced.clone()).await;
    for file in replaced {
        std::fs::remove_file(place.folder.path().join("an archive/events").join(file)).unwrap();
    }
    found.extend(rows_of(&mut scan).await);
    assert!(ids(&found) == ids(&rows), "{} rows of {}", found.len(), rows.len());
}

#[tokio::test]
async fn files_of_another_time_are_not_opened() {
    let place = Place::new();
    let archive = place.archive().await;
    for day in 0..4_i64 {
        let time = (DAY + day * rows::DAY_LENGTH) * 1000;
        let number = u64::try_from(day).unwrap();
        let rows = [event(number, Some("s"), time), event(number + 10, Some("s"), time + 1)];
        archive.append(Table::Events, vec![batch(&rows)], None).await.unwrap();
    }
    let from = (DAY + rows::DAY_LENGTH) * 1000;
    for predicate in [
        Predicate::compare("time_unix_nano", Op::GtEq, from).and(Predicate::compare(
            "time_unix_nano",
            Op::LtEq,
            from + 1,
        )),
        Predicate::compare("time", Op::GtEq, Value::Time(from / 1000)).and(Predicate::compare(
            "time",
            Op::Lt,
            Value::Time(from / 1000 + 1_000_000),
        )),
    ] {
        let mut scan = archive.scan(all().filter(predicate)).await.unwrap();
        assert_eq!(rows_of(&mut scan).await.len(), 2);
        let statistics = scan.statistics();
        assert_eq!((statistics.files_total, statistics.files_read), (4, 1), "{statistics:?}");
        assert_eq!((statistics.rows_read, statistics.rows_returned), (2, 2), "{statistics:?}");
    }
}

/// A row without what the questions below do not ask for.
fn any_event() -> impl Strategy<Value = Event> {
    let session = prop_oneof![
        Just(None),
        prop_oneof!["a", "ab", "b", "aüz", "aü\u{10ffff}"].prop_map(Some),
        (0..2_u8).prop_map(|end| Some(format!("{}{end}", "long ".repeat(20)))),
    ];
    let label = prop::option::of(prop_oneof!["call", "result", "other"]);
    let cost = prop::option::of(prop_oneof![
        Just(0.0),
        Just(-0.0),
        Just(1.5),
        Just(f64::NAN),
        Just(f64::INFINITY)
    ]);
    (
        any::<[u8; 4]>(),
        session,
        label,
        prop::option::of(-3..3_i64),
        prop::option::of(any::<bool>()),
        cost,
        prop::option::of(-2_000..2_000_i64),
        prop::option::of(0..3_u8),
    )
        .prop_map(|(id, session_id, kind, sequence, success, cost_usd, time, origin)| Event {
            event_id: std::array::from_fn(|index| id[index % 4]),
            session_id,
            kind,
            sequence,
            success,
            cost_usd,
            time,
            time_unix_nano: time.map(|time| time * 1000),
            origin_id: origin.map(|origin| [origin; 16]),
            ..Event::default()
        })
}

fn any_op() -> impl Strategy<Value = Op> {
    prop::sample::select(vec![Op::Eq, Op::NotEq, Op::Lt, Op::LtEq, Op::Gt, Op::GtEq])
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop_oneof!["a", "ab", "b", "aü", "aü\u{10ffff}", "", "call", "other", "z"],
        (0..2_u8).prop_map(|end| format!("{}{end}", "long ".repeat(20))),
    ]
}

fn any_comparison() -> impl Strategy<Value = (&'static str, Value)> {
    prop_oneof![
        any_text().prop_map(|text| ("session_id", Value::Text(text))),
        any_text().prop_map(|text| ("kind", Value::Text(text))),
        (-4..4_i64).prop_map(|number| ("sequence", Value::Int(number))),
        any::<bool>().prop_map(|flag| ("success", Value::Flag(flag))),
        prop_oneof![Just(0.0), Just(1.5), Just(2.0), Just(f64::NAN)]
            .prop_map(|number| ("cost_usd", Value::Float(number))),
        (-1..2_i64).prop_map(|number| ("cost_usd", Value::Int(number))),
        (-2_500..2_500_i64).prop_map(|time| ("time", Value::Time(time))),
        (0..4_u8).prop_map(|id| ("origin_id", Value::from([id; 16]))),
    ]
}

fn any_predicate() -> impl Strategy<Value = Predicate> {
    let leaf = prop_oneof![
        4 => (any_comparison(), any_op())
            .prop_map(|((column, value), op)| Predicate::compare(column, op, value)),
        2 => prop::collection::vec(any_text(), 0..3)
            .prop_map(|texts| Predicate::one_of("session_id", texts)),
        1 => prop::collection::vec(-4..4_i64, 0..3)
            .prop_map(|numbers| Predicate::one_of("sequence", numbers)),
        1 => any_text().prop_map(|prefix| Predicate::starts_with("session_id", prefix)),
        1 => any_text().prop_map(|prefix| Predicate::starts_with("kind", prefix)),
        1 => any_comparison().prop_map(|(column, _)| Predicate::is_null(column)),
        1 => Just(Predicate::is_null("model")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Predicate::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Predicate::Or),
            inner.prop_map(Predicate::negate),
        ]
    })
}

/// Three-valued logic, straight from the row: what is not known matches neither way.
fn truth(predicate: &Predicate, row: &Event) -> Option<bool> {
    let text = |column: &str| match column {
        "session_id" => row.session_id.clone(),
        "kind" => row.kind.clone(),
        _ => None,
    };
    let value = |column: &str| match column {
        "sequence" => row.sequence.map(Value::Int),
        "success" => row.success.map(Value::Flag),
        "cost_usd" => row.cost_usd.filter(|cost| !cost.is_nan()).map(Value::Float),
        "time" => row.time.map(Value::Time),
        "origin_id" => row.origin_id.map(Value::from),
        _ => text(column).map(Value::Text),
    };
    let order = |one: &Value, other: &Value| match (one, other) {
        (Value::Text(one), Value::Text(other)) => one.partial_cmp(other),
        (Value::Int(one), Value::Int(other)) | (Value::Time(one), Value::Time(other)) => {
            one.partial_cmp(other)
        }
        (Value::Float(one), Value::Float(other)) => one.partial_cmp(other),
        (Value::Float(one), Value::Int(other)) => {
            one.partial_cmp(&f64::from(i32::try_from(*other).unwrap()))
        }
        (Value::Flag(one), Value::Flag(other)) => one.partial_cmp(other),
        (Value::Bytes(one), Value::Bytes(other)) => one.partial_cmp(other),
        _ => unreachable!("{one:?} {other:?}"),
    };
    match predicate {
        Predicate::And(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| truth(part, row)).collect();
            if parts.contains(&Some(false)) {
                return Some(false);
            }
            parts.iter().all(|part| *part == Some(true)).then_some(true)
        }
        Predicate::Or(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| truth(part, row)).collect();
            if parts.contains(&Some(true)) {
                return Some(true);
            }
            parts.iter().all(|part| *part == Some(false)).then_some(false)
        }
        Predicate::Not(inner) => truth(inner, row).map(|truth| !truth),
        Predicate::IsNull { column } => {
            let is_number = column == "cost_usd" && row.cost_usd.is_some();
            Some(value(column).is_none() && !is_number)
        }
        Predicate::StartsWith { column, prefix } => {
            text(column).map(|text| text.starts_with(prefix.as_str()))
        }
        Predicate::In { column, values } => {
            let value = value(column)?;
            Some(values.iter().any(|one| order(&value, one).is_some_and(|order| order.is_eq())))
        }
        Predicate::Compare { column, op, value: against } => {
            order(&value(column)?, against).map(|order| match op {
                Op::Eq => order.is_eq(),
                Op::NotEq => order.is_ne(),
                Op::Lt => order.is_lt(),
                Op::LtEq => order.is_le(),
                Op::Gt => order.is_gt(),
                Op::GtEq => order.is_ge(),
            })
        }
    }
}

async fn archive_of(rows: &[Event], files: usize) -> Archive {
    let location = Location::parse("memory:///rows").unwrap();
    let archive = Archive::open_or_create(&location).await.unwrap();
    for part in rows.chunks(rows.len().div_ceil(files).max(1)) {
        archive.append(Table::Events, vec![batch(part)], None).await.unwrap();
    }
    archive
}

fn comparable(mut rows: Vec<Event>) -> Vec<String> {
    rows.sort_by_key(|row| {
        (row.session_id.clone(), row.time_unix_nano, row.sequence, row.event_id)
    });
    rows.iter().map(|row| format!("{row:?}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_scan_finds_exactly_what_testing_every_row_would_find(
        rows in prop::collection::vec(any_event(), 0..60),
        files in 1..4_usize,
        predicates in prop::collection::vec(any_predicate(), 1..8),
    ) {
        // Copies are dropped, which a test of every row does not do.
        let mut rows = rows;
        rows.sort_by_key(|row| row.event_id);
        rows.dedup_by_key(|row| row.event_id);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let archive = archive_of(&rows, files).await;
            for predicate in predicates {
                let found = events(&archive, all().filter(predicate.clone())).await;
                let expected: Vec<_> = rows
                    .iter()
                    .filter(|row| truth(&predicate, row) == Some(true))
                    .cloned()
                    .collect();
                assert_eq!(comparable(found), comparable(expected), "{predicate:?}");
            }
        });
    }

    #[test]
    fn what_was_appended_comes_back_in_order(
        rows in prop::collection::vec(any_event(), 0..200),
        files in 1..5_usize,
    ) {
        let mut rows = rows;
        rows.sort_by_key(|row| row.event_id);
        rows.dedup_by_key(|row| row.event_id);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let archive = archive_of(&rows, files).await;
            let found = events(&archive, all()).await;
            let found: Vec<_> = found.iter().map(|row| format!("{row:?}")).collect();
            assert_eq!(found, comparable(rows));
        });
    }
}

#[tokio::test]
async fn labels_come_back_as_labels() {
    let archive = archive_of(&[event(1, Some("s"), 1)], 1).await;
    let batches = archive.scan(all().columns(["kind"])).await.unwrap().collect().await.unwrap();
    let kinds = batches[0].column(0);
    assert_eq!(kinds.data_type(), Event::schema().field_with_name("kind").unwrap().data_type());
    assert!(Arc::clone(kinds).as_any_dictionary_opt().is_some());
}
