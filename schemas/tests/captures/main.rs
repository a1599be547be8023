//! Every capture of a real agent, normalised: what each record was taken to mean, as a snapshot that was
//! reviewed against what the agent had been asked to do.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

mod coverage;
mod registry;
mod rendering;

use std::fs;
use std::path::{Path, PathBuf};

use blotter_schemas::normalise::{Custody, Rows, normalise};
use blotter_schemas::otlp::{Encoding, Request, Signal};

/// Time of receipt: after everything was captured.
const RECEIVED: i64 = 1_795_300_000_000_000_000;

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures")
}

/// The requests of a capture in the order they were sent.
fn requests(folder: &Path) -> Vec<Request> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().filter_map(|path| request(path)).collect()
}

/// The request in a file named `0001.logs.pb`; none where the file is something else.
fn request(path: &Path) -> Option<Request> {
    let name = path.file_name()?.to_str()?;
    let mut parts = name.split('.').skip(1);
    let signal = Signal::from_name(parts.next()?)?;
    let encoding = match parts.next()? {
        "pb" => Encoding::Protobuf,
        "json" => Encoding::Json,
        _ => return None,
    };
    let body = fs::read(path).unwrap();
    Some(Request::decode(signal, encoding, &body).unwrap_or_else(|error| panic!("{name}: {error}")))
}

fn rows(capture: &str) -> Rows {
    let custody = Custody { received_time_unix_nano: RECEIVED, ..Custody::default() };
    let mut rows = Rows::default();
    let requests = requests(&captures().join(capture));
    assert!(!requests.is_empty(), "{capture}: nothing to normalise");
    for request in &requests {
        normalise(request, &custody, &mut rows);
    }
    rows
}

fn reviewed(capture: &str) {
    let text = rendering::render(&rows(capture));
    insta::with_settings!({
        snapshot_path => "../snapshots",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(capture.replace('/', "_"), text);
    });
}

macro_rules! reviewed {
    ($($name:ident: $capture:literal,)*) => {
        $(
            #[test]
            fn $name() {
                reviewed($capture);
            }
        )*

        /// Captures that have a snapshot.
        const REVIEWED: &[&str] = &[$($capture),*];
    };
}

