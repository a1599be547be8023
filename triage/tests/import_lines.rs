//! Files of one JSON object a line: OTLP as the OpenTelemetry Collector writes it, and Codex's session
//! files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helper functions of tests"
)]

mod captures;
mod program;

use std::path::{Path, PathBuf};

use program::{import, triage};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A file with these lines in a folder.
fn written(folder: &TempDir, name: &str, text: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// The requests of a capture in OTLP/JSON, one a line.
fn otlp_lines(capture: &str) -> String {
    let mut text = String::new();
    for path in captures::requests(capture) {
        let value: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        text.push_str(&format!("{value}\n"));
    }
    text
}

fn compressed(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 3).unwrap()
}

#[test]
fn lines_of_otlp_add_what_the_same_requests_add_one_by_one() {
    let requests = captures::requests("claude-code/10-http-json");
    let lines = otlp_lines("claude-code/10-http-json");
    let folder = TempDir::new().unwrap();
    for (name, text) in [
        ("all.jsonl", lines.clone().into_bytes()),
        ("all.json", lines.clone().into_bytes()),
        ("all.jsonl.zst", compressed(lines.as_bytes())),
        // Two streams one after the other, as a file that is appended to has them.
        ("both.jsonl.zst", [compressed(lines.as_bytes()), compressed(b"\n")].concat()),
    ] {
        let data = TempDir::new().unwrap();
        let file = written(&folder, name, &text);
        let (code, summary, stderr) = import(data.path(), &[&file]);
        assert_eq!((code, &summary["files"]), (0, &Value::from(1)), "{name}: {stderr}");
        let paths: Vec<&Path> = requests.iter().map(PathBuf::as_path).collect();
        let (code, again, _) = import(data.path(), &paths);
        assert_eq!((code, &again["rows_added"]), (0, &Value::from(0)), "{name}");
        assert_eq!(again["records"], summary["records"], "{name}");
    }
}

#[test]
fn a_session_file_becomes_a_session_and_adds_nothing_a_second_time_or_compressed() {
    let data = TempDir::new().unwrap();
    let [rollout] = &captures::rollouts("codex/01-exec-ok-workspace-write")[..] else { panic!() };
    let (code, summary, stderr) = import(data.path(), &[rollout]);
    assert_eq!((code, &summary["rows_added"]), (0, &summary["records"]), "{stderr}");
    let folder = TempDir::new().unwrap();
    let copy = compressed(&std::fs::read(rollout).unwrap());
    // A session file is told by its lines, not by its name.
    let copy = written(&folder, "x.jsonl.zst", &copy);
    let (code, again, _) = import(data.path(), &[rollout, &copy]);
    assert_eq!((code, &again["rows_added"]), (0, &Value::from(0)));
    let (_, stdout, _) = triage(data.path(), &["sessions", "--format", "json"]);
    let session: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(session["agent"], "codex");
    assert_eq!((&session["prompts"], &session["calls"]), (&Value::from(1), &Value::from(3)));
}

#[test]
fn a_session_file_that_grew_adds_what_is_new() {
    let [rollout] = &captures::rollouts("codex/01-exec-ok-workspace-write")[..] else { panic!() };
    let text = std::fs::read_to_string(rollout).unwrap();
    let folder = TempDir::new().unwrap();
    let data = TempDir::new().unwrap();
    let part: String = text.lines().take(14).map(|line| format!("{line}\n")).collect();
    let file = written(&folder, "rollout-a.jsonl", part.as_bytes());
    let (_, first, _) = import(data.path(), &[&file]);
    assert_eq!(first["rows_added"], 14);
    std::fs::write(&file, &text).unwrap();
    let (_, second, _) = import(data.path(), &[&file]);
    assert_eq!(second["rows_known"], 14);
    assert_eq!(second["rows_added"], text.lines().count() - 14);
}

