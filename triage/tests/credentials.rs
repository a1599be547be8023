//! Which credentials acted, from an agent that says so and from real ones that say less.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helper functions of tests"
)]

mod captures;
mod program;

use std::path::{Path, PathBuf};

use program::{import, triage};
use serde_json::{Value, json};
use tempfile::TempDir;

const FINGERPRINT: &str = "k1f30a2b4.0123456789abcdef";
/// 2026-11-21T12:00:00Z.
const NOON: i64 = 1_795_262_400_000_000_000;
const HOUR: i64 = 3_600_000_000_000;

/// A log record of an instrumented agent, as docs/emit.md describes it.
fn record(session: &str, name: &str, time: i64, fingerprint: Option<&str>) -> Value {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let mut attributes = vec![text("session.id", session), text("user.email", "dev@example.com")];
    if let Some(fingerprint) = fingerprint {
        attributes.push(text("blotter.token.type", "personal_access_token"));
        attributes.push(text("blotter.token.fingerprint", fingerprint));
    }
    json!({"resourceLogs": [{
        "resource": {"attributes": [
            text("service.name", "tiny"), text("blotter.instrumentation.version", "1"), text("host.name", "box"),
        ]},
        "scopeLogs": [{"scope": {"name": "blotter.agent"}, "logRecords": [
            {"timeUnixNano": time.to_string(), "eventName": name, "attributes": attributes},
        ]}],
    }]})
}

/// Two sessions with the same credential, of which one goes on after noon, and one with none.
fn sessions() -> TempDir {
    let data = TempDir::new().unwrap();
    let file = data.path().join("run.jsonl");
    let records = [
        record("before", "blotter.session.started", NOON - 2 * HOUR, Some(FINGERPRINT)),
        record("before", "blotter.session.ended", NOON - HOUR, None),
        record("after", "blotter.session.started", NOON - HOUR, Some(FINGERPRINT)),
        record("after", "blotter.prompt", NOON + HOUR, None),
        record("other", "blotter.session.started", NOON + 2 * HOUR, None),
    ];
    let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let (code, _, stderr) = import(data.path(), &[&file]);
    assert_eq!(code, 0, "{stderr}");
    data
}

fn listed(data: &Path, more: &[&str]) -> (i32, Vec<Value>) {
    let mut arguments = vec!["credentials", "--format", "json"];
    arguments.extend(more);
    let (code, stdout, stderr) = triage(data, &arguments);
    assert!(code < 2, "{stderr}");
    (code, stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn sessions_of_one_fingerprint_stand_together_and_what_is_not_said_is_null() {
    let data = sessions();
    let (code, credentials) = listed(data.path(), &[]);
    assert_eq!((code, credentials.len()), (0, 2), "{credentials:#?}");
    assert_eq!(credentials[0]["fingerprint"], Value::Null);
    let known = &credentials[1];
    assert_eq!(known["fingerprint"], FINGERPRINT);
    assert_eq!(known["token_type"], "personal_access_token");
    assert_eq!(
        (&known["users"][0], &known["hosts"][0]),
        (&json!("dev@example.com"), &json!("box"))
    );
    let ids: Vec<&Value> =
        known["sessions"].as_array().unwrap().iter().map(|it| &it["session_id"]).collect();
    assert_eq!(ids, ["after", "before"]);
    assert_eq!(known["last_unix_nano"], NOON + HOUR);
    let (_, text, _) = triage(data.path(), &["credentials"]);
    assert!(text.contains(FINGERPRINT) && text.contains("not reported"), "{text}");
}

#[test]
fn a_session_that_goes_on_after_its_credential_was_revoked_is_named() {
    let data = sessions();
    let revoked = format!("{FINGERPRINT}@2026-11-21T12:00:00Z");
    let (code, answers) = listed(data.path(), &["--revoked", &revoked]);
    assert_eq!(code, 1);
    let went_on = answers[0]["went_on"].as_array().unwrap();
    assert_eq!(went_on.len(), 1);
    assert_eq!(went_on[0]["session_id"], "after");
    let later = format!("{FINGERPRINT}@2026-11-21T13:00:00Z");
    assert_eq!(listed(data.path(), &["--revoked", &later]).0, 0, "nothing came after that");
    let (code, _, stderr) = triage(data.path(), &["credentials", "--revoked", "x"]);
    assert!(code == 2 && stderr.contains("FINGERPRINT@TIME"), "{stderr}");
}

#[test]
fn a_session_that_changes_its_credential_used_each_while_it_said_so() {
    const OTHER: &str = "k1f30a2b4.fedcba9876543210";
    let data = TempDir::new().unwrap();
    let file = data.path().join("run.jsonl");
    let records = [
        record("s", "blotter.session.started", NOON, Some(FINGERPRINT)),
        record("s", "blotter.prompt", NOON + HOUR, Some(OTHER)),
        record("s", "blotter.session.ended", NOON + 2 * HOUR, None),
    ];
    let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    import(data.path(), &[&file]);
    let half_past = "@2026-11-21T12:30:00Z";
    let went_on = |fingerprint: &str| {
        let (code, answers) =
            listed(data.path(), &["--revoked", &format!("{fingerprint}{half_past}")]);
        assert_eq!(code, i32::from(!answers[0]["went_on"].as_array().unwrap().is_empty()));
        code
    };
    assert_eq!((went_on(FINGERPRINT), went_on(OTHER)), (0, 1));
    let (_, credentials) = listed(data.path(), &["--since", "2026-11-21T12:30:00Z"]);
    assert_eq!(credentials.len(), 1, "{credentials:#?}");
    assert_eq!(credentials[0]["fingerprint"], OTHER);
    assert_eq!(credentials[0]["first_unix_nano"], NOON + HOUR);
    assert_eq!(credentials[0]["last_unix_nano"], NOON + 2 * HOUR);
}

#[test]
fn what_a_part_of_the_records_says_belongs_to_the_one_credential_that_the_others_name() {
    let data = TempDir::new().unwrap();
    let file = data.path().join("run.jsonl");
    let mut typed = record("s", "blotter.prompt", NOON + HOUR, None);
    let attributes = typed.pointer_mut("/resourceLogs/0/scopeLogs/0/logRecords/0/attributes");
    attributes.unwrap().as_array_mut().unwrap().push(
        json!({"key": "blotter.token.type", "value": {"stringValue": "personal_access_token"}}),
    );
    let started = record("s", "blotter.session.started", NOON, Some(FINGERPRINT));
    std::fs::write(&file, format!("{started}\n{typed}")).unwrap();
    import(data.path(), &[&file]);
    let (_, credentials) = listed(data.path(), &[]);
    assert_eq!(credentials.len(), 1, "{credentials:#?}");
    assert_eq!(credentials[0]["last_unix_nano"], NOON + HOUR);
}

#[test]
fn agents_that_report_no_fingerprint_are_listed_by_what_they_say() {
    let data = TempDir::new().unwrap();
    let requests = captures::requests("codex/03-mcp");
    let paths: Vec<&Path> = requests.iter().map(PathBuf::as_path).collect();
    import(data.path(), &paths);
    let (_, credentials) = listed(data.path(), &[]);
    assert_eq!(credentials.len(), 1);
    assert_eq!(credentials[0]["fingerprint"], Value::Null);
    assert_eq!(credentials[0]["agents"][0], "codex");
}
