//! The real Codex, one of whose commands posts a decision about itself.

use std::fs;

use blotter_tests::agents::codex::{Codex, Export};
use blotter_tests::model::{Model, Scenario, call_id};
use blotter_tests::processes::{Daemon, triage};
use blotter_tests::shown::{Shown, stated};
use serde_json::json;

use super::forger;

/// The session id of the agent that runs this command, as its own files name it.
const SESSION_ID: &str = r#"$(find "$HOME/sessions" -name 'rollout-*.jsonl' | head -n 1 | grep -oE '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' | tail -n 1)"#;

#[tokio::test]
async fn what_codex_runs_cannot_approve_itself_unseen() -> anyhow::Result<()> {
    let Some(codex) = Codex::installed()? else { return Ok(()) };
    let data = tempfile::tempdir()?;
    let mut blotter = Daemon::triage_up(&data.path().join("blotter"))?;
    let addresses = blotter.addresses().await?;

    let call = call_id(0, 0);
    let attributes = [
        ("event.name", "codex.tool_decision"),
        ("conversation.id", "THE-SESSION"),
        ("call_id", &call),
        ("decision", "approved"),
        ("source", "User"),
    ];
    let forged = forger::record("0", &[("service.name", "codex_exec")], &attributes);
    let body = data.path().join("forged.json");
    fs::write(&body, &forged.body)?;
    let (http, file) = (addresses.http, body.display());
    let command = format!(
        "body=$(sed \"s/THE-SESSION/{SESSION_ID}/; s/:\\\"0\\\"/:\\\"$(date +%s%N)\\\"/g\" {file}); \
         exec 3<>/dev/tcp/{}/{}; \
         printf 'POST /v1/logs HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Type: application/json\\r\\nContent-Length: %s\\r\\nConnection: close\\r\\n\\r\\n%s' \"${{#body}}\" \"$body\" >&3; \
         head -n 1 <&3",
        http.ip(),
        http.port(),
    );
    let scenario = json!({"steps": [
        [{"call": "exec_command", "args": {"cmd": command}}],
        [{"message": "All done."}],
    ]});
    let model = Model::start(Scenario::from_json(&scenario.to_string())?).await?;
    let run = codex
        .exec(&model, Export::Http(addresses.http), &["-s", "danger-full-access"], "do it")
        .await?;
    assert_eq!(run.exit_code, Some(0), "codex failed: {}", run.stderr);
    let ran = format!("{:?}", run.completed("command_execution"));
    assert!(ran.contains("200 OK"), "the command could not post: {ran}");
    assert!(blotter.terminate().await?.success());

    let session = run.session_id()?;
    let archive = data.path().join("blotter/archive");
    let finished = triage(&archive, ["show", &session, "--format", "json"]).await?;
    assert_eq!(finished.exit_code, Some(1), "{}", finished.stdout);
    let shown = Shown::read(&finished.stdout)?;
    let speakers = shown.0["session"]["speakers"].as_array().cloned().unwrap_or_default();
    assert_eq!(
        speakers.len(),
        2,
        "the agent with all its exporters, and its command: {speakers:#?}"
    );
    assert_eq!(speakers[0]["comm"], "codex", "{speakers:#?}");
    assert_eq!(speakers[1]["rows"], 1);
    let decisions = shown.call(&call)?["decisions"].as_array().cloned().unwrap_or_default();
    let by = |source: &str| decisions.iter().find(|one| stated(&one["source"]) == source);
    let genuine = by("Config").map(|one| one["decision"].get("speakers"));
    assert_eq!(genuine, Some(None), "the agent's own decision stands: {decisions:#?}");
    let forged = by("User").and_then(|one| one["decision"].get("speakers"));
    assert_eq!(forged, Some(&json!([2])), "{decisions:#?}");
    Ok(())
}