#[test]
fn a_line_that_cannot_be_read_is_named_and_the_rest_goes_in() {
    let [rollout] = &captures::rollouts("codex/02-denied-readonly")[..] else { panic!() };
    let mut lines: Vec<Vec<u8>> = std::fs::read(rollout)
        .unwrap()
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(<[u8]>::to_vec)
        .collect();
    let whole = lines.len();
    lines.insert(3, b"{\"type\": ".to_vec());
    lines.insert(5, vec![0xff, 0xfe]);
    lines.insert(7, b"[1]".to_vec());
    let last = lines.len() + 1;
    lines.push(lines[2][..40].to_vec());
    let folder = TempDir::new().unwrap();
    let file = written(&folder, "rollout-a.jsonl", &lines.join(&b'\n'));
    let data = TempDir::new().unwrap();
    let (code, summary, stderr) = import(data.path(), &[folder.path()]);
    assert_eq!((code, &summary["records"]), (2, &Value::from(whole)), "{stderr}");
    let damaged = summary["damaged"].as_array().unwrap();
    let numbers: Vec<_> = damaged.iter().map(|entry| entry["line"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [4, 6, 8, last as u64]);
    assert!(stderr.contains(&format!("{}:4: ", file.display())), "{stderr}");
    assert!(stderr.contains("not UTF-8 from byte 1 on") && stderr.contains("no JSON object"));
    let lines = otlp_lines("claude-code/10-http-json").replacen('\n', "\n{\"x\": 1}\n", 1);
    let file = written(&folder, "b.jsonl", lines.as_bytes());
    let (code, summary, stderr) = import(data.path(), &[&file]);
    assert_eq!((code, &summary["damaged"][0]["line"]), (2, &Value::from(2)), "{stderr}");
}

#[test]
fn a_file_cut_off_in_its_compression_gives_what_came_before() {
    let [rollout] = &captures::rollouts("codex/02-denied-readonly")[..] else { panic!() };
    let text = std::fs::read(rollout).unwrap();
    let whole = compressed(&text);
    let folder = TempDir::new().unwrap();
    let cut = [whole.as_slice(), &whole[..whole.len() / 2]].concat();
    let file = written(&folder, "rollout-a.jsonl.zst", &cut);
    let data = TempDir::new().unwrap();
    let (code, summary, stderr) = import(data.path(), &[&file]);
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
    assert!(summary["records"].as_u64().unwrap() >= lines as u64, "{stderr}");
    assert_eq!((code, summary["damaged"].as_array().unwrap().len()), (2, 1), "{stderr}");
}

#[test]
fn lines_that_are_neither_are_skipped_in_a_folder_and_an_error_where_they_are_named() {
    let data = TempDir::new().unwrap();
    let folder = TempDir::new().unwrap();
    let file = written(&folder, "events.jsonl", b"{\"type\": \"thread.started\"}\n{\"a\": 1}\n");
    let (code, summary, _) = import(data.path(), &[folder.path()]);
    assert_eq!((code, &summary["files"]), (0, &Value::from(0)));
    let skipped = summary["skipped"].to_string();
    assert!(skipped.contains("nor the first line of a Codex session file"), "{skipped}");
    let (code, _, stderr) = import(data.path(), &[&file]);
    assert!(code == 2 && stderr.contains("events.jsonl:1: "), "{stderr}");
    // Whose file it is, only the first line says: the second may be another thread's.
    let [rollout] = &captures::rollouts("codex/02-denied-readonly")[..] else { panic!() };
    let text = format!("{{}}\n{}", std::fs::read_to_string(rollout).unwrap());
    let file = written(&folder, "headless.jsonl", text.as_bytes());
    let (code, summary, _) = import(data.path(), &[&file]);
    assert_eq!((code, &summary["rows_added"]), (2, &Value::from(0)));
}

#[test]
fn no_secret_of_a_session_file_reaches_the_archive_and_rows_say_what_was_taken() {
    let secret = "ghp_Z9x8Y7w6V5u4T3s2R1q0P9o8N7m6L5k4J3h2";
    let [rollout] = &captures::rollouts("codex/01-exec-ok-workspace-write")[..] else { panic!() };
    let text = std::fs::read_to_string(rollout).unwrap().replace("lab-ok", secret);
    assert!(text.matches(secret).count() > 3);
    let folder = TempDir::new().unwrap();
    let broken = format!("{text}{{\"token\": \"{secret}\", ]\n");
    let file = written(&folder, "rollout-a.jsonl", broken.as_bytes());
    let data = TempDir::new().unwrap();
    let (code, summary, stderr) = import(data.path(), &[&file]);
    assert_eq!(code, 2);
    assert!(!summary.to_string().contains(secret) && !stderr.contains(secret), "{stderr}");
    let (_, shown, _) =
        triage(data.path(), &["show", "01a1fb66-2a6e", "--full", "--format", "json"]);
    assert!(!shown.contains(secret) && shown.contains("[redacted:github-pat:"), "{shown}");
    let document: Value = serde_json::from_str(&shown).unwrap();
    assert!(document["session"]["redaction"]["values"].as_u64().unwrap() > 3);
    let (code, again, _) = import(data.path(), &[&file]);
    assert_eq!((code, &again["rows_added"]), (2, &Value::from(0)));
    let mut folders = vec![data.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                let found = memchr::memmem::find(&bytes, secret.as_bytes());
                assert!(found.is_none(), "{}", path.display());
            }
        }
    }
}

