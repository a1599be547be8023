//! The automated reviewer of Codex: it allows, it denies, it fails.

use blotter_tests::agents::codex::Codex;
use blotter_tests::model::{Model, Scenario, call_id};
use blotter_tests::receipts::Truth;
use serde_json::{Value, json};

use crate::trail::Trail;

#[tokio::test]
async fn what_the_reviewer_allows_ran_on_its_word() -> anyhow::Result<()> {
    let reviewer = json!({
        "risk_level": "low", "risk_score": 12, "rationale": "harmless", "outcome": "allow",
        "evidence": [], "user_authorization": "high",
    });
    let truth = [
        ("decision", "allow"),
        ("decided_by", "reviewer"),
        ("executed", "yes"),
        ("sandbox", "escalated"),
        ("outcome", "succeeded"),
        ("exit_code", "0"),
    ];
    reviewed(reviewer, true, &truth).await
}

#[tokio::test]
async fn what_the_reviewer_denies_is_refused_on_its_word() -> anyhow::Result<()> {
    let reviewer = json!({
        "risk_level": "high", "risk_score": 95, "rationale": "dangerous", "outcome": "deny",
        "evidence": [], "user_authorization": "low",
    });
    reviewed(reviewer, false, &REFUSED).await
}

#[tokio::test]
async fn a_reviewer_that_fails_has_refused() -> anyhow::Result<()> {
    reviewed(json!("this is no assessment"), false, &REFUSED).await
}

const REFUSED: [(&str, &str); 4] =
    [("decision", "deny"), ("decided_by", "reviewer"), ("executed", "no"), ("outcome", "refused")];

async fn reviewed(reviewer: Value, runs: bool, facts: &[(&str, &str)]) -> anyhow::Result<()> {
    let Some(codex) = Codex::installed()? else { return Ok(()) };
    let trail = Trail::begin().await?;
    let target = tempfile::tempdir()?;
    let file = target.path().join("reviewed");
    let arguments = json!({
        "cmd": format!("touch {}", file.display()),
        "sandbox_permissions": "require_escalated", "justification": "it must",
    });
    let scenario = json!({
        "reviewer": reviewer,
        "steps": [[{"call": "exec_command", "args": arguments}]],
    });
    let model = Model::start(Scenario::from_json(&scenario.to_string())?).await?;
    let run = codex.exec(&model, trail.export(), &["--approve-for-me"], "touch").await?;
    let archive = trail.end().await?;
    assert_eq!(run.exit_code, Some(0), "{}", run.stderr);
    assert_eq!(file.exists(), runs, "{:#?}", run.events);
    let mut truth = Truth::of(&run.session_id()?);
    let whole = [facts, &[("approval_policy", "on-request"), ("asked", "touch")]].concat();
    truth.call(&call_id(0, 0), &whole);
    truth.held_by(&archive.path()).await
}
