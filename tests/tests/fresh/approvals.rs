//! What a person answers, and what is answered for a person.

use std::path::Path;

use blotter_tests::agents::codex::{Answer, AppServer, Codex, Home};
use blotter_tests::model::{Model, Scenario, call_id};
use blotter_tests::receipts::{NOTHING, Truth};
use serde_json::{Value, json};

use crate::trail::{Archive, Trail, with_its_spans};

/// A command that asks to run outside of the sandbox.
fn outside(command: &str) -> Value {
    json!([{"call": "exec_command", "args": {
        "cmd": command, "sandbox_permissions": "require_escalated", "justification": "it must",
    }}])
}

fn touch(folder: &Path, file: &str) -> String {
    format!("touch {}", folder.join(file).display())
}

async fn model(steps: Vec<Value>) -> anyhow::Result<Model> {
    Model::start(Scenario::from_json(&json!({ "steps": steps }).to_string())?).await
}

fn asked(steps: &[usize]) -> Vec<Option<String>> {
    steps.iter().map(|step| Some(call_id(*step, 0))).collect()
}

/// A person said yes to a command outside of the sandbox, and it ran.
const ACCEPTED: [(&str, &str); 7] = [
    ("approval_policy", "on-request"),
    ("decision", "allow"),
    ("decided_by", "user"),
    ("executed", "yes"),
    ("sandbox", "escalated"),
    ("outcome", "succeeded"),
    ("exit_code", "0"),
];

/// The same without anybody being asked.
const NOT_ASKED: [(&str, &str); 5] = [
    ("decision", "allow"),
    ("executed", "yes"),
    ("sandbox", "escalated"),
    ("outcome", "succeeded"),
    ("exit_code", "0"),
];

#[tokio::test]
async fn each_of_the_six_answers_of_a_person_is_told() -> anyhow::Result<()> {
    with_its_spans(six_answers).await
}

async fn six_answers(codex: &Codex) -> anyhow::Result<(Truth, Archive)> {
    let trail = Trail::begin().await?;
    let target = tempfile::tempdir()?;
    let file = |name: &str| target.path().join(name);
    let patch = "*** Begin Patch\n*** Add File: patched.txt\n+patched\n*** End Patch";
    let model = model(vec![
        outside(&touch(target.path(), "accepted")),
        outside(&touch(target.path(), "declined")),
        outside(&touch(target.path(), "for-session")),
        json!([{"custom": "apply_patch", "input": patch}]),
        outside(&touch(target.path(), "amended")),
        outside(&touch(target.path(), "cancelled")),
    ])
    .await?;
    let home = Home::new(&model, trail.export())?;
    let mut session = AppServer::start(codex, home, "on-request", "read-only").await?;
    let id = session.session_id().to_owned();
    let answers = [
        Answer::Accept,
        Answer::Decline,
        Answer::AcceptForSession,
        Answer::Accept,
        Answer::Amend,
        Answer::Cancel,
    ];
    let turn = session.turn("touch", &answers).await?;
    assert_eq!(turn.asked, asked(&[0, 1, 2, 3, 4, 5]));
    assert_eq!(turn.status, "interrupted", "to cancel ends the turn");
    assert!(session.folder().join("patched.txt").exists(), "the patch was not applied");
    for (name, there) in [
        ("accepted", true),
        ("declined", false),
        ("for-session", true),
        ("amended", true),
        ("cancelled", false),
    ] {
        assert_eq!(file(name).exists(), there, "{name}");
    }
    assert!(session.end().await?.success());
    let archive = trail.end().await?;

    let mut truth = Truth::of(&id);
    for step in [0, 2, 4] {
        truth.call(&call_id(step, 0), &ACCEPTED);
    }
    truth.call(
        &call_id(1, 0),
        &[
            ("decision", "deny"),
            ("decided_by", "user"),
            ("executed", "no"),
            ("outcome", "refused"),
            ("exit_code", NOTHING),
        ],
    );
    truth.call(
        &call_id(3, 0),
        &[
            ("tool", "apply_patch"),
            ("decision", "allow"),
            ("decided_by", "user"),
            ("executed", "yes"),
            ("outcome", "succeeded"),
        ],
    );
    truth.call(
        &call_id(5, 0),
        &[
            ("decision", "cancel"),
            ("decided_by", "user"),
            ("executed", "no"),
            ("outcome", "cancelled"),
            ("exit_code", NOTHING),
        ],
    );
    Ok((truth, archive))
}

#[tokio::test]
async fn what_a_grant_answers_is_not_said_to_be_a_persons_answer() -> anyhow::Result<()> {
    with_its_spans(answers_of_a_grant).await
}