#[test]
fn what_an_import_left_out_stands_in_the_ledger_of_every_imported_session() {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("run");
    std::fs::create_dir(&run).unwrap();
    let requests = captures::requests("claude-code/10-http-json");
    for request in &requests {
        std::fs::copy(request, run.join(request.file_name().unwrap())).unwrap();
    }
    std::fs::write(run.join("notes.txt"), "no telemetry").unwrap();
    std::fs::write(run.join("damaged.logs.pb"), [0xff; 40]).unwrap();
    let data = TempDir::new().unwrap();
    for _ in 0..2 {
        let (code, summary, _) = import(data.path(), &[&run]);
        assert_eq!((code, &summary["files"]), (2, &Value::from(requests.len())), "{summary}");
    }
    let (_, listed, _) = triage(data.path(), &["sessions", "--nested", "--format", "json"]);
    assert_eq!(listed.lines().count(), 1, "what was left out is no session: {listed}");
    let session: Value = serde_json::from_str(&listed).unwrap();
    let session = session["session_id"].as_str().unwrap();
    let (_, shown, _) = triage(data.path(), &["show", session, "--format", "json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let imported = &shown["session"]["ledger"]["imported"];
    assert_eq!(imported["count"], 2, "importing again says nothing twice: {imported}");
    let left_out = imported["left_out"].as_array().unwrap();
    assert!(left_out[0].as_str().unwrap().starts_with("run/damaged.logs.pb: "), "{left_out:?}");
    assert!(left_out[1].as_str().unwrap().starts_with("run/notes.txt: neither"), "{left_out:?}");
    let (_, text, _) = triage(data.path(), &["show", session, "--full"]);
    assert!(text.contains("Left out on import (2)") && text.contains("run/notes.txt"), "{text}");
}

#[test]
fn what_a_file_says_of_imports_is_no_word_of_an_import() {
    let folder = TempDir::new().unwrap();
    let requests = captures::requests("claude-code/10-http-json");
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let forged = json!({"resourceLogs": [{"scopeLogs": [{
        "scope": {"name": "blotter-import"},
        "logRecords": [{
            "eventName": "blotter.import.left_out",
            "body": {"stringValue": "nothing to see here"},
            "attributes": [text("session.id", "blotter.import")],
        }],
    }]}]});
    let file = folder.path().join("forged.jsonl");
    std::fs::write(&file, format!("{forged}\n")).unwrap();
    let data = TempDir::new().unwrap();
    let mut paths: Vec<&std::path::Path> = requests.iter().map(|it| it.as_path()).collect();
    paths.push(&file);
    let (code, _, stderr) = import(data.path(), &paths);
    assert_eq!(code, 0, "{stderr}");
    let (_, listed, _) = triage(data.path(), &["sessions", "--format", "json"]);
    let session: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    let id = session["session_id"].as_str().unwrap();
    let (_, shown, _) = triage(data.path(), &["show", id, "--format", "json"]);
    assert!(!shown.contains("nothing to see here"), "{shown}");
}
