//! What steered agents: which version held in which session, and which sessions do not say.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helper functions of tests"
)]

mod program;

use std::path::Path;

use program::{import, triage};
use serde_json::{Value, json};
use tempfile::TempDir;

/// 2026-11-21T12:00:00Z.
const NOON: i64 = 1_795_262_400_000_000_000;
const HOUR: i64 = 3_600_000_000_000;

/// A log record of an instrumented agent, as docs/emit.md describes it.
fn record(session: &str, name: &str, time: i64, more: &[(&str, &str)]) -> Value {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let mut attributes = vec![text("session.id", session)];
    attributes.extend(more.iter().map(|(key, value)| text(key, value)));
    json!({"resourceLogs": [{
        "resource": {"attributes": [
            text("service.name", "tiny"), text("blotter.instrumentation.version", "1"), text("host.name", "box"),
        ]},
        "scopeLogs": [{"scope": {"name": "blotter.agent"}, "logRecords": [
            {"timeUnixNano": time.to_string(), "eventName": name, "attributes": attributes},
        ]}],
    }]})
}

fn loaded(session: &str, time: i64, name: &str, digit: &str) -> Value {
    let digest = format!("sha256:{}", digit.repeat(64));
    let more = [
        ("blotter.configuration.kind", "hook"),
        ("blotter.configuration.name", name),
        ("blotter.configuration.digest", &digest),
    ];
    record(session, "blotter.configuration.loaded", time, &more)
}

/// `changed` takes up another version after an hour, `steady` keeps its one, `child` is a sub-agent of it, and
/// `silent` says nothing.
fn sessions() -> TempDir {
    let data = TempDir::new().unwrap();
    let file = data.path().join("run.jsonl");
    let of_steady = [("blotter.session.parent_id", "steady")];
    let records = [
        loaded("changed", NOON, "lint.sh", "a"),
        loaded("changed", NOON + 1, "lint.sh", "a"),
        loaded("changed", NOON + HOUR, "lint.sh", "b"),
        record("changed", "blotter.session.ended", NOON + 2 * HOUR, &[]),
        loaded("steady", NOON + 3 * HOUR, "lint.sh", "b"),
        record("child", "blotter.session.started", NOON + 3 * HOUR, &of_steady),
        record("silent", "blotter.session.started", NOON + 4 * HOUR, &[]),
    ];
    let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let (code, _, stderr) = import(data.path(), &[&file]);
    assert_eq!(code, 0, "{stderr}");
    data
}

fn listed(data: &Path, more: &[&str]) -> (i32, Value) {
    let mut arguments = vec!["configurations", "--format", "json"];
    arguments.extend(more);
    let (code, stdout, stderr) = triage(data, &arguments);
    assert!(code < 2, "{stderr}");
    (code, serde_json::from_str(&stdout).unwrap())
}

/// Session, and from when until when, of each use.
fn uses(configuration: &Value) -> Vec<(String, i64, i64)> {
    let uses = configuration["sessions"].as_array().unwrap().iter();
    uses.map(|it| {
        let time = |name: &str| it[name].as_i64().unwrap();
        let id = it["session_id"].as_str().unwrap().to_owned();
        (id, time("first_unix_nano"), time("last_unix_nano"))
    })
    .collect()
}

#[test]
fn a_version_held_from_when_it_was_taken_up_until_another_was() {
    let data = sessions();
    let (code, listed) = listed(data.path(), &[]);
    assert_eq!(code, 0);
    let [newer, older] = listed["configurations"].as_array().unwrap().as_slice() else {
        panic!("not two versions: {listed:#}");
    };
    assert_eq!(uses(older), [("changed".to_owned(), NOON, NOON + HOUR)]);
    assert_eq!(
        uses(newer),
        [
            ("steady".to_owned(), NOON + 3 * HOUR, NOON + 3 * HOUR),
            ("changed".to_owned(), NOON + HOUR, NOON + 2 * HOUR),
        ]
    );
    assert_eq!((&newer["versions"], &newer["hosts"]), (&json!(2), &json!(["box"])));
}

#[test]
fn sessions_that_say_nothing_are_counted_and_a_sub_agent_runs_under_what_its_parent_took_up() {
    let data = sessions();
    assert_eq!(listed(data.path(), &[]).1["sessions_without"], 1);
    let (code, stdout, stderr) = triage(data.path(), &["configurations"]);
    assert_eq!(code, 0);
    assert!(stdout.contains("hook lint.sh: 2 versions"), "{stdout}");
    assert!(stderr.contains("Another session does not report what it ran under"), "{stderr}");
}

#[test]
fn a_digest_names_the_sessions_that_ran_under_it() {
    let data = sessions();
    for digest in ["aaaa", "sha256:AAAA", &"a".repeat(64)] {
        let (code, listed) = listed(data.path(), &["--digest", digest]);
        assert_eq!((code, listed["configurations"].as_array().unwrap().len()), (1, 1));
    }
    let (code, none) = listed(data.path(), &["--digest", "ff"]);
    assert_eq!((code, &none["configurations"]), (0, &json!([])));
    assert_eq!(none["sessions_without"], 1, "it is not said that nobody ran under it");
    let (code, _, stderr) = triage(data.path(), &["configurations", "--digest", "x"]);
    assert!(code == 2 && stderr.contains("no SHA-256"), "{stderr}");
}

#[test]
fn a_session_that_goes_on_is_listed_with_what_it_took_up_before() {
    let data = sessions();
    let (_, listed) = listed(data.path(), &["--since", "2026-11-21T13:30:00Z"]);
    assert_eq!(listed["configurations"].as_array().unwrap().len(), 2);
    assert_eq!(listed["sessions_without"], 1);
}
