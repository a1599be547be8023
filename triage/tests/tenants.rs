//! Two tenants and one session id: what the one says is no part of the other's session.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helper functions of tests"
)]

mod program;

use std::path::{Path, PathBuf};

use program::{import, triage};
use serde_json::{Value, json};
use tempfile::TempDir;

/// 2026-11-21T12:00:00Z.
const NOON: i64 = 1_795_262_400_000_000_000;
const TRACE: &str = "0123456789abcdef0123456789abcdef";

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// A log record of an instrumented agent, in the seconds after noon; without a session's id where `session`
/// is empty.
fn record(session: &str, name: &str, second: i64, more: &[(&str, &str)]) -> Value {
    let mut attributes: Vec<Value> = more.iter().map(|(key, value)| text(key, value)).collect();
    if !session.is_empty() {
        attributes.push(text("session.id", session));
    }
    json!({"resourceLogs": [{
        "resource": {"attributes": [text("service.name", "tiny"), text("blotter.instrumentation.version", "1")]},
        "scopeLogs": [{"scope": {"name": "blotter.agent"}, "logRecords": [{
            "timeUnixNano": (NOON + second * 1_000_000_000).to_string(),
            "traceId": TRACE,
            "eventName": name,
            "attributes": attributes,
        }]}],
    }]})
}

fn write(data: &Path, tenant: Option<&str>, records: &[Value]) {
    let file: PathBuf = data.join("records.jsonl");
    let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let path = file.to_str().unwrap();
    let (code, stderr) = match tenant {
        None => {
            let (code, _, stderr) = import(data, &[&file]);
            (code, stderr)
        }
        Some(tenant) => {
            let (code, _, stderr) = triage(data, &["import", "--tenant", tenant, path]);
            (code, stderr)
        }
    };
    assert_eq!(code, 0, "{stderr}");
}

/// What an agent of tenant acme did in session `sess-1`.
fn agent() -> Vec<Value> {
    let call = [
        ("gen_ai.tool.call.id", "c1"),
        ("gen_ai.tool.name", "shell"),
        ("gen_ai.tool.call.arguments", "ls"),
    ];
    vec![
        record("sess-1", "blotter.session.started", 0, &[]),
        record("sess-1", "blotter.prompt", 1, &[("blotter.prompt.text", "list files")]),
        record("sess-1", "blotter.call.started", 2, &call),
    ]
}

/// What tenant bad says under the same ids, and beside them.
fn intruder() -> Vec<Value> {
    let allowed = [
        ("gen_ai.tool.call.id", "c1"),
        ("blotter.decision", "allow"),
        ("blotter.decision.source", "user"),
    ];
    vec![
        record("sess-1", "blotter.decision", 3, &allowed),
        record("sess-1", "blotter.prompt", 4, &[("blotter.prompt.text", "INJECTED")]),
        record("", "blotter.decision", 5, &allowed),
        record("sess-2", "blotter.session.started", 6, &[("blotter.session.parent_id", "sess-1")]),
    ]
}

fn of_both() -> TempDir {
    let data = TempDir::new().unwrap();
    write(data.path(), Some("acme"), &agent());
    write(data.path(), Some("bad"), &intruder());
    data
}

/// One document, or one a line.
fn lines(stdout: &str) -> Vec<Value> {
    serde_json::Deserializer::from_str(stdout).into_iter().map(Result::unwrap).collect()
}

/// The document without what names its tenant.
fn without_tenant(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("tenant");
            fields.values_mut().for_each(without_tenant);
        }
        Value::Array(values) => values.iter_mut().for_each(without_tenant),
        _ => {}
    }
}

