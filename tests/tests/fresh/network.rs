//! The network: what the proxy of Codex allows and denies, and how the model was spoken to.

use blotter_tests::agents::codex::{Codex, Home};
use blotter_tests::model::{Model, Scenario, call_id};
use blotter_tests::receipts::{NOTHING, Truth};
use serde_json::json;

use crate::trail::Trail;

const PROXY: &str = r#"[features.network_proxy]
enabled = true
domains = { "denied.test" = "deny", "127.0.0.1" = "allow" }
[sandbox_workspace_write]
network_access = true
"#;

/// A command that asks the proxy for `http://HOST:PORT/v1/models` and prints the first line.
fn fetch(host: &str, port: u16) -> String {
    format!(
        "proxy=${{HTTP_PROXY#http://}}; exec 3<>/dev/tcp/${{proxy%%:*}}/${{proxy##*:}}; \
         printf 'GET http://{host}:{port}/v1/models HTTP/1.1\\r\\nHost: {host}:{port}\\r\\nConnection: close\\r\\n\\r\\n' >&3; \
         head -n 1 <&3"
    )
}

#[tokio::test]
async fn what_the_proxy_allows_and_denies_is_told_of_the_call_that_asked() -> anyhow::Result<()> {
    let Some(codex) = Codex::installed()? else { return Ok(()) };
    let trail = Trail::begin().await?;
    // The model is the host that may be reached; the script needs its port.
    let model = Model::start_with(|address| {
        let scenario = json!({"steps": [
            [{"call": "exec_command", "args": {"cmd": fetch("127.0.0.1", address.port())}}],
            [{"call": "exec_command", "args": {"cmd": fetch("denied.test", 80)}}],
        ]});
        Scenario::from_json(&scenario.to_string())
    })
    .await?;
    let allowed = format!("127.0.0.1:{} allow", model.address().port());
    let home = Home::configured(&model, trail.export(), PROXY)?;
    let run = codex.exec_in(home, &["-s", "workspace-write"], "fetch").await?;
    let archive = trail.end().await?;
    assert_eq!(run.exit_code, Some(0), "{}", run.stderr);
    let reached = model.told_output(&call_id(0, 0)).unwrap_or_default();
    assert!(reached.contains("200 OK"), "the allowed host was not reached: {reached}");

    let mut truth = Truth::of(&run.session_id()?);
    truth.call(
        &call_id(0, 0),
        &[
            ("decision", "allow"),
            ("decided_by", "config"),
            ("executed", "yes"),
            ("network", &allowed),
            ("outcome", "succeeded"),
            ("exit_code", "0"),
        ],
    );
    truth.call(
        &call_id(1, 0),
        &[
            ("decision", "allow"),
            ("decided_by", "config"),
            ("executed", "yes"),
            ("network", "denied.test:80 deny"),
            ("outcome", "blocked"),
            ("exit_code", NOTHING),
        ],
    );
    truth.held_by(&archive.path()).await
}

#[tokio::test]
async fn a_call_that_was_asked_for_over_a_websocket_says_so() -> anyhow::Result<()> {
    const SCENARIO: &str =
        r#"{"steps": [[{"call": "exec_command", "args": {"cmd": "echo hello"}}]]}"#;
    let Some(codex) = Codex::installed()? else { return Ok(()) };
    let trail = Trail::begin().await?;
    let model = Model::start(Scenario::from_json(SCENARIO)?).await?;
    let arguments =
        ["-s", "workspace-write", "-c", "model_providers.scripted.supports_websockets=true"];
    let run = codex.exec(&model, trail.export(), &arguments, "say hello").await?;
    let archive = trail.end().await?;
    assert_eq!(run.exit_code, Some(0), "{}", run.stderr);
    assert_eq!(model.websocket_requests(), 2, "the script was not asked for over the WebSocket");
    let mut truth = Truth::of(&run.session_id()?);
    truth.call(
        &call_id(0, 0),
        &[
            ("transport", "websocket"),
            ("decision", "allow"),
            ("executed", "yes"),
            ("outcome", "succeeded"),
            ("exit_code", "0"),
        ],
    );
    truth.held_by(&archive.path()).await
}
