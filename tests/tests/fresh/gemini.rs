//! The real Gemini CLI: everything allowed, nobody to ask, a policy.
//!
//! Its calls have no id that every record carries, so a call is named by its place.

use blotter_tests::agents::Gemini;
use blotter_tests::agents::gemini::Finished;
use blotter_tests::model::{Model, Scenario};
use blotter_tests::receipts::Truth;

use crate::trail::{Archive, Trail};

async fn ran(
    scenario: &str,
    approval_mode: &str,
    policy: &str,
) -> anyhow::Result<Option<(Finished, Archive)>> {
    let Some(gemini) = Gemini::installed()? else { return Ok(None) };
    let trail = Trail::begin().await?;
    let model = Model::start(Scenario::from_json(scenario)?).await?;
    let run = gemini.prompt(&model, trail.addresses.http, approval_mode, policy).await?;
    let archive = trail.end().await?;
    assert_eq!(run.exit_code, Some(0), "{}", run.stderr);
    Ok(Some((run, archive)))
}

#[tokio::test]
async fn in_yolo_mode_nobody_accepted_what_gemini_says_was_accepted() -> anyhow::Result<()> {
    const SCENARIO: &str = r#"{"steps": [
      [{"call": "run_shell_command", "args": {"command": "touch made.txt"}}],
      [{"call": "run_shell_command", "args": {"command": "exit 3"}}],
      [{"message": "All done."}]
    ]}"#;
    let Some((run, archive)) = ran(SCENARIO, "yolo", "").await? else { return Ok(()) };
    assert!(run.folder.path().join("made.txt").exists(), "{:#?}", run.events);
    let mut truth = Truth::of(run.session_id()?);
    let allowed = [
        ("asked", "please do the task"),
        ("tool", "run_shell_command"),
        ("model", "gemini-2.5-pro"),
        ("approval_policy", "yolo"),
        ("decision", "allow"),
        ("decided_by", "config"),
        ("executed", "yes"),
    ];
    for (call, outcome) in [("@1", "succeeded"), ("@2", "failed")] {
        truth.call(call, &[&allowed[..], &[("outcome", outcome)]].concat());
    }
    truth.call("@2", &[("exit_code", "3")]);
    truth.held_by(&archive.path()).await
}

#[tokio::test]
async fn without_anybody_to_ask_gemini_does_not_know_the_tools_that_would_ask() -> anyhow::Result<()>
{
    const SCENARIO: &str = r#"{"steps": [
      [{"call": "run_shell_command", "args": {"command": "touch made.txt"}}],
      [{"call": "no_such_tool", "args": {}}],
      [{"message": "All done."}]
    ]}"#;
    let Some((run, archive)) = ran(SCENARIO, "default", "").await? else { return Ok(()) };
    assert!(!run.folder.path().join("made.txt").exists(), "{:#?}", run.events);
    let mut truth = Truth::of(run.session_id()?);
    for (call, tool) in [("@1", "run_shell_command"), ("@2", "no_such_tool")] {
        truth.call(
            call,
            &[
                ("tool", tool),
                ("approval_policy", "default"),
                ("decision", "none"),
                ("executed", "no"),
                ("outcome", "failed"),
            ],
        );
    }
    truth.held_by(&archive.path()).await
}

#[tokio::test]
async fn what_a_policy_denies_is_refused_by_the_configuration_though_the_mode_is_yolo()
-> anyhow::Result<()> {
    const POLICY: &str = r#"[[rule]]
toolName = "run_shell_command"
commandPrefix = "touch"
decision = "deny"
priority = 999
"#;
    const SCENARIO: &str = r#"{"steps": [
      [{"call": "run_shell_command", "args": {"command": "touch made.txt"}}],
      [{"call": "run_shell_command", "args": {"command": "echo fine"}}],
      [{"message": "All done."}]
    ]}"#;
    let Some((run, archive)) = ran(SCENARIO, "yolo", POLICY).await? else { return Ok(()) };
    assert!(!run.folder.path().join("made.txt").exists(), "{:#?}", run.events);
    let refused = run.results()[0];
    assert_eq!(refused["error"]["type"], "policy_violation", "{refused:#}");
    let mut truth = Truth::of(run.session_id()?);
    truth.call(
        "@1",
        &[
            ("decision", "deny"),
            ("decided_by", "config"),
            ("executed", "no"),
            ("outcome", "refused"),
        ],
    );
    truth.call(
        "@2",
        &[
            ("decision", "allow"),
            ("decided_by", "config"),
            ("executed", "yes"),
            ("outcome", "succeeded"),
        ],
    );
    truth.held_by(&archive.path()).await
}
