//! The program as people and scripts run it.
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
use std::process::{Command as Process, Stdio};

use assert_cmd::Command;
use program::{import, triage};
use serde_json::Value;
use tempfile::TempDir;

/// A data folder with two captures in its archive.
fn filled() -> TempDir {
    let folder = TempDir::new().unwrap();
    let captures = ["codex/04-guardian-deny", "claude-code/03-denied"].map(captures::requests);
    let files: Vec<&Path> = captures.iter().flatten().map(PathBuf::as_path).collect();
    let (code, summary, stderr) = import(folder.path(), &files);
    assert_eq!(code, 0, "{stderr}");
    assert!(summary["rows_added"].as_u64().unwrap() > 0);
    folder
}

#[test]
fn importing_again_adds_nothing_also_when_a_file_is_named_twice() {
    let folder = TempDir::new().unwrap();
    let capture = captures::folder("claude-code/10-http-json");
    let (code, first, _) = import(folder.path(), &[&capture]);
    assert_eq!((code, &first["rows_known"]), (0, &Value::from(0)));
    let (code, second, _) = import(folder.path(), &[&capture, &capture.join("0002.logs.json")]);
    assert_eq!((code, &second["rows_added"]), (0, &Value::from(0)));
    assert!(second["rows_known"].as_u64() > first["rows_added"].as_u64());
}

#[test]
fn a_capture_folder_goes_in_whole_and_what_is_not_telemetry_is_listed_as_skipped() {
    let folder = TempDir::new().unwrap();
    let (code, summary, _) = import(folder.path(), &[&captures::folder("claude-code/03-denied")]);
    assert_eq!((code, &summary["files"]), (0, &Value::from(3)));
    let skipped = summary["skipped"].to_string();
    assert!(skipped.contains("asked.json") && skipped.contains("no resourceLogs"), "{skipped}");
    assert_eq!(summary["damaged"], Value::Array(Vec::new()));
}

#[test]
fn a_damaged_file_is_named_with_the_place_and_the_rest_goes_in() {
    let folder = TempDir::new().unwrap();
    let capture = TempDir::new().unwrap();
    let whole =
        std::fs::read(captures::folder("claude-code/03-denied").join("0002.logs.pb")).unwrap();
    std::fs::write(capture.path().join("1.logs.pb"), &whole[..whole.len() - 7]).unwrap();
    std::fs::write(capture.path().join("2.logs.json"), "{\"resourceLogs\": [\n {\"x\": ]").unwrap();
    std::fs::write(capture.path().join("3.logs.pb"), &whole).unwrap();
    let (code, summary, stderr) = import(folder.path(), &[capture.path()]);
    assert_eq!((code, &summary["files"]), (2, &Value::from(1)), "{stderr}");
    assert!(stderr.contains("1.logs.pb") && stderr.contains("offset 0"), "{stderr}");
    assert!(stderr.contains("2.logs.json") && stderr.contains("line 2"), "{stderr}");
    let (_, again, _) = import(folder.path(), &[capture.path()]);
    assert_eq!(again["rows_added"], Value::from(0));
}

#[test]
fn a_named_file_that_is_missing_or_not_recognised_is_an_error_and_signal_helps() {
    let folder = TempDir::new().unwrap();
    let capture = captures::folder("claude-code/03-denied");
    let (code, _, stderr) = import(folder.path(), &[Path::new("/nowhere/x.logs.pb")]);
    assert!(code == 2 && stderr.contains("/nowhere/x.logs.pb"), "{stderr}");
    let (code, _, stderr) = import(folder.path(), &[&capture.join("asked.json")]);
    assert!(code == 2 && stderr.contains("--signal"), "{stderr}");
    let copy = folder.path().join("body.bin");
    std::fs::copy(capture.join("0002.logs.pb"), &copy).unwrap();
    let archive = folder.path().join("archive");
    let (code, _, _) = triage(&archive, &["import", copy.to_str().unwrap(), "--signal", "logs"]);
    assert_eq!(code, 0);
}

