//! Traps of Claude Code.

use blotter_schemas::tables::Event;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::{flag, int, kind, log, named_span, span, span_event, text};

const SERVICE: &str = "claude-code";
const SCOPE: &str = "com.anthropic.claude_code.events";

/// The event of a log record of Claude Code with this `event.name` and these attributes.
fn claude(name: &str, attributes: Vec<KeyValue>) -> Event {
    let mut all = vec![text("event.name", name), text("session.id", "s1"), text("prompt.id", "p1")];
    all.extend(attributes);
    log(SERVICE, SCOPE, LogRecord { attributes: all, ..LogRecord::default() })
}

#[test]
fn numbers_and_booleans_sent_as_strings_are_read() {
    let event = claude(
        "tool_result",
        vec![
            text("tool_use_id", "toolu_1"),
            text("success", "false"),
            text("duration_ms", "54"),
            text("error_type", "ShellError"),
            int("event.sequence", 16),
        ],
    );
    assert_eq!((kind(&event), event.dialect.as_deref()), ("result", Some("claude_code")));
    assert_eq!(
        (event.success, event.duration_ns, event.sequence),
        (Some(false), Some(54_000_000), Some(16))
    );
    assert_eq!((event.session_id.as_deref(), event.turn_id.as_deref()), (Some("s1"), Some("p1")));
    assert_eq!(
        (event.call_id.as_deref(), event.error_type.as_deref()),
        (Some("toolu_1"), Some("ShellError"))
    );
}

fn mcp_decision(parameters: &str) -> Event {
    claude(
        "tool_decision",
        vec![text("tool_name", "mcp_tool"), text("tool_parameters", parameters)],
    )
}

