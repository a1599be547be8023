//! Agents that may not be passed on: they are driven where somebody installed them.

use blotter_tests::agents::claude::Claude;
use blotter_tests::agents::copilot::Copilot;
use blotter_tests::model::{Model, Scenario, call_id};
use blotter_tests::receipts::Truth;

use crate::trail::Trail;

const ALLOWED: [(&str, &str); 3] =
    [("decision", "allow"), ("executed", "yes"), ("outcome", "succeeded")];
const REFUSED: [(&str, &str); 4] =
    [("decision", "deny"), ("decided_by", "config"), ("executed", "no"), ("outcome", "refused")];

#[tokio::test]
async fn what_claude_code_refuses_with_nobody_to_ask_no_person_refused() -> anyhow::Result<()> {
    const SCENARIO: &str = r#"{"steps": [
      [{"call": "Bash", "args": {"command": "echo hello", "description": "greet"}}],
      [{"call": "Bash", "args": {"command": "touch made.txt", "description": "make"}}],
      [{"message": "All done."}]
    ]}"#;
    let Some(claude) = Claude::present() else { return Ok(()) };
    let trail = Trail::begin().await?;
    let model = Model::start(Scenario::from_json(SCENARIO)?).await?;
    let arguments = ["--permission-mode", "default", "--allowedTools", "Bash(echo:*)"];
    let run = claude.prompt(&model, trail.addresses.http, &arguments).await?;
    let archive = trail.end().await?;
    assert_eq!(run.exit_code, Some(0), "{}", run.stderr);
    assert!(!run.folder.path().join("made.txt").exists(), "{:#?}", run.events);
    let mut truth = Truth::of(run.session_id()?);
    let common = [("tool", "Bash"), ("approval_policy", "default"), ("decided_by", "config")];
    truth.call(&call_id(0, 0), &[&common[..], &ALLOWED].concat());
    truth.call(&call_id(1, 0), &[&common[..], &REFUSED].concat());
    truth.held_by(&archive.path()).await
}

#[tokio::test]
async fn what_copilot_denies_by_rule_and_for_want_of_a_person_is_told_from_spans()
-> anyhow::Result<()> {
    const SCENARIO: &str = r#"{"steps": [
      [{"call": "bash", "args": {"command": "echo hello", "description": "greet"}}],
      [{"call": "bash", "args": {"command": "touch made.txt", "description": "make"}}],
      [{"call": "create", "args": {"path": "new.txt", "file_text": "new"}}],
      [{"message": "All done."}]
    ]}"#;
    let Some(copilot) = Copilot::present() else { return Ok(()) };
    let trail = Trail::begin().await?;
    let model = Model::start(Scenario::from_json(SCENARIO)?).await?;
    let arguments = ["--allow-tool", "shell(echo:*)", "--deny-tool", "shell(touch)"];
    let run = copilot.prompt(&model, trail.addresses.http, &arguments).await?;
    let archive = trail.end().await?;
    assert_eq!(run.exit_code, Some(0), "{}", run.said);
    for file in ["made.txt", "new.txt"] {
        assert!(!run.folder.path().join(file).exists(), "{}", run.said);
    }
    let mut truth = Truth::of(run.session_id()?);
    truth.call(&call_id(0, 0), &[&ALLOWED[..], &[("tool", "bash"), ("exit_code", "0")]].concat());
    truth.call(&call_id(1, 0), &[&REFUSED[..], &[("tool", "bash")]].concat());
    truth.call(&call_id(2, 0), &[&REFUSED[..], &[("tool", "create")]].concat());
    truth.held_by(&archive.path()).await
}