#[test]
fn the_signal_is_told_by_content_where_the_name_does_not() {
    let folder = TempDir::new().unwrap();
    let capture = captures::folder("codex/04-guardian-deny");
    let (pb, json) = (folder.path().join("a.pb"), folder.path().join("b.json"));
    std::fs::copy(capture.join("0001.traces.pb"), &pb).unwrap();
    std::fs::copy(captures::folder("claude-code/10-http-json").join("0002.logs.json"), &json)
        .unwrap();
    let (code, summary, stderr) = import(&folder.path().join("archive"), &[&pb, &json]);
    assert_eq!((code, &summary["files"]), (0, &Value::from(2)), "{stderr}");
}

#[test]
fn sessions_come_newest_first_one_json_object_a_line() {
    let archive = filled();
    let (code, stdout, _) = triage(archive.path(), &["sessions", "--nested", "--format", "json"]);
    assert_eq!(code, 0);
    let sessions: Vec<Value> =
        stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let agents: Vec<_> =
        sessions.iter().map(|session| session["agent"].as_str().unwrap()).collect();
    assert_eq!(agents, ["claude-code", "codex", "codex"]);
    assert_eq!(sessions[0]["denied"], 3);
    assert_eq!(sessions[1]["parent_session_id"], sessions[2]["session_id"]);
    assert_eq!(sessions[1]["relation"], "reviewer");
    let (_, stdout, _) = triage(archive.path(), &["sessions", "--agent", "codex", "--limit", "1"]);
    assert_eq!(stdout.lines().count(), 2, "{stdout}");
    let (_, stdout, _) = triage(
        archive.path(),
        &["sessions", "--since", "2026-11-21T00:05:00Z", "--format", "json"],
    );
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    let (_, stdout, _) = triage(
        archive.path(),
        &["sessions", "--nested", "--until", "2026-11-21T00:05:00Z", "--format", "json"],
    );
    assert_eq!(stdout.lines().count(), 2, "{stdout}");
    let (code, _, stderr) = triage(archive.path(), &["sessions", "--since", "soon"]);
    assert!(code == 2 && stderr.contains("`soon` is no time"), "{stderr}");
}

#[test]
fn a_reviewers_conversation_is_no_session_of_a_user() {
    let archive = filled();
    let (_, stdout, stderr) = triage(archive.path(), &["sessions", "--format", "json"]);
    let listed: Vec<Value> =
        stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(listed.len(), 2, "{stdout}");
    assert!(listed.iter().all(|session| session["parent_session_id"].is_null()), "{stdout}");
    assert!(stderr.contains("--nested"), "{stderr}");
    // Where the session that it belongs to is not in the list, it is not hidden.
    let reviewer = &["sessions", "--since", "2026-11-21T00:05:00Z", "--format", "json"];
    assert_eq!(triage(archive.path(), reviewer).1.lines().count(), 1);
}

#[test]
fn show_from_the_archive_says_what_the_capture_says() {
    let archive = filled();
    for name in ["codex/04-guardian-deny", "claude-code/03-denied"] {
        let expected = captures::examined(name);
        let (code, stdout, stderr) =
            triage(archive.path(), &["show", &expected.session_id, "--format", "json"]);
        assert_eq!((code, stderr.as_str()), (0, ""));
        assert_eq!(stdout, blotter_triage::render::json::show(&expected).unwrap());
        let (_, stdout, _) = triage(archive.path(), &["show", &expected.session_id]);
        let options =
            blotter_triage::render::text::Options { width: 80, colour: false, full: false };
        assert_eq!(stdout, blotter_triage::render::text::show(&expected, options));
    }
}