#[test]
fn an_mcp_tool_is_named_by_its_parameters() {
    let event = mcp_decision(r#"{"mcp_server_name":"lab","mcp_tool_name":"echo","more":[1,{}]}"#);
    assert_eq!(
        (event.mcp_server.as_deref(), event.tool_name.as_deref()),
        (Some("lab"), Some("echo"))
    );
}

#[test]
fn parameters_that_cannot_be_read_leave_the_tool_as_it_was_sent() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = format!(r#"{{"mcp_server_name":"lab","x":"{}"}}"#, "x".repeat(2 << 20));
    for parameters in ["", "not json", "{", "[]", r#"{"mcp_server_name":7}"#, &deep, &long] {
        let event = mcp_decision(parameters);
        assert_eq!(
            (event.mcp_server.as_deref(), event.tool_name.as_deref()),
            (None, Some("mcp_tool"))
        );
        assert_eq!(kind(&event), "decision");
        assert_eq!(event.arguments, None, "they are not the arguments of the tool");
    }
}

#[test]
fn the_parameters_of_a_tool_that_is_not_mcp_name_no_server() {
    let forged = text("tool_parameters", r#"{"mcp_server_name":"lab","mcp_tool_name":"echo"}"#);
    let event = claude("tool_decision", vec![text("tool_name", "Bash"), forged]);
    assert_eq!((event.mcp_server, event.tool_name.as_deref()), (None, Some("Bash")));
}

#[test]
fn a_decision_carries_the_permission_mode_and_an_unknown_spelling() {
    let event = claude(
        "tool_decision",
        vec![
            text("decision", "maybe"),
            text("source", "oracle"),
            text("permission_mode", "bypassPermissions"),
        ],
    );
    assert_eq!(
        (event.decision.as_deref(), event.decision_source.as_deref()),
        (Some("maybe"), Some("oracle"))
    );
    assert_eq!(event.approval_policy.as_deref(), Some("bypassPermissions"));
}

#[test]
fn withheld_words_stay_as_they_were_sent() {
    let event = claude("user_prompt", vec![text("prompt", "<REDACTED>")]);
    assert_eq!((kind(&event), event.text.as_deref()), ("prompt", Some("<REDACTED>")));
}

#[test]
fn a_change_of_mode_says_from_to_and_why() {
    let event = claude(
        "permission_mode_changed",
        vec![
            text("from_mode", "default"),
            text("to_mode", "bypassPermissions"),
            text("trigger", "shift_tab"),
        ],
    );
    assert_eq!(
        (kind(&event), event.approval_policy.as_deref()),
        ("mode_change", Some("bypassPermissions"))
    );
    assert_eq!(
        (event.detail.as_deref(), event.decision_source.as_deref()),
        (Some("default"), Some("shift_tab"))
    );
}

#[test]
fn a_blocking_hook_is_counted() {
    let event = claude(
        "hook_execution_complete",
        vec![
            text("hook_name", "PreToolUse:Bash"),
            text("num_hooks", "1"),
            text("num_blocking", "1"),
            text("num_success", "0"),
            text("total_duration_ms", "112"),
        ],
    );
    assert_eq!((kind(&event), event.text.as_deref()), ("hook", Some("num_hooks=1 num_blocking=1")));
    assert_eq!(
        (event.detail.as_deref(), event.duration_ns),
        (Some("PreToolUse:Bash"), Some(112_000_000))
    );
}

#[test]
fn tokens_and_cost_stand_on_the_log_record_and_not_on_the_span() {
    let event = claude(
        "api_request",
        vec![int("input_tokens", 1200), text("output_tokens", "42"), text("cost_usd", "0.00585")],
    );
    assert_eq!(
        (event.tokens_input, event.tokens_output, event.cost_usd),
        (Some(1200), Some(42), Some(0.00585))
    );
    let rows =
        span(SERVICE, named_span("claude_code.llm_request", vec![int("input_tokens", 1200)]));
    assert!(rows.events.is_empty());
}

#[test]
fn an_mcp_connection_fails_succeeds_or_ends() {
    let connection = |status: &str| {
        claude("mcp_server_connection", vec![text("status", status), text("server_name", "lab")])
    };
    let success = |status: &str| connection(status).success;
    assert_eq!(kind(&connection("connected")), "mcp_connection");
    assert_eq!(success("connected"), Some(true));
    assert_eq!(success("failed"), Some(false));
    assert_eq!(success("disconnected"), None);
    assert_eq!(success("dreaming"), None);
}

#[test]
fn an_output_is_the_result_of_the_call_its_span_names() {
    let attributes = vec![
        text("session.id", "s1"),
        text("tool_use_id", "toolu_1"),
        text("gen_ai.tool.name", "Bash"),
        text("full_command", "echo fine"),
    ];
    let mut tool = named_span("claude_code.tool", attributes);
    tool.events.push(span_event("tool.output", vec![text("output", "fine")]));
    let rows = span(SERVICE, tool);
    let kinds: Vec<&str> = rows.events.iter().map(kind).collect();
    assert_eq!(kinds, ["call", "result"]);
    assert!(rows.events.iter().all(|event| event.call_id.as_deref() == Some("toolu_1")));
    assert_eq!(rows.events[0].arguments.as_deref(), Some("echo fine"));
    assert_eq!((rows.events[1].output.as_deref(), rows.events[1].success), (Some("fine"), None));
}

#[test]
fn an_execution_says_whether_it_succeeded() {
    let attributes = vec![
        flag("success", false),
        text("error.type", "tool_error"),
        text("error_class", "ShellError"),
        text("tool_use_id", "toolu_1"),
    ];
    let rows = span(SERVICE, named_span("claude_code.tool.execution", attributes));
    let result = &rows.events[0];
    assert_eq!((kind(result), result.success), ("result", Some(false)));
    assert_eq!(result.error_type.as_deref(), Some("ShellError"));
}

#[test]
fn claude_code_is_recognised_by_its_scope_under_another_service_name() {
    let attributes = vec![text("event.name", "user_prompt")];
    let event = log("our-agents", SCOPE, LogRecord { attributes, ..LogRecord::default() });
    assert_eq!(event.dialect.as_deref(), Some("claude_code"));
}

#[test]
fn events_that_are_not_known_yet_are_kept() {
    let event = claude("safety_event", vec![text("tool_use_id", "toolu_1")]);
    assert_eq!((kind(&event), event.name.as_deref()), ("other", Some("safety_event")));
    assert_eq!(event.call_id.as_deref(), Some("toolu_1"));
    assert!(event.record.is_some());
}
