//! Calls of an MCP server: approved, refused, and refused without anybody being asked.

use blotter_tests::agents::codex::{Answer, AppServer, Codex, Home};
use blotter_tests::binaries::binary;
use blotter_tests::model::{Model, Scenario, call_id};
use blotter_tests::receipts::Truth;

use crate::trail::{Archive, Trail, with_its_spans};

fn server() -> anyhow::Result<String> {
    let program = binary("blotter-mcp")?;
    Ok(format!("[mcp_servers.lab]\ncommand = {:?}\n", program.display().to_string()))
}

#[tokio::test]
async fn what_a_person_answers_about_an_mcp_tool_is_told() -> anyhow::Result<()> {
    with_its_spans(answers_about_an_mcp_tool).await
}

async fn answers_about_an_mcp_tool(codex: &Codex) -> anyhow::Result<(Truth, Archive)> {
    const SCENARIO: &str = r#"{"steps": [
      [{"call": "delete_all", "namespace": "mcp__lab", "args": {"text": "accepted"}}],
      [{"call": "delete_all", "namespace": "mcp__lab", "args": {"text": "declined"}}],
      [{"call": "delete_all", "namespace": "mcp__lab", "args": {"text": "cancelled"}}],
      [{"call": "fail", "namespace": "mcp__lab", "args": {}}],
      [{"call": "delete_all", "namespace": "mcp__lab", "args": {"text": "for the session"}}],
      [{"call": "delete_all", "namespace": "mcp__lab", "args": {"text": "granted"}}]
    ]}"#;
    let trail = Trail::begin().await?;
    let model = Model::start(Scenario::from_json(SCENARIO)?).await?;
    let home = Home::configured(&model, trail.export(), &server()?)?;
    let mut session = AppServer::start(codex, home, "on-request", "read-only").await?;
    let id = session.session_id().to_owned();
    let answers = [Answer::Accept, Answer::Decline, Answer::Cancel, Answer::AcceptForSession];
    let turn = session.turn("delete", &answers).await?;
    assert_eq!(turn.status, "completed", "to cancel an MCP call does not end the turn");
    assert!(session.end().await?.success());
    let archive = trail.end().await?;

    let mut truth = Truth::of(&id);
    let called = [
        ("mcp_server", "lab"),
        ("transport", "stdio"),
        ("sandbox", "none"),
        ("decision", "allow"),
        ("executed", "yes"),
    ];
    for (step, decided_by) in [(0, "user"), (4, "user"), (5, "session_grant")] {
        let own = [("tool", "delete_all"), ("decided_by", decided_by), ("outcome", "succeeded")];
        truth.call(&call_id(step, 0), &[&called[..], &own].concat());
    }
    // It only reads, so nobody was asked and no record says why it may run.
    truth.call(&call_id(3, 0), &[&called[..], &[("tool", "fail"), ("outcome", "failed")]].concat());
    for (step, decision, outcome) in [(1, "deny", "refused"), (2, "cancel", "cancelled")] {
        truth.call(
            &call_id(step, 0),
            &[
                ("tool", "delete_all"),
                ("mcp_server", "lab"),
                ("decision", decision),
                ("decided_by", "user"),
                ("executed", "no"),
                ("outcome", outcome),
            ],
        );
    }
    Ok((truth, archive))
}

#[tokio::test]
async fn an_mcp_call_refused_with_nobody_to_ask_was_not_refused_by_a_person() -> anyhow::Result<()>
{
    const SCENARIO: &str = r#"{"steps": [
      [{"call": "echo", "namespace": "mcp__lab", "args": {"text": "hello"}}],
      [{"call": "delete_all", "namespace": "mcp__lab", "args": {"text": "everything"}}]
    ]}"#;
    let Some(codex) = Codex::installed()? else { return Ok(()) };
    let trail = Trail::begin().await?;
    let model = Model::start(Scenario::from_json(SCENARIO)?).await?;
    let home = Home::configured(&model, trail.export(), &server()?)?;
    let run = codex.exec_in(home, &["-s", "workspace-write"], "delete").await?;
    let archive = trail.end().await?;
    assert_eq!(run.exit_code, Some(0), "{}", run.stderr);
    let mut truth = Truth::of(&run.session_id()?);
    truth.call(
        &call_id(0, 0),
        &[
            ("mcp_server", "lab"),
            ("decision", "allow"),
            ("decided_by", "config"),
            ("executed", "yes"),
            ("outcome", "succeeded"),
        ],
    );
    let refused = [
        ("decision", "deny"),
        ("decided_by", "config"),
        ("executed", "no"),
        ("outcome", "refused"),
    ];
    truth.disputed_call(&call_id(1, 0), &refused, &["decided_by"]);
    truth.held_by(&archive.path()).await
}