#[test]
fn gaps_finds_in_one_session_or_in_all_and_says_so_by_its_exit_code() {
    let folder = TempDir::new().unwrap();
    let captures = ["codex/03-mcp", "claude-code/10-http-json"].map(captures::folder);
    import(folder.path(), &[&captures[0], &captures[1]]);
    let (code, stdout, _) = triage(folder.path(), &["gaps", "01a1fb67"]);
    assert_eq!(code, 1, "{stdout}");
    assert!(
        stdout.starts_with("Session 01a1fb67-") && stdout.contains("user_decision_with_nobody")
    );
    let (code, all, _) = triage(folder.path(), &["gaps", "--format", "json"]);
    let rules: Vec<String> = all
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["rule"].to_string())
        .collect();
    assert!(
        code == 1 && rules.contains(&"\"user_decision_with_nobody_to_ask\"".to_owned()),
        "{all}"
    );
    let (code, stdout, stderr) = triage(folder.path(), &["gaps", "--severity", "high"]);
    assert_eq!((code, stdout.as_str()), (0, ""), "{stdout}");
    assert!(stderr.contains("Nothing found in 2 sessions"), "{stderr}");
    let (code, _, stderr) = triage(folder.path(), &["gaps", "--since", "1m"]);
    assert!(code == 0 && stderr.contains("in 0 sessions"), "{stderr}");
    let (code, stdout, _) = triage(folder.path(), &["gaps", "--rules"]);
    assert!(code == 0 && stdout.contains("sequence_hole  medium"), "{stdout}");
    let (code, _, stderr) = triage(folder.path(), &["gaps", "--severity", "dire"]);
    assert!(code == 2 && stderr.contains("info, low, medium, high"), "{stderr}");
}

#[test]
fn show_ends_with_1_for_what_is_not_whole_only_when_it_is_strict() {
    let archive = filled();
    // What this trail lacks, its agent never tells; the other one's agent keeps its answers back.
    for (session, strict) in [("e82067", 0), ("01a1fb67-7b54", 1)] {
        assert_eq!(triage(archive.path(), &["show", session]).0, 0);
        assert_eq!(triage(archive.path(), &["show", session, "--strict"]).0, strict);
    }
}

#[test]
fn a_unique_prefix_is_enough_an_ambiguous_one_lists_the_candidates() {
    let archive = filled();
    let (code, stdout, _) = triage(archive.path(), &["show", "e82067"]);
    assert!(code == 0 && stdout.starts_with("Session e82067ae-"), "{stdout}");
    let (code, stdout, stderr) = triage(archive.path(), &["show", "01a1fb67"]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("01a1fb67-7b54-7802") && stderr.contains("01a1fb67-7b81"), "{stderr}");
    let (code, _, stderr) = triage(archive.path(), &["show", "ffff"]);
    assert!(code == 2 && stderr.contains("triage sessions"), "{stderr}");
}

#[test]
fn options_go_before_or_after_the_command_and_explain_goes_to_stderr() {
    let archive = filled();
    let place = archive.path().join("archive");
    let place = place.to_str().unwrap();
    let after = Command::new(env!("CARGO_BIN_EXE_triage"))
        .args(["show", "e82067", "--explain", "--format", "json", "--archive", place])
        .output()
        .unwrap();
    let (_, before, _) = triage(archive.path(), &["--format", "json", "show", "e82067"]);
    assert_eq!(String::from_utf8(after.stdout).unwrap(), before);
    let explained = String::from_utf8(after.stderr).unwrap();
    for word in ["files", "row groups", "pages", "bytes"] {
        assert!(explained.contains(word), "{explained}");
    }
}

#[test]
fn a_missing_archive_is_named_and_is_not_created() {
    let folder = TempDir::new().unwrap();
    let place = folder.path().join("none");
    for arguments in [&["sessions"][..], &["show", "a"]] {
        let (code, stdout, stderr) = triage(&place, arguments);
        assert_eq!((code, stdout.as_str()), (2, ""));
        assert!(stderr.contains("no archive at") && stderr.contains("none"), "{stderr}");
    }
    assert!(!place.exists());
}

