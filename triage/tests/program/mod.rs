//! The program, run as people and scripts run it.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

/// Runs a command on the archive of a data folder: its exit code and what it printed.
pub fn triage(data: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_triage"))
        .env_remove("BLOTTER_ARCHIVE")
        .env_remove("COLUMNS")
        .arg("--archive")
        .arg(data.join("archive"))
        .args(arguments)
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Imports files and folders: the exit code, the summary as JSON, and what stands on standard error.
pub fn import(data: &Path, paths: &[&Path]) -> (i32, Value, String) {
    let mut arguments = vec!["--format", "json", "import"];
    arguments.extend(paths.iter().map(|path| path.to_str().unwrap()));
    let (code, stdout, stderr) = triage(data, &arguments);
    (code, serde_json::from_str(&stdout).unwrap_or(Value::Null), stderr)
}