#[test]
fn a_session_is_told_as_if_no_other_tenant_had_named_it() {
    let alone = TempDir::new().unwrap();
    write(alone.path(), None, &agent());
    let both = of_both();
    for command in [vec!["show", "sess-1"], vec!["receipt", "sess-1/c1"], vec!["gaps", "sess-1"]] {
        let told = |data: &Path, more: &[&str]| {
            let arguments = [&["--format", "json"], command.as_slice(), more].concat();
            let (code, stdout, stderr) = triage(data, &arguments);
            assert!(code < 2, "{command:?}: {stderr}");
            (code, stdout)
        };
        let (code, expected) = told(alone.path(), &[]);
        let (own_code, own) = told(both.path(), &["--tenant", "acme"]);
        assert!(!own.contains("INJECTED") && !expected.contains("tenant"), "{command:?}");
        let plain = |text: &str| {
            let mut all = lines(text);
            all.iter_mut().for_each(without_tenant);
            all
        };
        assert_eq!((own_code, plain(&own)), (code, plain(&expected)), "{command:?}");
        let named = own.contains(r#""tenant":"acme""#) || own.contains(r#""tenant": "acme""#);
        assert!(lines(&own).is_empty() || named, "{command:?} {own}");
    }
}

#[test]
fn sessions_of_two_tenants_are_two_lines_with_their_tenants() {
    let data = of_both();
    let (code, stdout, _) = triage(data.path(), &["--format", "json", "sessions"]);
    let listed: Vec<(String, String, u64)> = lines(&stdout)
        .iter()
        .map(|it| {
            let text = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
            (text("session_id"), text("tenant"), it["prompts"].as_u64().unwrap())
        })
        .collect();
    let own = |id: &str, tenant: &str, prompts| (id.to_owned(), tenant.to_owned(), prompts);
    // The other session of tenant bad is nested in its own one of that id.
    assert_eq!(listed, [own("sess-1", "bad", 1), own("sess-1", "acme", 1)]);
    assert_eq!(code, 0);
    let (_, table, _) = triage(data.path(), &["sessions"]);
    let header: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(header.get(2..5), Some(["SESSION", "TENANT", "AGENT"].as_slice()), "{table}");
    let (_, one, _) = triage(data.path(), &["--format", "json", "sessions", "--tenant", "acme"]);
    assert_eq!(lines(&one).len(), 1, "{one}");
}

#[test]
fn an_id_that_two_tenants_have_needs_the_tenant() {
    let data = of_both();
    for command in [
        vec!["show", "sess-1"],
        vec!["receipt", "sess-1/c1"],
        vec!["receipt", "c1"],
        vec!["gaps", "sess-1"],
        vec!["snapshot", "sess-1"],
        vec!["diff", "sess-1", "sess-1"],
        vec!["check", "--profiles", "sess-1"],
    ] {
        let (code, stdout, stderr) = triage(data.path(), &command);
        assert_eq!((code, stdout.as_str()), (2, ""), "{command:?}");
        assert!(stderr.contains("--tenant NAME"), "{command:?}: {stderr}");
        assert!(stderr.contains("\n  acme\n  bad"), "{command:?}: {stderr}");
        let named = [command.as_slice(), &["--tenant", "acme"]].concat();
        let (code, _, stderr) = triage(data.path(), &named);
        assert!(code < 2, "{named:?}: {stderr}");
    }
    let (code, _, stderr) = triage(data.path(), &["show", "sess-1", "--tenant", "other"]);
    assert!(code == 2 && stderr.contains("no session of tenant `other` begins with"), "{stderr}");
    // What only one tenant has needs none.
    assert_eq!(triage(data.path(), &["show", "sess-2"]).0, 0);
}

#[test]
fn records_without_a_tenant_are_a_tenant_of_their_own() {
    let data = TempDir::new().unwrap();
    write(data.path(), None, &agent());
    write(data.path(), Some("bad"), &intruder());
    let (code, _, stderr) = triage(data.path(), &["show", "sess-1"]);
    assert!(code == 2 && stderr.contains("\n  -\n  bad"), "{stderr}");
    let (code, stdout, stderr) = triage(data.path(), &["show", "sess-1", "--tenant", "-"]);
    assert!(code == 0 && stdout.contains("list files"), "{stderr}");
    assert!(!stdout.contains("INJECTED") && !stdout.contains("tenant"), "{stdout}");
}

#[test]
fn a_tenant_stands_beside_the_sender() {
    let data = of_both();
    let (_, shown, _) = triage(data.path(), &["show", "sess-1", "--tenant", "acme"]);
    assert!(shown.lines().any(|line| line.split_whitespace().eq(["tenant", "acme"])), "{shown}");
    let (_, receipt, _) = triage(data.path(), &["receipt", "sess-1/c1", "--tenant", "acme"]);
    let place = |word: &str| receipt.lines().position(|line| line.trim_start().starts_with(word));
    assert_eq!(place("tenant"), place("sender").map(|line| line + 1), "{receipt}");
}

#[test]
fn questions_of_every_session_keep_tenants_apart() {
    let data = TempDir::new().unwrap();
    let token = |kind: &str| vec![("blotter.token.type".to_owned(), kind.to_owned())];
    for (tenant, kind) in [("acme", "api_key"), ("bad", "personal_access_token")] {
        let more = token(kind);
        let more: Vec<(&str, &str)> =
            more.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let loaded = [
            ("blotter.configuration.kind", "instructions"),
            ("blotter.configuration.name", "AGENTS.md"),
            (
                "blotter.configuration.digest",
                if tenant == "acme" { DIGESTS[0] } else { DIGESTS[1] },
            ),
        ];
        let records = [
            record("sess-1", "blotter.session.started", 0, &more),
            record("sess-1", "blotter.configuration.loaded", 1, &loaded),
        ];
        write(data.path(), Some(tenant), &records);
    }
    let (_, stdout, _) = triage(data.path(), &["--format", "json", "credentials"]);
    let credentials = lines(&stdout);
    let tenants: Vec<(&Value, &Value)> =
        credentials.iter().map(|it| (&it["token_type"], &it["sessions"][0]["tenant"])).collect();
    assert_eq!(credentials.len(), 2, "{stdout}");
    assert!(tenants.contains(&(&"api_key".into(), &"acme".into())), "{stdout}");
    let (_, stdout, _) =
        triage(data.path(), &["--format", "json", "configurations", "--tenant", "bad"]);
    let found = &lines(&stdout)[0]["configurations"];
    assert_eq!(found.as_array().unwrap().len(), 1, "{stdout}");
    assert_eq!(found[0]["digest"], DIGESTS[1]);
}

const DIGESTS: [&str; 2] = [
    "sha256:1111111111111111111111111111111111111111111111111111111111111111",
    "sha256:2222222222222222222222222222222222222222222222222222222222222222",
];
