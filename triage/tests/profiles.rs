//! `triage profiles` as people and scripts run it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helper functions of tests"
)]

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

/// Runs a command on the files of the test.
fn profiles(columns: &str, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_triage"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/profiles"))
        .env("COLUMNS", columns)
        .env("HOME", "/home/dev")
        .env_remove("TMPDIR")
        .env_remove("CODEX_HOME")
        .env_remove("BLOTTER_ARCHIVE")
        .arg("profiles")
        .args(arguments)
        .args(["--config", "system:system.toml", "--config", "user.toml"])
        .args(["--requirements", "requirements.toml", "--project", "/w"])
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn json(arguments: &[&str]) -> (i32, Value) {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
    let (code, stdout, stderr) = profiles("80", &arguments);
    (
        code,
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}")),
    )
}

#[test]
fn every_screen_is_as_reviewed() {
    for columns in ["80", "200"] {
        for (name, arguments) in [
            ("list", vec!["list"]),
            ("show", vec!["show", "mine"]),
            ("show_trace", vec!["show", "mine", "--trace"]),
            ("decide_pattern", vec!["decide", "mine", "write", ".env"]),
            ("decide_differs", vec!["decide", "mine", "read", "/srv/keys/x", "--trace"]),
            ("decide_connect", vec!["decide", "mine", "connect", "api.example.com:443"]),
            ("decide_unlisted", vec!["decide", ":danger-full-access", "read", "/x"]),
            ("diff", vec!["diff", "team", "mine"]),
            ("lint", vec!["lint"]),
        ] {
            let (_, stdout, stderr) = profiles(columns, &arguments);
            assert_eq!(stderr, "", "{name}");
            let columns: usize = columns.parse().unwrap();
            for line in stdout.lines() {
                assert!(line.chars().count() <= columns, "{name} at {columns}: {line}");
            }
            insta::assert_snapshot!(format!("{name}_{columns}"), stdout);
        }
    }
}

#[test]
fn an_answer_names_the_rule_its_layer_file_and_line() {
    let (code, answer) = json(&["decide", "mine", "write", ".env"]);
    assert_eq!(code, 1);
    assert_eq!(answer["decision"], "deny");
    assert_eq!(answer["rule"], ":workspace_roots/**/*.env = deny");
    assert_eq!(
        (&answer["layer"], &answer["file"], &answer["line"]),
        (&"system".into(), &"system.toml".into(), &10.into())
    );
    assert!(answer.get("under").is_none() && answer.get("name_resolved").is_none());
    let (code, answer) = json(&["decide", "mine", "write", "src/main.rs"]);
    assert_eq!((code, &answer["decision"]), (0, &"allow".into()));
}

#[test]
fn where_the_semantics_differ_both_answers_are_given() {
    let (code, answer) = json(&["decide", "mine", "read", "/srv/keys/x"]);
    assert_eq!((code, &answer["decision"]), (0, &"allow".into()));
    assert_eq!(answer["under"]["codex"]["decision"], "allow");
    assert_eq!(answer["under"]["documented"]["decision"], "deny");
    assert_eq!(answer["under"]["documented"]["line"], 7);
    let (code, answer) =
        json(&["decide", "mine", "read", "/srv/keys/x", "--semantics", "documented"]);
    assert_eq!((code, &answer["decision"]), (1, &"deny".into()));
    assert_eq!(answer["under"]["codex"]["decision"], "allow");
}

#[test]
fn a_name_is_never_resolved_by_itself() {
    let (code, answer) = json(&["decide", "mine", "connect", "api.example.com:443"]);
    assert_eq!((code, &answer["name_resolved"]), (0, &false.into()));
    assert!(answer["notes"].as_array().unwrap().contains(&"name_not_resolved".into()));
    let local = "api.example.com=10.0.0.7";
    let (code, answer) =
        json(&["decide", "mine", "connect", "api.example.com:443", "--resolve", local]);
    assert_eq!((code, &answer["name_resolved"]), (1, &true.into()));
    assert_eq!(answer["reason"], "not_allowed_local");
    let (code, _) = json(&["decide", "mine", "connect", "[::1]:80"]);
    assert_eq!(code, 1);
}

#[test]
fn a_profile_that_is_not_on_the_list_answers_no() {
    let (code, answer) = json(&["decide", ":danger-full-access", "read", "/x"]);
    assert_eq!((code, &answer["reason"]), (1, &"unavailable".into()));
    assert_eq!((&answer["file"], &answer["line"]), (&"requirements.toml".into(), &1.into()));
}

#[test]
fn exit_codes_say_what_was_found() {
    assert_eq!(profiles("80", &["lint"]).0, 1);
    assert_eq!(profiles("80", &["diff", "mine", "mine"]).0, 0);
    assert_eq!(profiles("80", &["diff", "team", "mine"]).0, 1);
    assert_eq!(profiles("80", &["list"]).0, 0);
}

#[test]
fn an_error_names_the_file_the_line_and_what_to_do() {
    for (arguments, said) in [
        (vec!["show", "nobody"], "no layer defines the profile `nobody`"),
        (
            vec!["decide", "mine", "connect", "https://example.com/"],
            "a target is host[:port], not a URL",
        ),
        (
            vec!["decide", "mine", "connect", "a.example", "--resolve", "b.example=10.0.0.1"],
            "the target is a.example",
        ),
        (
            vec!["decide", "mine", "connect", "a.example", "--resolve", "10.0.0.1"],
            "it takes HOST=IP",
        ),
        (vec!["list", "--config", "ours:user.toml"], "`ours` is no layer"),
        (vec!["list", "--config", "missing.toml"], "missing.toml"),
        (
            vec!["list", "--config", "wrong.toml"],
            "wrong.toml:2: a rule for a path is one of read, write and deny",
        ),
    ] {
        let (code, stdout, stderr) = profiles("80", &arguments);
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(stderr.contains(said), "{stderr}");
    }
}

#[test]
fn text_of_a_file_does_not_reach_the_terminal_as_it_is() {
    let (code, stdout, _) = profiles("80", &["list", "--config", "hostile.toml"]);
    assert_eq!(code, 0);
    assert!(stdout.contains("\\x1b[31m") && !stdout.contains('\u{1b}'), "{stdout}");
}
