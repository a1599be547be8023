//! What the sandbox, the rules and the hooks of Codex stop.

use blotter_tests::agents::codex::{Codex, Home};
use blotter_tests::model::{Model, Scenario, call_id};
use blotter_tests::receipts::{NOTHING, Truth};

use crate::trail::Trail;

/// What is true of a call that no rule, hook or sandbox stood in the way of.
const LET_THROUGH: [(&str, &str); 5] = [
    ("decision", "allow"),
    ("decided_by", "config"),
    ("executed", "yes"),
    ("outcome", "succeeded"),
    ("exit_code", "0"),
];

#[tokio::test]
async fn what_the_sandbox_stopped_is_blocked_though_codex_reports_success() -> anyhow::Result<()> {
    const SCENARIO: &str = r#"{"steps": [
      [{"call": "exec_command", "args": {"cmd": "echo no > denied.txt"}}],
      [{"call": "exec_command", "args": {"cmd": "touch escalated.txt", "sandbox_permissions": "require_escalated", "justification": "it needs to be written"}}]
    ]}"#;
    let Some(codex) = Codex::installed()? else { return Ok(()) };
    let trail = Trail::begin().await?;
    let model = Model::start(Scenario::from_json(SCENARIO)?).await?;
    let run = codex.exec(&model, trail.export(), &["-s", "read-only"], "write").await?;
    let archive = trail.end().await?;
    assert_eq!(run.exit_code, Some(0), "{}", run.stderr);
    for file in ["denied.txt", "escalated.txt"] {
        assert!(!run.folder.path().join(file).exists(), "{file} was written");
    }
    let mut truth = Truth::of(&run.session_id()?);
    truth.call(
        &call_id(0, 0),
        &[
            ("asked", "write"),
            ("tool", "exec_command"),
            ("arguments", r#"{"cmd":"echo no > denied.txt"}"#),
            ("approval_policy", "never"),
            ("decision", "allow"),
            ("decided_by", "config"),
            ("executed", "yes"),
            ("sandbox", "denied"),
            ("outcome", "blocked"),
            ("exit_code", "1"),
        ],
    );
    truth.call(
        &call_id(1, 0),
        &[
            ("planned", "it needs to be written"),
            ("decision", "deny"),
            ("decided_by", "config"),
            ("executed", "no"),
            ("outcome", "refused"),
            ("exit_code", NOTHING),
        ],
    );
    truth.held_by(&archive.path()).await
}

#[tokio::test]
async fn what_a_rule_forbids_is_refused_by_the_configuration() -> anyhow::Result<()> {
    const RULES: &str = r#"prefix_rule(pattern=["git", "push"], decision="forbidden", justification="not from agents")
prefix_rule(pattern=["echo"], decision="allow")
"#;
    const SCENARIO: &str = r#"{"steps": [
      [{"call": "exec_command", "args": {"cmd": "git push origin main --force"}}],
      [{"call": "exec_command", "args": {"cmd": "echo allowed"}}]
    ]}"#;
    let Some(codex) = Codex::installed()? else { return Ok(()) };
    let trail = Trail::begin().await?;
    let model = Model::start(Scenario::from_json(SCENARIO)?).await?;
    let home = Home::new(&model, trail.export())?;
    home.write("rules/default.rules", RULES)?;
    let run = codex.exec_in(home, &["-s", "workspace-write"], "push").await?;
    let archive = trail.end().await?;
    let told = model.told_output(&call_id(0, 0)).unwrap_or_default();
    assert!(told.contains("not from agents"), "the rule did not refuse it: {told}");
    let mut truth = Truth::of(&run.session_id()?);
    truth.call(
        &call_id(0, 0),
        &[
            ("decision", "deny"),
            ("decided_by", "config"),
            ("executed", "no"),
            ("outcome", "refused"),
            ("exit_code", NOTHING),
        ],
    );
    truth.call(&call_id(1, 0), &LET_THROUGH);
    truth.held_by(&archive.path()).await
}

#[tokio::test]
async fn what_a_hook_blocks_is_denied_by_the_hook_though_no_log_says_so() -> anyhow::Result<()> {
    const HOOKS: &str = r#"{"hooks": {"PreToolUse": [{"matcher": ".*", "hooks": [{"type": "command",
      "command": "sh \"$HOME/hook.sh\""}]}]}}"#;
    const HOOK: &str = r#"if grep -q forbidden; then
  printf '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"not this"}}'
fi
"#;
    const SCENARIO: &str = r#"{"steps": [
      [{"call": "exec_command", "args": {"cmd": "touch forbidden.txt"}}],
      [{"call": "exec_command", "args": {"cmd": "touch fine.txt"}}]
    ]}"#;
    let Some(codex) = Codex::installed()? else { return Ok(()) };
    let trail = Trail::begin().await?;
    let model = Model::start(Scenario::from_json(SCENARIO)?).await?;
    let home = Home::new(&model, trail.export())?;
    home.write("hooks.json", HOOKS)?;
    home.write("hook.sh", HOOK)?;
    let arguments = ["--dangerously-bypass-hook-trust", "-s", "workspace-write"];
    let run = codex.exec_in(home, &arguments, "touch").await?;
    let archive = trail.end().await?;
    assert!(!run.folder.path().join("forbidden.txt").exists(), "the hook blocked nothing");
    assert!(run.folder.path().join("fine.txt").exists(), "{}", run.stderr);
    let mut truth = Truth::of(&run.session_id()?);
    truth.call(
        &call_id(0, 0),
        &[
            ("tool", "exec_command"),
            ("decision", "deny"),
            ("decided_by", "hook"),
            ("executed", "no"),
            ("outcome", "blocked"),
            ("exit_code", NOTHING),
        ],
    );
    truth.call(&call_id(1, 0), &LET_THROUGH);
    truth.held_by(&archive.path()).await
}