#[test]
fn a_closed_pipe_is_no_error() {
    let archive = filled();
    let mut child = Process::new(env!("CARGO_BIN_EXE_triage"))
        .args(["show", "01a1fb67-7b54", "--format", "json", "--archive"])
        .arg(archive.path().join("archive"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn connect_prints_text_to_paste_and_nothing_else_on_stdout() {
    let none = Path::new("/nowhere");
    let (code, stdout, _) = triage(none, &["connect", "codex", "--endpoint", "http://127.0.0.1:9"]);
    assert_eq!(code, 0);
    assert!(stdout.starts_with("[otel]\n") && stdout.contains("http://127.0.0.1:9/v1/metrics"));
    let (_, stdout, _) = triage(none, &["connect", "claude-code"]);
    assert!(stdout.lines().all(|line| line.starts_with("export ") || line.starts_with('#')));
    let (_, stdout, _) = triage(none, &["connect", "claude-code", "--format", "json"]);
    let document: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(document["agent"], "claude-code");
}

#[test]
fn the_demo_needs_nothing_and_can_be_run_again() {
    let folder = TempDir::new().unwrap();
    let run = || {
        let output = Command::new(env!("CARGO_BIN_EXE_triage"))
            .current_dir(folder.path())
            .env_remove("BLOTTER_ARCHIVE")
            .arg("demo")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0));
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (first, _) = run();
    assert!(first.contains("denied by AutomatedReviewer"), "{first}");
    let (second, stderr) = run();
    assert_eq!(first, second);
    assert!(stderr.contains(" 0 rows are new"), "{stderr}");
}

#[test]
fn the_help_of_every_command_gives_examples() {
    for command in [
        "up",
        "connect",
        "import",
        "sessions",
        "show",
        "receipt",
        "gaps",
        "snapshot",
        "diff",
        "demo",
        "check",
        "configurations",
        "credentials",
        "profiles",
    ] {
        let (code, stdout, _) = triage(Path::new("."), &[command, "--help"]);
        assert_eq!(code, 0);
        assert!(stdout.contains(&format!("triage {command}")), "{stdout}");
    }
}

#[test]
fn coverage_tells_what_an_agent_reports_and_which_agents_are_known() {
    let nowhere = Path::new("no-archive-is-needed");
    let (code, stdout, _) = triage(nowhere, &["coverage", "gemini-cli"]);
    assert_eq!(code, 0);
    assert!(stdout.contains("What it cannot tell:") && stdout.contains("telemetry.logPrompts"));
    let (code, stdout, _) = triage(nowhere, &["coverage", "gemini_cli", "--format", "json"]);
    let document: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, document["dialect"].as_str()), (0, Some("gemini_cli")));
    let (code, known, _) = triage(nowhere, &["coverage"]);
    assert_eq!((code, known.lines().count()), (0, 8));
    let (code, _, stderr) = triage(nowhere, &["coverage", "hal-9000"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("known are") && stderr.contains("codex"));
}

/// A data folder with the same run twice, over two transports, and another one.
fn with_runs() -> TempDir {
    let folder = TempDir::new().unwrap();
    let captures =
        ["codex/01-exec-ok-workspace-write", "codex/12-grpc", "codex/02-denied-readonly"];
    let captures = captures.map(captures::folder);
    let paths: Vec<&Path> = captures.iter().map(std::path::PathBuf::as_path).collect();
    assert_eq!(import(folder.path(), &paths).0, 0);
    folder
}

#[test]
fn a_snapshot_goes_to_stdout_or_whole_into_a_file_and_replaces_only_a_snapshot() {
    let archive = with_runs();
    let (code, stdout, stderr) = triage(archive.path(), &["snapshot", "01a1fb66-2a6e"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.starts_with("{\n  \"format\": \"blotter.snapshot/1\""), "{stdout}");
    let file = archive.path().join("run.json");
    let name = file.to_str().unwrap();
    let save = |more: &[&str]| {
        let arguments = [&["snapshot", "01a1fb66-2a6e", "-o", name][..], more].concat();
        triage(archive.path(), &arguments)
    };
    for _ in 0..2 {
        assert_eq!(save(&[]), (0, String::new(), String::new()));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), stdout);
    }
    std::fs::write(&file, "my notes").unwrap();
    let (code, _, stderr) = save(&[]);
    assert!(code == 2 && stderr.contains("run.json") && stderr.contains("--force"), "{stderr}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "my notes");
    assert_eq!(save(&["--force"]).0, 0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), stdout);
    let left: Vec<_> = std::fs::read_dir(archive.path()).unwrap().map(|it| it.unwrap()).collect();
    assert_eq!(left.len(), 3, "nothing but the archive, its journal and the file: {left:?}");
    let nowhere = archive.path().join("none").join("x.json");
    let nowhere = nowhere.to_str().unwrap();
    let (code, _, stderr) = triage(archive.path(), &["snapshot", "01a1fb66-2a6e", "-o", nowhere]);
    assert!(code == 2 && stderr.contains("x.json"), "{stderr}");
}

