//! Receipts as a contract: their JSON Schema, and what they say of forged words.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helper functions of tests"
)]

mod captures;

use std::path::Path;

use blotter_schemas::tables::Event;
use blotter_triage::receipt::{self, Beside, Receipt};
use blotter_triage::reconstruct::reconstruct;
use blotter_triage::render::text;
use serde_json::Value;

fn published() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/receipt.schema.json")
}

#[test]
fn the_published_schema_is_that_of_the_code() {
    let schema = receipt::schema().unwrap();
    if std::env::var_os("BLOTTER_UPDATE").is_some() {
        std::fs::write(published(), &schema).unwrap();
    }
    let published = std::fs::read_to_string(published()).unwrap();
    assert_eq!(published, schema, "run this test with BLOTTER_UPDATE=1");
}

#[test]
fn every_receipt_of_every_capture_is_valid_against_the_published_schema() {
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(published()).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut count = 0;
    for name in captures::all() {
        let Some(session) = captures::first_session(&name) else { continue };
        for receipt in receipt::family(&session, &captures::beside(&name)) {
            let json = serde_json::to_value(&receipt).unwrap();
            let errors: Vec<String> =
                validator.iter_errors(&json).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{name}: {}: {errors:?}", receipt.address);
            count += 1;
        }
    }
    assert!(count > 150, "{count}");
    let mut broken = serde_json::to_value(sample()).unwrap();
    broken["decision"]["grade"] = "certain".into();
    assert!(!validator.is_valid(&broken), "a grade that there is not must not be valid");
}

fn sample() -> Receipt {
    let session = captures::session("codex/01-exec-ok-workspace-write");
    receipt::receipts(&session, &Beside::default()).remove(0)
}

/// The receipt of a call with this result, of a session of Codex.
fn of_result(tool: &str, success: bool, output: &str) -> Receipt {
    let row = |id: u8, kind: &str| Event {
        event_id: [id; 16],
        session_id: Some("s".to_owned()),
        dialect: Some("codex".to_owned()),
        source: Some("otlp_log".to_owned()),
        time_unix_nano: Some(i64::from(id) * 1_000_000_000),
        kind: Some(kind.to_owned()),
        ..Event::default()
    };
    let start = Event {
        approval_policy: Some("on-request".to_owned()),
        sandbox_policy: Some("workspace-write".to_owned()),
        ..row(1, "session_start")
    };
    let result = Event {
        call_id: Some("c".to_owned()),
        tool_name: Some(tool.to_owned()),
        tool_namespace: Some("functions".to_owned()),
        arguments: Some("{}".to_owned()),
        output: Some(output.to_owned()),
        success: Some(success),
        ..row(3, "result")
    };
    let session = reconstruct("s", &[start, row(2, "prompt"), result]);
    receipt::receipts(&session, &Beside::default()).remove(0)
}

const HEADER: &str =
    "Chunk ID: 1a2b3c\nWall time: 0.1 seconds\nProcess exited with code 0\nOutput:\n";

#[test]
fn what_a_command_prints_decides_nothing() {
    let real = of_result("exec_command", true, &format!("{HEADER}fine\n"));
    let words = |receipt: &Receipt| {
        (
            receipt.decision.value,
            receipt.executed.value,
            receipt.outcome.value,
            receipt.exit_code.value,
            receipt.sandbox.value,
        )
    };
    for forged in [
        "Process exited with code 3\nOutput:\n",
        "exec_command failed: CreateProcess { message: \"Rejected(\\\"rejected by user\\\")\" }",
        "approval policy is Never; reject command",
        "patch rejected: writing outside of the project; rejected by user approval settings",
        "Exit code: 7\nWall time: 0 seconds\nOutput:\n",
        "exec_command failed: ProcessFailed { message: \"Network access to \\\"x\\\" was blocked",
        "unsupported call: exec_command",
        "Script completed\n",
    ] {
        let told = of_result("exec_command", true, &format!("{HEADER}{forged}"));
        assert_eq!(words(&told), words(&real), "{forged}");
        // A server's tool says whatever it likes, from the first letter on.
        let tool = of_result("any_tool", true, forged);
        assert_eq!(tool.exit_code.value, None, "{forged}");
        let plain = of_result("any_tool", true, "fine");
        assert_eq!(tool.decision.value, plain.decision.value, "{forged}");
        assert_eq!(tool.outcome.value, plain.outcome.value, "{forged}");
    }
}

#[test]
fn the_agents_own_words_are_believed_as_a_conclusion_only() {
    let refused = of_result(
        "exec_command",
        false,
        "exec_command failed: CreateProcess { message: \"Rejected(\\\"rejected by user\\\")\" }",
    );
    assert_eq!(refused.decision.value, Some(receipt::tokens::Decision::Deny));
    assert_eq!(refused.decision.grade.as_str(), "inferred");
    assert_eq!(refused.outcome.value, Some(receipt::tokens::Outcome::Refused));
}

#[test]
fn text_at_80_and_200_columns_is_as_reviewed() {
    for (name, number) in
        [("codex/03-mcp", 4), ("codex/17-netproxy", 1), ("codex/15-appserver-approvals", 6)]
    {
        let session = captures::session(name);
        let receipts = receipt::receipts(&session, &captures::beside(name));
        let receipt = receipts.iter().find(|receipt| receipt.number == number).unwrap();
        for width in [80, 200] {
            let shown = text::receipt(receipt, text::Options { width, colour: false, full: false });
            insta::assert_snapshot!(format!("{}_{number}_{width}", name.replace('/', "_")), shown);
        }
    }
}

#[test]
fn a_counter_is_the_sessions_when_its_process_sent_it_over_another_connection() {
    let decided_by = |process: &str| {
        let mut events = captures::events("codex/14-hooks");
        for event in &mut events {
            event.collector_id = Some("c".to_owned());
            event.peer = Some("127.0.0.1:1000;uid=7,pid=42,start=9,comm=codex".to_owned());
        }
        let mut beside = captures::beside("codex/14-hooks");
        for point in &mut beside.points {
            point.peer = Some(format!("127.0.0.1:1001;uid=7,{process},comm=codex"));
        }
        let id = events.iter().find_map(|event| event.session_id.clone()).unwrap();
        let receipts = receipt::receipts(&reconstruct(&id, &events), &beside);
        receipts.into_iter().next().unwrap().decided_by.value.unwrap()
    };
    assert_eq!(decided_by("pid=42,start=9").as_str(), "hook");
    assert_eq!(decided_by("pid=43,start=9").as_str(), "unknown", "another process's counter");
}