reviewed! {
    codex_runs_commands_and_calls_exit_3_a_success: "codex/01-exec-ok-workspace-write",
    codex_sandbox_denies_what_was_approved_and_succeeded: "codex/02-denied-readonly",
    codex_calls_mcp_tools_and_refuses_one_in_the_users_name: "codex/03-mcp",
    codex_reviewer_allows: "codex/04-guardian-allow",
    codex_reviewer_denies: "codex/04-guardian-deny",
    codex_forbidden_commands_have_results_without_decisions: "codex/05-rules-forbidden",
    codex_applies_and_refuses_patches: "codex/06-apply-patch",
    codex_requests_fail_and_recover: "codex/07-errors",
    codex_without_sandbox_or_approvals: "codex/08-danger-full-access",
    codex_spawns_an_agent: "codex/09-multiagent",
    codex_nests_calls_in_code_mode: "codex/10-codemode",
    codex_over_http_with_json: "codex/11-http-json",
    codex_over_grpc: "codex/12-grpc",
    codex_withholds_prompt_and_output: "codex/13-redacted-max0",
    codex_hook_blocks_a_call_that_only_spans_show: "codex/14-hooks",
    codex_person_approves_declines_and_cancels: "codex/15-appserver-approvals",
    codex_reports_the_cost_of_a_turn: "codex/16-appserver-turncost",
    codex_proxy_denies_hosts: "codex/17-netproxy",
    codex_over_websocket_sends_no_api_requests: "codex/18-websocket",
    codex_person_answers_for_mcp_calls: "codex/19-appserver-mcp",
    codex_sends_once_what_a_collector_refuses: "codex/20-collector-503",
    codex_over_mutual_tls: "codex/23-mtls",
    python_sdk_over_grpc_follows_the_conventions: "codex/90-pysdk-grpc-gzip",
    python_sdk_over_http_follows_the_conventions: "codex/90-pysdk-http-gzip",
    claude_code_runs_tools_and_exit_3_is_a_failure: "claude-code/01-ok",
    claude_code_with_traces_and_content: "claude-code/02-ok-full-traces",
    claude_code_is_refused_by_configuration: "claude-code/03-denied",
    claude_code_hook_blocks: "claude-code/04-hooks",
    claude_code_calls_mcp_tools: "claude-code/05-mcp",
    claude_code_requests_fail_and_recover: "claude-code/06-errors",
    claude_code_requests_fail_for_good: "claude-code/06-errors-fatal",
    claude_code_over_grpc: "claude-code/09-grpc",
    claude_code_over_http_with_json: "claude-code/10-http-json",
    claude_code_sends_again_what_a_collector_was_too_busy_for: "claude-code/11-collector-503",
    claude_code_to_a_collector_that_cannot_read_it: "claude-code/12-collector-400",
    gemini_cli_accepts_in_nobodys_name_and_calls_exit_3_a_success: "gemini-cli/01-ok-yolo",
    gemini_cli_refuses_without_a_decision: "gemini-cli/02-denied-default",
    gemini_cli_calls_mcp_tools: "gemini-cli/03-mcp",
    gemini_cli_over_grpc: "gemini-cli/06-grpc",
    qwen_code_runs_fails_and_is_refused: "qwen-code/01-yolo",
    claude_code_starts_a_sub_agent: "claude-code/07-subagent",
    claude_code_asks_nobody: "claude-code/08-bypass",
    codex_reviewer_fails: "codex/04-guardian-broken",
    codex_ends_with_an_error: "codex/07-errors-fatal-late",
    codex_network_proxy_allows: "codex/17-netproxy-allow",
    codex_websocket_is_refused: "codex/18-ws-refused",
    codex_untrusted_commands: "codex/21-appserver-untrusted",
    codex_is_interrupted: "codex/22-appserver-interrupt",
    codex_grants_for_the_session: "codex/24-appserver-session-grant",
    codex_grants_permissions_at_run_time: "codex/25-appserver-permissions",
    codex_rules_are_amended: "codex/26-appserver-amended",
    codex_escalates: "codex/28-appserver-escalated",
    codex_grants_a_server_for_the_session: "codex/29-appserver-mcp-session",
    copilot_cli_has_nobody_to_ask: "copilot-cli/04-denied-nobody-to-ask",
    gemini_cli_policy_refuses: "gemini-cli/04-policy",
    opencode_is_refused: "opencode/02-denied",
    qwen_code_has_nobody_to_ask: "qwen-code/02-denied-default",
    copilot_cli_tells_exit_codes_on_spans_alone: "copilot-cli/01-ok",
    copilot_cli_is_denied_by_a_rule_and_by_nobody: "copilot-cli/02-denied-content",
    opencode_evaluates_permissions_in_log_lines: "opencode/01-ok",
}

/// Folders of captures that hold requests.
fn all_captures() -> Vec<String> {
    let mut all = Vec::new();
    for agent in fs::read_dir(captures()).unwrap().map(|entry| entry.unwrap()) {
        if !agent.path().is_dir() {
            continue;
        }
        for run in fs::read_dir(agent.path()).unwrap().map(|entry| entry.unwrap()) {
            let names = (agent.file_name(), run.file_name());
            all.push(format!("{}/{}", names.0.to_str().unwrap(), names.1.to_str().unwrap()));
        }
    }
    all.sort();
    all
}

#[test]
fn every_capture_has_a_reviewed_snapshot() {
    let mut reviewed: Vec<String> = REVIEWED.iter().map(|capture| (*capture).to_owned()).collect();
    reviewed.sort();
    assert_eq!(reviewed, all_captures());
}
