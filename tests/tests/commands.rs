//! The commands of the README, as a new user types them.

#![allow(clippy::indexing_slicing, reason = "a missing value fails the test")]

use std::time::Duration;

use blotter_tests::captures;
use blotter_tests::client::{Answer, Sender};
use blotter_tests::processes::{Daemon, triage};
use blotter_tests::shown::Shown;
use serde_json::Value;

/// Longest wait for what was acknowledged to be visible; it is about a second when the collector is idle.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn what_is_sent_to_triage_up_is_listed_and_shown_while_it_runs() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let mut up = Daemon::triage_up(data.path())?;
    let addresses = up.addresses().await?;
    let mut sender = Sender::http(addresses.http).await?;
    for export in captures::named("codex/01-exec-ok-workspace-write")?.exports()? {
        assert!(matches!(sender.send(&export).await?, Answer::Acknowledged(_)));
    }
    let archive = data.path().join("archive");
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let session = loop {
        let listed = triage(&archive, ["sessions", "--format", "json"]).await?;
        assert_eq!(listed.exit_code, Some(0), "{}", listed.stderr);
        if let Some(line) = listed.stdout.lines().next() {
            let session: Value = serde_json::from_str(line)?;
            break session["session_id"].as_str().unwrap_or_default().to_owned();
        }
        assert!(tokio::time::Instant::now() < deadline, "no session was listed in time");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(session, "01a1fb66-2a6e-7a00-a545-35ab1439446a");
    let beginning = "01a1fb66-2a6e";

    // Its events are in one commit with the session's first or in a later one.
    let calls = loop {
        let shown = triage(&archive, ["show", beginning, "--format", "json"]).await?;
        assert!(shown.exit_code.is_some_and(|code| code < 2), "{}", shown.stderr);
        let calls = Shown::read(&shown.stdout)?.calls().len();
        if calls == 3 || tokio::time::Instant::now() > deadline {
            break calls;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(calls, 3);
    let text = triage(&archive, ["show", &session]).await?.stdout;
    assert!(text.contains("exit 3"), "{text}");
    assert!(up.terminate().await?.success());
    Ok(())
}

#[tokio::test]
async fn the_demo_shows_a_session_without_any_agent() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let demo = triage(&data.path().join("archive"), ["demo"]).await?;
    assert!(demo.exit_code.is_some_and(|code| code < 2), "{}", demo.stderr);
    assert!(demo.stdout.lines().count() > 10, "{}", demo.stdout);
    Ok(())
}
