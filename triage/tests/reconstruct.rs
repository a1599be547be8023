//! What a session is reconstructed to, held against what the agent was told to do in each capture
//! (`asked.json`) and what really happened (`README.md` beside them).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helper functions of tests"
)]

mod captures;

use blotter_schemas::names::blotter::Grade;
use blotter_triage::fact::JoinKind;
use blotter_triage::receipt::{self, Beside};
use blotter_triage::reconstruct::Session;
use blotter_triage::reconstruct::model::{Call, Entry, Note, Relation};
use captures::session;

fn calls(session: &Session) -> Vec<&Call> {
    let entries = session.turns.iter().flat_map(|turn| &turn.entries);
    entries
        .filter_map(|entry| match entry {
            Entry::Call(call) => Some(call.as_ref()),
            Entry::Note(_) => None,
        })
        .collect()
}

fn notes<'a>(session: &'a Session, kind: &str) -> Vec<&'a Note> {
    let turns = session.turns.iter().flat_map(|turn| &turn.entries);
    turns
        .chain(&session.outside)
        .filter_map(|entry| match entry {
            Entry::Note(note) if note.kind == kind => Some(note.as_ref()),
            _ => None,
        })
        .collect()
}

/// `approved by Config`, or nothing where no decision was reported.
fn decided(call: &Call) -> Vec<String> {
    let text = |decision: &blotter_triage::reconstruct::model::Decision| {
        let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "?".to_owned());
        format!("{} by {}", word(&decision.decision.value), word(&decision.source.value))
    };
    call.decisions.iter().map(text).collect()
}

fn succeeded(call: &Call) -> Option<bool> {
    call.result.as_ref().and_then(|result| result.success.value)
}

/// The exit code, which Codex writes into the header of an output: what the receipt says.
fn exit_code(session: &Session, call: &Call) -> Option<i64> {
    let receipts = receipt::receipts(session, &Beside::default());
    receipts.iter().find(|receipt| receipt.number == call.number)?.exit_code.value
}

fn output(call: &Call) -> &str {
    call.result.as_ref().and_then(|result| result.output.value.as_deref()).unwrap_or_default()
}

fn arguments(call: &Call) -> &str {
    call.arguments.value.as_deref().unwrap_or_default()
}

