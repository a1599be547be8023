//! The real Codex, driven by a scripted model: `triage show` tells what the script asked for and what
//! happened, by the agent's own account.

#![allow(clippy::indexing_slicing, reason = "a missing value fails the test")]

use blotter_tests::agents::codex::{Codex, Export, Finished};
use blotter_tests::model::{Model, Scenario, call_id};
use blotter_tests::processes::{Daemon, triage};
use blotter_tests::shown::{Shown, stated};
use serde_json::{Value, json};

const PROMPT: &str = "please do the task, with \"quotes\" and a\nsecond line";

/// A failed request, a failed stream, three commands, a patch and a closing message.
const SCENARIO: &str = r#"{"steps": [
  {"status": 500},
  [{"reasoning": "look around first"}, {"call": "exec_command", "args": {"cmd": "echo found && cat README.md"}}],
  {"failed": {"code": "server_error", "message": "scripted stream failure"}},
  [{"call": "exec_command", "args": {"cmd": "echo written > out.txt && cat out.txt"}},
   {"call": "exec_command", "args": {"cmd": "exit 3"}}],
  [{"custom": "apply_patch", "input": "*** Begin Patch\n*** Add File: patched.txt\n+patched\n*** End Patch"}],
  [{"message": "All done."}]
]}"#;

/// The commands of the scenario, with the place of each: step and item.
const COMMANDS: [(usize, usize, &str); 3] = [
    (1, 1, "echo found && cat README.md"),
    (3, 0, "echo written > out.txt && cat out.txt"),
    (3, 1, "exit 3"),
];

#[tokio::test]
async fn show_tells_what_codex_did_when_it_exports_over_http() -> anyhow::Result<()> {
    tells_what_happened(|addresses| Export::Http(addresses.http)).await
}

#[tokio::test]
async fn show_tells_what_codex_did_when_it_exports_over_grpc() -> anyhow::Result<()> {
    tells_what_happened(|addresses| Export::Grpc(addresses.grpc)).await
}

async fn tells_what_happened(
    export: impl Fn(blotter_tests::processes::Addresses) -> Export,
) -> anyhow::Result<()> {
    let Some(codex) = Codex::installed()? else { return Ok(()) };
    let data = tempfile::tempdir()?;
    let mut blotter = Daemon::triage_up(data.path())?;
    let export = export(blotter.addresses().await?);
    let model = Model::start(Scenario::from_json(SCENARIO)?).await?;
    let run = codex.exec(&model, export, &["-s", "workspace-write"], PROMPT).await?;
    assert_eq!(run.exit_code, Some(0), "codex failed: {}", run.stderr);
    assert_eq!(
        model.requests().len(),
        6,
        "the script was not played to its end: {:#?}",
        run.events
    );
    assert!(blotter.terminate().await?.success());

    let archive = data.path().join("archive");
    let session = run.session_id()?;
    let finished = triage(&archive, ["show", &session, "--format", "json"]).await?;
    assert_eq!(
        finished.exit_code,
        Some(0),
        "all its exporters are one speaker: {}",
        finished.stdout
    );
    let shown = Shown::read(&finished.stdout)?;
    whole(&shown, &session, &run);
    for (step, index, command) in COMMANDS {
        told_command(shown.call(&call_id(step, index))?, command, &run);
    }
    patch(shown.call(&call_id(4, 0))?, &run);
    errors(&shown);
    Ok(())
}