async fn answers_of_a_grant(codex: &Codex) -> anyhow::Result<(Truth, Archive)> {
    let trail = Trail::begin().await?;
    let target = tempfile::tempdir()?;
    let (granted, amended, once) = (
        touch(target.path(), "granted"),
        touch(target.path(), "amended"),
        touch(target.path(), "once"),
    );
    let model = model(vec![
        outside(&granted),
        outside(&granted),
        outside(&amended),
        outside(&amended),
        outside(&once),
        outside(&once),
    ])
    .await?;
    let home = Home::new(&model, trail.export())?;
    let mut session = AppServer::start(codex, home, "on-request", "read-only").await?;
    let id = session.session_id().to_owned();
    let answers = [Answer::AcceptForSession, Answer::Amend, Answer::Accept, Answer::Accept];
    let turn = session.turn("touch", &answers).await?;
    assert_eq!(turn.asked, asked(&[0, 2, 4, 5]), "a grant answers the same command again");
    assert!(session.end().await?.success());
    let archive = trail.end().await?;
    let mut truth = Truth::of(&id);
    for step in [0, 2, 4, 5] {
        truth.call(&call_id(step, 0), &ACCEPTED);
    }
    // What a person adds to the rules is configuration from then on.
    for (step, by) in [(1, "session_grant"), (3, "config")] {
        let decided_by = [("decided_by", by)];
        truth.call(&call_id(step, 0), &[&NOT_ASKED[..], &decided_by].concat());
    }
    Ok((truth, archive))
}

#[tokio::test]
async fn a_command_that_a_person_interrupts_has_no_end() -> anyhow::Result<()> {
    with_its_spans(interrupted_command).await
}

async fn interrupted_command(codex: &Codex) -> anyhow::Result<(Truth, Archive)> {
    let trail = Trail::begin().await?;
    let long = json!({"cmd": "touch started; sleep 60", "yield_time_ms": 30_000});
    let model = model(vec![
        json!([{"call": "exec_command", "args": {"cmd": "echo one"}}]),
        json!([{"message": "one"}]),
        json!([{"call": "exec_command", "args": long}]),
    ])
    .await?;
    let home = Home::new(&model, trail.export())?;
    let mut session = AppServer::start(codex, home, "on-request", "workspace-write").await?;
    let id = session.session_id().to_owned();
    assert_eq!(session.turn("say one", &[]).await?.status, "completed");
    let started = session.folder().join("started");
    assert_eq!(session.interrupted_turn("take your time", &started).await?.status, "interrupted");
    assert!(session.end().await?.success());
    let archive = trail.end().await?;
    let mut truth = Truth::of(&id);
    truth.call(&call_id(0, 0), &[("asked", "say one"), ("outcome", "succeeded")]);
    truth.call(
        &call_id(2, 0),
        &[
            ("asked", "take your time"),
            ("decision", "allow"),
            ("decided_by", "config"),
            ("outcome", "interrupted"),
            ("exit_code", NOTHING),
        ],
    );
    Ok((truth, archive))
}

#[tokio::test]
async fn permissions_asked_for_at_run_time_hold_as_long_as_they_were_granted() -> anyhow::Result<()>
{
    with_its_spans(permissions_at_run_time).await
}

async fn permissions_at_run_time(codex: &Codex) -> anyhow::Result<(Truth, Archive)> {
    let trail = Trail::begin().await?;
    // Under the temporary folder nothing need be granted.
    let target = tempfile::tempdir_in("/var/tmp")?;
    let (turn, session_long) = (target.path().join("turn"), target.path().join("session"));
    for folder in [&turn, &session_long] {
        std::fs::create_dir(folder)?;
    }
    let wanted = |permissions: Value| {
        json!([{"call": "request_permissions", "args": {
            "reason": "it must", "permissions": permissions,
        }}])
    };
    let folder = |folder: &Path| wanted(json!({"file_system": {"write": [folder]}}));
    let write = |folder: &Path, file: &str| json!([{"call": "exec_command", "args": {"cmd": touch(folder, file)}}]);
    let model = model(vec![
        folder(&turn),
        write(&turn, "first"),
        folder(&session_long),
        wanted(json!({"network": {"enabled": true}})),
        json!([{"message": "and again"}]),
        write(&turn, "second"),
        write(&session_long, "second"),
    ])
    .await?;
    let feature = "[features]\nrequest_permissions_tool = true\n";
    let home = Home::configured(&model, trail.export(), feature)?;
    let mut session = AppServer::start(codex, home, "on-request", "read-only").await?;
    let id = session.session_id().to_owned();
    let answers = [Answer::GrantForTurn, Answer::GrantForSession, Answer::GrantNothing];
    let first = session.turn("write", &answers).await?;
    assert_eq!(first.asked, asked(&[0, 2, 3]));
    session.turn("write again", &[]).await?;
    assert!(session.end().await?.success());
    let archive = trail.end().await?;
    assert!(turn.join("first").exists(), "the grant for the turn did not hold");
    assert!(!turn.join("second").exists(), "the grant for the turn outlived it");
    assert!(session_long.join("second").exists(), "the grant for the session did not hold");

    let mut truth = Truth::of(&id);
    for step in [0, 2] {
        truth.call(
            &call_id(step, 0),
            &[
                ("tool", "request_permissions"),
                ("decision", "allow"),
                ("decided_by", "user"),
                ("outcome", "succeeded"),
            ],
        );
    }
    truth.call(
        &call_id(3, 0),
        &[("decision", "deny"), ("decided_by", "user"), ("outcome", "refused")],
    );
    truth.call(&call_id(5, 0), &[("sandbox", "denied"), ("outcome", "blocked")]);
    for step in [1, 6] {
        truth.call(
            &call_id(step, 0),
            &[
                ("decision", "allow"),
                ("decided_by", "config"),
                ("executed", "yes"),
                ("outcome", "succeeded"),
                ("exit_code", "0"),
            ],
        );
    }
    Ok((truth, archive))
}
