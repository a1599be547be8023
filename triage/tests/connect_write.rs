//! `triage connect --write` on the files of agents, as people have them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helper functions of tests"
)]

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;

/// Agents that have a file, where it lies below the home folder, what stood in it, and what must stay.
const AGENTS: [(&str, &str, &str, &str); 5] = [
    (
        "codex",
        ".codex/config.toml",
        "# mine\nmodel = \"x\" # this one\n",
        "model = \"x\" # this one",
    ),
    (
        "claude-code",
        ".claude/settings.json",
        "{\n  \"env\": {\"MINE\": \"1\"}\n}\n",
        "\"MINE\": \"1\"",
    ),
    ("gemini-cli", ".gemini/settings.json", "{\n  // mine\n  \"theme\": \"x\"\n}\n", "// mine"),
    ("qwen-code", ".qwen/settings.json", "{\n  \"theme\": \"x\"\n}\n", "\"theme\": \"x\""),
    (
        "opencode",
        ".config/opencode/opencode.json",
        "{\n  \"theme\": \"x\"\n}\n",
        "\"theme\": \"x\"",
    ),
];

fn connect(home: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_triage"))
        .env_clear()
        .env("HOME", home)
        .arg("connect")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn writing_shows_the_difference_keeps_what_stood_there_and_is_done_once() {
    for (agent, place, before, kept) in AGENTS {
        let home = TempDir::new().unwrap();
        let file = home.path().join(place);
        let folder = file.parent().unwrap();
        fs::create_dir_all(folder).unwrap();
        fs::write(&file, before).unwrap();

        let (code, diff, stderr) = connect(home.path(), &[agent, "--write"]);
        assert_eq!(code, 0, "{agent}: {stderr}");
        assert!(diff.lines().any(|line| line.starts_with('+')), "{agent}: {diff}");
        let after = fs::read_to_string(&file).unwrap();
        assert!(after.contains(kept), "{agent}: {after}");
        assert_ne!(after, before, "{agent}");
        let copies: Vec<PathBuf> = files(folder).into_iter().filter(|path| *path != file).collect();
        let [copy] = copies.as_slice() else { panic!("{agent}: {copies:?}") };
        assert_eq!(fs::read_to_string(copy).unwrap(), before, "{agent}");
        assert!(stderr.contains(&*copy.to_string_lossy()), "{agent}: {stderr}");

        let (code, diff, stderr) = connect(home.path(), &[agent, "--write"]);
        assert_eq!((code, diff.as_str()), (0, ""), "{agent}");
        assert!(stderr.contains("already"), "{agent}: {stderr}");
        assert_eq!(fs::read_to_string(&file).unwrap(), after, "{agent}");
        assert_eq!(files(folder).len(), 2, "{agent}");
    }
}

#[test]
fn a_file_that_cannot_be_read_as_what_it_is_stays_as_it_is() {
    let home = TempDir::new().unwrap();
    let file = home.path().join(".codex/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "model = \n").unwrap();
    let (code, _, stderr) = connect(home.path(), &["codex", "--write"]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("config.toml"), "{stderr}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "model = \n");
    assert_eq!(files(file.parent().unwrap()).len(), 1);
}

#[test]
fn an_agent_without_a_file_of_its_own_is_an_error_that_says_what_to_do() {
    let home = TempDir::new().unwrap();
    let (code, _, stderr) = connect(home.path(), &["copilot-cli", "--write"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("shell"), "{stderr}");
    assert_eq!(files(home.path()).len(), 0);
}