/// The session, its prompt, the policy in effect, the tokens, and no call that was not made.
fn whole(shown: &Shown, session: &str, run: &Finished) {
    let shown_session = &shown.0["session"];
    assert_eq!(shown_session["session_id"], session);
    assert_eq!(stated(&shown_session["policy"]["approval"]), "never");
    assert_eq!(stated(&shown_session["policy"]["sandbox"]), "workspace-write");
    let turns = shown_session["turns"].as_array().cloned().unwrap_or_default();
    assert_eq!(turns.len(), 1, "one prompt is one turn: {turns:#?}");
    let turn = &turns[0];
    assert_eq!(stated(&turn["prompt"]), PROMPT);
    assert_eq!(turn["prompt"]["grade"], "observed");

    let own = run.events.iter().find(|event| event["type"] == "turn.completed");
    let own = own.map(|event| &event["usage"]).unwrap_or(&Value::Null);
    for (shown, own) in [
        (&turn["usage"]["input"], &own["input_tokens"]),
        (&turn["usage"]["output"], &own["output_tokens"]),
        (&turn["usage"]["cached"], &own["cached_input_tokens"]),
        (&turn["usage"]["reasoning"], &own["reasoning_output_tokens"]),
    ] {
        assert!(own.is_i64(), "codex printed no usage");
        assert_eq!(stated(shown), own);
    }
    let mut calls: Vec<&str> =
        shown.calls().iter().filter_map(|call| call["call_id"].as_str()).collect();
    calls.sort_unstable();
    let mut scripted: Vec<String> =
        COMMANDS.iter().map(|(step, item, _)| call_id(*step, *item)).collect();
    scripted.push(call_id(4, 0));
    scripted.sort_unstable();
    assert_eq!(calls, scripted);
}

/// A command: what was asked, who decided, and what the agent itself printed about its end.
fn told_command(call: &Value, command: &str, run: &Finished) {
    assert_eq!(stated(&call["tool"]), "exec_command");
    let arguments = stated(&call["arguments"]).as_str().unwrap_or_default();
    let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
    assert_eq!(arguments, json!({"cmd": command}));
    approved_by_configuration(call);

    let own = run
        .completed("command_execution")
        .into_iter()
        .find(|item| item["command"].as_str().is_some_and(|line| line.contains(command)));
    let own = own.unwrap_or(&Value::Null);
    assert!(own["exit_code"].is_i64(), "codex printed no end of {command}: {:#?}", run.events);
    let result = &call["result"];
    let exit_code = &call["receipt"]["exit_code"];
    assert_eq!(stated(exit_code), &own["exit_code"]);
    assert_eq!(exit_code["grade"], "inferred", "no record states an exit code as such");
    let output = stated(&result["output"]).as_str().unwrap_or_default();
    let printed = own["aggregated_output"].as_str().unwrap_or_default();
    assert!(output.ends_with(printed), "{output:?} does not end with {printed:?}");
}

fn patch(call: &Value, run: &Finished) {
    assert_eq!(stated(&call["tool"]), "apply_patch");
    let arguments = stated(&call["arguments"]).as_str().unwrap_or_default();
    assert!(arguments.contains("*** Add File: patched.txt"), "{arguments}");
    approved_by_configuration(call);
    let changes = run.completed("file_change");
    assert_eq!(changes.len(), 1, "{:#?}", run.events);
    let applied = changes.iter().all(|change| change["status"] == "completed");
    assert_eq!(run.folder.path().join("patched.txt").exists(), applied);
    assert_eq!(stated(&call["result"]["success"]), &json!(applied));
}

/// Nobody was asked: the policy let the call pass.
fn approved_by_configuration(call: &Value) {
    let decisions = call["decisions"].as_array().cloned().unwrap_or_default();
    assert_eq!(decisions.len(), 1, "{call:#}");
    assert_eq!(stated(&decisions[0]["decision"]), "approved");
    assert_eq!(decisions[0]["decision"]["grade"], "observed");
    assert_eq!(stated(&decisions[0]["source"]), "Config");
}

/// Both failures of the model are told.
fn errors(shown: &Shown) {
    let notes = shown.notes();
    let refused = notes.iter().any(|note| stated(&note["http_status"]) == 500);
    assert!(refused, "the refused request is not told: {notes:#?}");
    let broken = notes.iter().any(|note| {
        let message = stated(&note["error_message"]).as_str().unwrap_or_default();
        message.contains("scripted stream failure")
    });
    assert!(broken, "the broken stream is not told: {notes:#?}");
}
