//! Calls within calls: code that calls tools, and sub-agents.

use blotter_tests::agents::codex::Codex;
use blotter_tests::model::{Model, Scenario, call_id, sub_agent_call_id};
use blotter_tests::receipts::{Receipt, Truth};
use serde_json::json;

use crate::trail::Trail;

/// A model that Codex lets call tools by code.
const MODEL: [&str; 4] = ["-s", "workspace-write", "-m", "gpt-6-astra"];

#[tokio::test]
async fn what_code_calls_has_receipts_of_its_own() -> anyhow::Result<()> {
    // The temporary folder may be written to.
    let target = tempfile::tempdir_in("/var/tmp")?;
    let denied = target.path().join("denied");
    let code = format!(
        "text(await tools.exec_command({{cmd: 'cat README.md'}}));\n\
         try {{ text(await tools.exec_command({{cmd: 'echo x > {}'}})); }} catch (error) {{ text(error); }}\n",
        denied.display(),
    );
    let scenario = json!({"steps": [[{"custom": "exec", "input": code}]]});
    let Some(codex) = Codex::installed()? else { return Ok(()) };
    let trail = Trail::begin().await?;
    let model = Model::start(Scenario::from_json(&scenario.to_string())?).await?;
    let run = codex.exec(&model, trail.export(), &MODEL, "look").await?;
    let archive = trail.end().await?;
    assert_eq!(run.exit_code, Some(0), "{}", run.stderr);
    assert!(!denied.exists(), "the sandbox did not stop it");

    let outer = format!("{}/{}", run.session_id()?, call_id(0, 0));
    let receipt = Receipt::of(&archive.path(), &outer).await?;
    assert_eq!(receipt.says("tool"), "exec");
    let within: Vec<&str> =
        receipt.0["calls"].as_array().into_iter().flatten().filter_map(|id| id.as_str()).collect();
    let [read, write] = within[..] else { anyhow::bail!("not two calls: {:#}", receipt.0) };
    let mut truth = Truth::of(&run.session_id()?);
    let ran = [
        ("tool", "exec_command"),
        ("decision", "allow"),
        ("decided_by", "config"),
        ("executed", "yes"),
    ];
    let succeeded = [("outcome", "succeeded"), ("exit_code", "0")];
    let stopped = [("sandbox", "denied"), ("outcome", "blocked"), ("exit_code", "1")];
    truth.elsewhere(read, &[&ran[..], &succeeded].concat());
    truth.elsewhere(write, &[&ran[..], &stopped].concat());
    truth.held_by(&archive.path()).await?;
    for address in [read, write] {
        let nested = Receipt::of(&archive.path(), address).await?;
        assert_eq!(nested.0["within"]["address"], outer);
    }
    Ok(())
}

#[tokio::test]
async fn what_a_sub_agent_calls_is_told_of_its_own_session() -> anyhow::Result<()> {
    let scenario = json!({
        "steps": [
            [{"call": "spawn_agent", "namespace": "collaboration", "args": {
                "task_name": "touching", "message": "touch a file",
            }}],
            [{"call": "wait_agent", "namespace": "collaboration", "args": {"timeout_ms": 20_000}}],
        ],
        "sub_agent": [
            [{"custom": "exec", "input": "text(await tools.exec_command({cmd: 'touch touched.txt'}));"}],
            [{"message": "touched"}],
        ],
    });
    let Some(codex) = Codex::installed()? else { return Ok(()) };
    let trail = Trail::begin().await?;
    let model = Model::start(Scenario::from_json(&scenario.to_string())?).await?;
    let arguments = [&MODEL[..], &["-c", "features.multi_agent_v2=true"]].concat();
    let run = codex.exec(&model, trail.export(), &arguments, "have it touched").await?;
    let archive = trail.end().await?;
    assert_eq!(run.exit_code, Some(0), "{}", run.stderr);
    assert!(run.folder.path().join("touched.txt").exists(), "the sub-agent touched nothing");

    let session = run.session_id()?;
    let mut truth = Truth::of(&session);
    truth.call(
        &call_id(0, 0),
        &[
            ("asked", "have it touched"),
            ("tool", "spawn_agent"),
            ("decision", "allow"),
            ("executed", "yes"),
            ("outcome", "succeeded"),
        ],
    );
    let outer = Receipt::of(&archive.path(), &sub_agent_call_id(0, 0)).await?;
    assert_ne!(outer.0["session_id"], session, "a sub-agent has a session of its own");
    let nested = outer.0["calls"][0].as_str().unwrap_or_default();
    truth.elsewhere(
        nested,
        &[
            ("tool", "exec_command"),
            ("decision", "allow"),
            ("decided_by", "config"),
            ("executed", "yes"),
            ("outcome", "succeeded"),
            ("exit_code", "0"),
        ],
    );
    truth.held_by(&archive.path()).await
}
