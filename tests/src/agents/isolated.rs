//! A command that neither sees the machine's own settings nor leaves the machine.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

/// A run that takes longer hangs: scripted runs take a few seconds.
pub(super) const TIMEOUT: Duration = Duration::from_secs(120);

/// What a command printed and returned.
#[derive(Debug)]
pub(super) struct Output {
    pub exit_code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The program in `folder`, with `home` as its home. The environment is cleared and whatever does not go
/// to loopback goes to a proxy that nobody serves.
pub(super) fn command(program: impl AsRef<OsStr>, home: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("TERM", "xterm")
        .envs(["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].map(|name| (name, "http://127.0.0.1:9")))
        .env("NO_PROXY", "127.0.0.1,localhost")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs it until it ends by itself.
pub(super) async fn finished(mut command: Command) -> anyhow::Result<Output> {
    let output = tokio::time::timeout(TIMEOUT, command.output())
        .await
        .with_context(|| format!("the agent did not end within {TIMEOUT:?}"))??;
    Ok(Output {
        exit_code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