#[test]
fn codex_01_three_commands_ran_and_the_third_exits_3_though_reported_as_success() {
    let session = session("codex/01-exec-ok-workspace-write");
    assert_eq!(session.agent.value.as_deref(), Some("codex"));
    assert_eq!(session.agent_version.value.as_deref(), Some("0.169.0"));
    assert_eq!(session.policy.approval.value.as_deref(), Some("never"));
    assert_eq!(session.policy.sandbox.value.as_deref(), Some("workspace-write"));
    assert_eq!(session.usage.input.value, Some(1200 + 1210 + 1220));
    assert_eq!(session.usage.output.value, Some(3 * 42));
    assert_eq!(session.requests.answered, 3);
    let [turn] = session.turns.as_slice() else { panic!("{:?}", session.turns) };
    assert_eq!(turn.prompt.value.as_deref(), Some("please do the lab task"));
    let calls = calls(&session);
    let codes: Vec<_> = calls.iter().map(|call| exit_code(&session, call)).collect();
    assert_eq!(codes, [Some(0), Some(0), Some(3)]);
    for call in &calls {
        assert_eq!(succeeded(call), Some(true));
        assert_eq!(decided(call), ["approved by Config"]);
        let result = call.result.as_ref().unwrap();
        assert_eq!(result.exit_code.grade, Grade::Missing, "no field says it");
        assert_eq!(result.success.events.len(), 2, "the log record and its copy on a span");
        assert_eq!(call.turn.as_ref().unwrap().kind, JoinKind::Explicit);
        assert_eq!(call.sandbox.grade, Grade::Missing);
    }
    assert_eq!(arguments(calls[2]), r#"{"cmd": "exit 3"}"#);
    assert!(output(calls[0]).contains("lab-ok"));
}

#[test]
fn codex_02_the_sandbox_denied_what_config_approved_and_the_escalation_was_never_decided() {
    let session = session("codex/02-denied-readonly");
    let calls = calls(&session);
    assert_eq!(decided(calls[0]), ["approved by Config"]);
    assert_eq!(calls[0].sandbox.value.as_deref(), Some("denied"));
    assert_eq!((succeeded(calls[0]), exit_code(&session, calls[0])), (Some(true), Some(1)));
    assert!(decided(calls[2]).is_empty());
    assert_eq!(succeeded(calls[2]), Some(false));
    assert!(output(calls[2]).contains("approval policy is Never"));
}

#[test]
fn codex_03_mcp_calls_name_their_server_and_whether_a_request_reached_it() {
    let session = session("codex/03-mcp");
    let calls = calls(&session);
    let tools: Vec<_> = calls.iter().map(|call| call.tool.value.as_deref().unwrap()).collect();
    assert_eq!(tools, ["echo", "fetch_secret", "fail", "delete_all", "no_such_tool"]);
    let success: Vec<_> = calls.iter().map(|call| succeeded(call)).collect();
    assert_eq!(success, [Some(true), Some(true), Some(false), Some(false), Some(false)]);
    let servers: Vec<_> = calls.iter().map(|call| call.mcp_server.value.as_deref()).collect();
    assert_eq!(servers, [Some("lab"), Some("lab"), Some("lab"), Some("lab"), None]);
    let reached: Vec<_> = calls.iter().map(|call| call.mcp_method.is_known()).collect();
    assert_eq!(reached, [true, true, true, false, false]);
    assert_eq!(calls[0].transport.value.as_deref(), Some("stdio"));
    // The sender's word, as it stands, though nobody was asked.
    assert_eq!(decided(calls[3]), ["denied by User"]);
}

#[test]
fn codex_04_the_reviewer_is_a_nested_session_and_its_verdict_is_on_the_call() {
    for (name, decision, verdict, risk) in [
        ("codex/04-guardian-allow", "approved by AutomatedReviewer", "allow", "low"),
        ("codex/04-guardian-deny", "denied by AutomatedReviewer", "deny", "high"),
    ] {
        let session = session(name);
        let [call] = calls(&session)[..] else { panic!("{name}") };
        assert_eq!(decided(call), [decision]);
        let review = call.reviews.iter().find(|review| review.risk.is_known()).unwrap();
        assert_eq!(review.detail.value.as_deref(), Some(verdict));
        assert_eq!(review.risk.value.as_deref(), Some(risk));
        let [reviewer] = session.sessions.as_slice() else { panic!("{name}") };
        let parent = reviewer.parent.as_ref().unwrap();
        assert_eq!(parent.relation, Relation::Reviewer);
        assert_eq!(parent.session_id, session.session_id);
        assert!(!parent.events.is_empty());
        assert!(calls_of(reviewer).is_empty());
    }
}

fn calls_of(session: &Session) -> Vec<&Call> {
    calls(session)
}

#[test]
fn codex_05_forbidden_commands_have_a_failed_result_and_no_decision() {
    let session = session("codex/05-rules-forbidden");
    let calls = calls(&session);
    assert!(decided(calls[0]).is_empty() && decided(calls[1]).is_empty());
    assert_eq!([succeeded(calls[0]), succeeded(calls[1])], [Some(false), Some(false)]);
    assert!(output(calls[0]).contains("pushing is not allowed"));
    assert_eq!(decided(calls[2]), ["approved by Config"]);
    assert_eq!(exit_code(&session, calls[2]), Some(0));
}

#[test]
fn codex_07_errors_of_the_model_are_told_and_the_session_goes_on() {
    let session = session("codex/07-errors");
    let errors = notes(&session, "api_error");
    assert_eq!(errors[0].http_status.value, Some(500));
    assert!(errors.iter().any(|error| {
        error.error_message.value.as_deref().is_some_and(|text| text.contains("Rate limit"))
    }));
    assert_eq!(exit_code(&session, calls(&session)[0]), Some(0));
}

#[test]
fn codex_09_the_sub_agent_is_a_nested_session_joined_by_the_message_that_started_it() {
    let session = session("codex/09-multiagent");
    let [sub_agent] = session.sessions.as_slice() else { panic!("{}", session.sessions.len()) };
    let parent = sub_agent.parent.as_ref().unwrap();
    assert_eq!(parent.relation, Relation::SubAgent);
    assert_eq!(parent.join.kind, JoinKind::Explicit);
    let [message] = notes(&session, "agent_message")[..] else { panic!() };
    assert_eq!(message.receiver.value.as_ref(), Some(&sub_agent.session_id));
    assert_eq!(message.text.value.as_deref(), Some("run uname in the workspace"));
    assert_eq!(calls(&session)[0].tool.value.as_deref(), Some("spawn_agent"));
}

#[test]
fn codex_10_calls_made_by_code_are_below_the_call_that_ran_the_code() {
    let session = session("codex/10-codemode");
    let outer = calls(&session);
    let [first, second] = outer[..] else { panic!("{}", outer.len()) };
    let tools = |call: &Call| -> Vec<String> {
        call.calls.iter().map(|call| call.tool.value.clone().unwrap()).collect()
    };
    assert_eq!(tools(first), ["exec_command", "echo", "exec_command", "delete_all"]);
    assert_eq!(tools(second), ["apply_patch"]);
    assert_eq!(first.calls[2].sandbox.value.as_deref(), Some("denied"));
    assert_eq!(decided(&first.calls[3]), ["denied by User"]);
    for call in first.calls.iter().chain(&second.calls) {
        assert_eq!(call.within.as_ref().unwrap().kind, JoinKind::Inferred);
    }
}

#[test]
fn codex_13_what_is_withheld_is_not_invented() {
    let session = session("codex/13-redacted-max0");
    let prompt = &session.turns[0].prompt;
    assert_eq!(prompt.value.as_deref(), Some("[REDACTED]"));
    for call in calls(&session) {
        assert!(output(call).contains("telemetry preview truncated") || output(call).is_empty());
    }
}

#[test]
fn codex_14_a_call_that_a_hook_blocked_is_shown_without_decision_and_result() {
    let session = session("codex/14-hooks");
    let calls = calls(&session);
    assert!(calls[0].received.is_known());
    assert!(calls[0].decisions.is_empty() && calls[0].result.is_none());
    assert_eq!(calls[0].tool.value.as_deref(), Some("exec_command"));
    assert_eq!(decided(calls[1]), ["approved by Config"]);
    assert!(output(calls[1]).contains("fine"));
}

#[test]
fn codex_15_every_answer_of_the_person_is_told_and_the_cancelled_call_has_no_result() {
    let session = session("codex/15-appserver-approvals");
    let decisions: Vec<Vec<String>> = calls(&session).into_iter().map(decided).collect();
    let expected = [
        vec!["approved by User"],
        vec!["denied by User"],
        vec!["approved_for_session by User"],
        vec!["approved by User"],
        vec!["approved_with_amendment by User"],
        vec![],
    ];
    assert_eq!(decisions, expected);
    let cancelled = calls(&session)[5];
    assert!(cancelled.result.is_none());
    assert_eq!(cancelled.error_type.value.as_deref(), Some("aborted"));
    // The answers stand on spans that name no session, in the trace the session ends in.
    let answers: Vec<usize> = calls(&session).into_iter().map(|call| call.reviews.len()).collect();
    assert_eq!(answers, [1; 6]);
}

#[test]
fn codex_17_proxy_decisions_are_joined_to_the_call_by_time_and_say_so() {
    let session = session("codex/17-netproxy");
    let [call] = calls(&session)[..] else { panic!() };
    let told: Vec<_> = call
        .proxy
        .iter()
        .map(|proxy| {
            assert_eq!(proxy.call.as_ref().unwrap().kind, JoinKind::Inferred);
            (proxy.decision.value.as_deref().unwrap(), proxy.address.value.as_deref().unwrap())
        })
        .collect();
    assert_eq!(told, [("deny", "denied.lab"), ("deny", "notallowed.lab")]);
}

#[test]
fn codex_over_json_is_told_as_it_is_over_protobuf() {
    let protobuf = session("codex/01-exec-ok-workspace-write");
    let json = session("codex/11-http-json");
    let told = |session: &Session| -> Vec<_> {
        let calls = calls(session).into_iter();
        calls.map(|call| (call.call_id.clone(), decided(call), exit_code(session, call))).collect()
    };
    let mut expected = told(&protobuf);
    let mut found = told(&json);
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn claude_01_four_calls_ran_and_the_last_failed() {
    let session = session("claude-code/01-ok");
    assert_eq!(session.agent.value.as_deref(), Some("claude-code"));
    let calls = calls(&session);
    let tools: Vec<_> = calls.iter().map(|call| call.tool.value.as_deref().unwrap()).collect();
    assert_eq!(tools, ["Bash", "Read", "Write", "Bash"]);
    let success: Vec<_> = calls.iter().map(|call| succeeded(call)).collect();
    assert_eq!(success, [Some(true), Some(true), Some(true), Some(false)]);
    assert!(calls.iter().all(|call| decided(call) == ["accept by config"]));
    let error = calls[3].result.as_ref().unwrap().error_type.value.as_deref();
    assert_eq!(error, Some("ShellError"));
    assert_eq!(exit_code(&session, calls[3]), None, "Claude Code does not say it");
}

#[test]
fn claude_02_a_span_and_a_log_record_of_one_decision_are_one_decision() {
    let session = session("claude-code/02-ok-full-traces");
    for call in calls(&session) {
        assert_eq!(decided(call), ["accept by config"], "{:?}", call.call_id);
        assert_eq!(call.decisions[0].decision.events.len(), 2, "the span names its call's span");
    }
    assert!(output(calls(&session)[0]).contains("lab-ok"));
}

#[test]
fn claude_03_refused_calls_have_a_decision_and_no_result() {
    let session = session("claude-code/03-denied");
    let calls = calls(&session);
    // The refused read of a denied path leaves no trace at all.
    assert_eq!(calls.len(), 3);
    for call in &calls {
        assert_eq!(decided(call), ["reject by config"]);
        assert!(call.result.is_none());
    }
    assert!(arguments(calls[0]).contains("rm -rf /srv/prod"));
}

#[test]
fn claude_04_the_hook_that_blocked_is_named_as_the_source() {
    let session = session("claude-code/04-hooks");
    let decisions: Vec<_> = calls(&session).into_iter().map(decided).collect();
    assert_eq!(decisions, [["reject by hook"], ["accept by config"]]);
    assert!(notes(&session, "hook").iter().any(|hook| {
        hook.text.value.as_deref().is_some_and(|text| text.contains("num_blocking=1"))
    }));
}

#[test]
fn claude_05_mcp_connections_and_calls_name_their_server() {
    let session = session("claude-code/05-mcp");
    let calls = calls(&session);
    let told: Vec<_> = calls.iter().map(|call| (decided(call), succeeded(call))).collect();
    let expected = [
        (vec!["accept by config".to_owned()], Some(true)),
        (vec!["accept by config".to_owned()], Some(false)),
        (vec!["reject by config".to_owned()], None),
    ];
    assert_eq!(told, expected);
    assert!(calls.iter().all(|call| call.mcp_server.value.as_deref() == Some("lab")));
    let connections = notes(&session, "mcp_connection");
    let failed = connections.iter().find(|note| note.success.value == Some(false)).unwrap();
    assert_eq!(failed.mcp_server.value.as_deref(), Some("broken"));
}

#[test]
fn every_statement_leads_to_rows_of_the_capture() {
    let rows = captures::events("codex/03-mcp");
    let known: std::collections::HashSet<_> = rows.iter().map(|row| row.event_id).collect();
    for call in calls(&session("codex/03-mcp")) {
        let result = call.result.as_ref().unwrap();
        for events in [&call.tool.events, &result.success.events, &result.output.events] {
            assert!(!events.is_empty());
            assert!(events.iter().all(|id| known.contains(&id.0)));
        }
    }
}

#[test]
fn the_order_in_which_rows_come_changes_nothing() {
    let mut rows = captures::events("codex/10-codemode");
    let id = session("codex/10-codemode").session_id;
    let forwards = format!("{:?}", blotter_triage::reconstruct::reconstruct(&id, &rows));
    rows.reverse();
    let backwards = format!("{:?}", blotter_triage::reconstruct::reconstruct(&id, &rows));
    assert_eq!(forwards, backwards);
}
