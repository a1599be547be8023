//! Records that carry no id of a call are those of the right call, or a call of their own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helper functions of tests"
)]

mod captures;

use blotter_schemas::names::blotter::{EventKind, EventSource, Grade};
use blotter_schemas::tables::Event;
use blotter_triage::fact::JoinKind;
use blotter_triage::receipt::{Beside, Receipt, receipts};
use blotter_triage::reconstruct::model::{Call, Entry};
use blotter_triage::reconstruct::{Session, reconstruct};
use captures::events;

const GEMINI: [&str; 4] = [
    "gemini-cli/01-ok-yolo",
    "gemini-cli/02-denied-default",
    "gemini-cli/03-mcp",
    "gemini-cli/06-grpc",
];

fn session(rows: &[Event]) -> Session {
    let id = rows.iter().find_map(|row| row.session_id.as_ref()).unwrap();
    reconstruct(id, rows)
}

fn calls(session: &Session) -> Vec<&Call> {
    let turns = session.turns.iter().flat_map(|turn| &turn.entries);
    let calls = session.outside.iter().chain(turns).filter_map(|entry| match entry {
        Entry::Call(call) => Some(call.as_ref()),
        Entry::Note(_) => None,
    });
    let mut calls: Vec<&Call> = calls.collect();
    calls.sort_by_key(|call| call.number);
    calls
}

fn told(rows: &[Event]) -> Vec<Receipt> {
    receipts(&session(rows), &Beside::default())
}

/// `tool decision exit code`.
fn summary(rows: &[Event]) -> Vec<String> {
    let line = |receipt: &Receipt| {
        let decision = receipt.decision.value.map_or("-", |decision| decision.as_str());
        let tool = receipt.tool.value.as_deref().unwrap_or("-");
        format!("{tool} {decision} {:?}", receipt.exit_code.value)
    };
    told(rows).iter().map(line).collect()
}

fn of(row: &Event, source: EventSource) -> bool {
    row.source.as_deref() == Some(source.as_str())
}

#[test]
fn the_log_record_of_an_end_is_joined_to_the_call_whose_span_is_around_it() {
    let rows = events("gemini-cli/01-ok-yolo");
    let session = session(&rows);
    let joins: Vec<_> = calls(&session)
        .into_iter()
        .map(|call| (call.call_id.is_some(), call.joined.as_ref().unwrap().kind))
        .collect();
    // The second and third call were scheduled in one span.
    let expected = [JoinKind::Explicit, JoinKind::Inferred, JoinKind::Inferred, JoinKind::Explicit];
    assert_eq!(joins, expected.map(|kind| (true, kind)));
    let expected = [
        "run_shell_command allow None",
        "write_file allow None",
        "read_file allow None",
        "run_shell_command allow Some(3)",
    ];
    assert_eq!(summary(&rows), expected);
}

#[test]
fn what_a_rule_joined_is_inferred() {
    let rows = events("gemini-cli/01-ok-yolo");
    let session = session(&rows);
    let grades: Vec<_> =
        calls(&session).iter().map(|call| call.decisions[0].decision.grade).collect();
    assert_eq!(grades, [Grade::Observed, Grade::Inferred, Grade::Inferred, Grade::Observed]);
}

#[test]
fn without_spans_every_log_record_of_an_end_is_a_call_with_a_number() {
    for name in GEMINI {
        let rows = events(name);
        let with = summary(&rows);
        let rows: Vec<Event> =
            rows.into_iter().filter(|row| of(row, EventSource::OtlpLog)).collect();
        assert_eq!(summary(&rows), with, "{name}");
        for (receipt, number) in told(&rows).iter().zip(1..) {
            assert_eq!(receipt.call_id, None);
            assert!(receipt.address.ends_with(&format!("/@{number}")), "{}", receipt.address);
            assert!(receipt.turn.is_some());
        }
    }
}

#[test]
fn a_record_less_never_makes_a_call_more() {
    for name in
        GEMINI.into_iter().chain(["opencode/01-ok", "qwen-code/01-yolo", "copilot-cli/01-ok"])
    {
        let rows = events(name);
        let whole = calls(&session(&rows)).len();
        for left_out in 0..rows.len() {
            let mut fewer = rows.clone();
            let row = fewer.remove(left_out);
            let count = calls(&session(&fewer)).len();
            assert!(count <= whole, "{name}: {count} calls without {row:?}");
        }
    }
}

#[test]
fn permissions_that_were_evaluated_are_decisions_about_the_call_around_them() {
    let session = session(&events("opencode/01-ok"));
    let decisions: Vec<usize> = calls(&session).iter().map(|call| call.decisions.len()).collect();
    assert_eq!(decisions, [2, 1, 1, 1, 1]);
    for call in calls(&session) {
        assert_eq!(call.joined.as_ref().unwrap().kind, JoinKind::Explicit);
    }
}

#[test]
fn a_permission_whose_span_is_not_there_is_the_only_open_calls_or_nobodys() {
    let mut rows = events("opencode/01-ok");
    rows.retain(|row| !row.name.as_deref().is_some_and(|name| name.ends_with(".ask")));
    let session = session(&rows);
    let decisions: Vec<usize> = calls(&session).iter().map(|call| call.decisions.len()).collect();
    // Two calls were open while the second and the third were decided about.
    assert_eq!(decisions, [2, 0, 0, 1, 1]);
    let notes = session.turns.iter().flat_map(|turn| &turn.entries).filter(
        |entry| matches!(entry, Entry::Note(note) if note.kind == EventKind::Decision.as_str()),
    );
    assert_eq!(notes.count(), 2);
}

#[test]
fn the_order_in_which_rows_come_changes_nothing() {
    for name in GEMINI.into_iter().chain(["opencode/01-ok"]) {
        let rows = events(name);
        let mut turned = rows.clone();
        turned.reverse();
        let json = |rows: &[Event]| serde_json::to_string(&told(rows)).unwrap();
        assert_eq!(json(&rows), json(&turned), "{name}");
    }
}