#[test]
fn diff_ends_with_0_for_the_same_1_for_another_and_2_for_what_cannot_be_read() {
    let archive = with_runs();
    let (code, stdout, stderr) =
        triage(archive.path(), &["diff", "01a1fb66-2a6e", "01a1fb6a-0801"]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    assert!(
        stdout.contains("Comparable  yes") && stdout.contains("cannot tell behaviour from luck")
    );
    let (code, stdout, _) = triage(archive.path(), &["diff", "01a1fb66-2a6e", "01a1fb66-3ea4"]);
    assert!(code == 1 && stdout.contains("workspace-write -> read-only"), "{stdout}");
    let file = archive.path().join("run.json");
    let name = file.to_str().unwrap();
    assert_eq!(triage(archive.path(), &["snapshot", "01a1fb66-2a6e", "-o", name]).0, 0);
    let json = ["diff", name, "01a1fb66-3ea4", "--format", "json"];
    let (code, stdout, _) = triage(archive.path(), &json);
    let document: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &document["format"]), (1, &Value::from("blotter.diff/1")));
    assert_eq!(document["a"]["source"], name);
    assert_eq!(document["differences"][0]["class"], "policy_changed");
    // Two files need no archive.
    assert_eq!(triage(Path::new("/nowhere"), &["diff", name, name]).0, 0);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("blotter.snapshot/1", "blotter.snapshot/9")).unwrap();
    for (arguments, expected) in [
        (["diff", name, "01a1fb66-2a6e"], "take it again"),
        (["diff", "01a1fb66", "01a1fb66-2a6e"], "begins 2 sessions"),
        (["diff", "ffff", "01a1fb66-2a6e"], "triage sessions"),
    ] {
        let (code, stdout, stderr) = triage(archive.path(), &arguments);
        assert_eq!((code, stdout.as_str()), (2, ""));
        assert!(stderr.contains(expected), "{stderr}");
    }
}

#[test]
fn a_key_is_added_to_the_file_that_is_named_before_or_after_the_action() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("fleet.key");
    let file = file.to_str().unwrap();
    let (code, stdout, stderr) = triage(folder.path(), &["key", "rotate", "--key-file", file]);
    assert_eq!((code, stdout.lines().count()), (0, 1), "{stderr}");
    let (code, stdout, stderr) = triage(folder.path(), &["key", "--key-file", file, "rotate"]);
    assert_eq!((code, stdout.lines().count()), (0, 2), "{stderr}");
    let (code, stdout, _) = triage(folder.path(), &["key", "list", "--key-file", file]);
    assert_eq!((code, stdout.lines().count()), (0, 2));
    assert!(stdout.lines().last().unwrap().ends_with("current"), "{stdout}");
}

#[test]
fn where_there_is_no_key_the_error_says_so_once_and_what_to_do() {
    let folder = TempDir::new().unwrap();
    for command in [&["fingerprint"][..], &["key", "list"]] {
        let (code, _, stderr) = triage(folder.path(), command);
        assert_eq!(code, 2);
        assert!(stderr.contains("there is no key file"), "{stderr}");
        assert!(stderr.contains("triage key rotate"), "{stderr}");
        assert_eq!(stderr.matches("redaction.key").count(), 1, "{stderr}");
    }
    let nowhere = folder.path().join("nowhere/fleet.key");
    let nowhere = nowhere.to_str().unwrap();
    let (code, _, stderr) = triage(folder.path(), &["key", "rotate", "--key-file", nowhere]);
    assert!(code == 2 && stderr.contains("there is no folder"), "{stderr}");
}
