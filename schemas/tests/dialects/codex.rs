//! Traps of Codex.

use blotter_schemas::tables::Event;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::{attribute, flag, int, kind, log, named_span, span, span_event, text};

const CONVERSATION: &str = "01a1fb66-2a6e-7a00-a545-35ab1439446a";

/// The event of a log record of Codex with this `event.name` and these attributes.
fn codex(name: &str, attributes: Vec<KeyValue>) -> Event {
    let mut all = vec![text("event.name", name), text("conversation.id", CONVERSATION)];
    all.extend(attributes);
    let event = log(
        "codex_exec",
        "codex_otel.log_only",
        LogRecord {
            observed_time_unix_nano: 1_795_200_000_000_000_000,
            event_name: "event otel/src/events/session_telemetry.rs:703".to_owned(),
            attributes: all,
            ..LogRecord::default()
        },
    );
    assert_eq!(event.dialect.as_deref(), Some("codex"));
    event
}

#[test]
fn the_name_is_the_attribute_and_not_the_source_position() {
    let event = codex("codex.tool_decision", vec![]);
    assert_eq!(event.name.as_deref(), Some("codex.tool_decision"));

    let body = AnyValue { value: Some(Value::StringValue("flushing OTEL metrics".to_owned())) };
    let record = LogRecord {
        event_name: "event otel/src/metrics/client.rs:1".to_owned(),
        body: Some(body),
        ..LogRecord::default()
    };
    let line = log("codex_exec", "codex_otel::metrics::client", record);
    assert_eq!((kind(&line), line.name.as_deref()), ("other", None));
    assert_eq!(line.text.as_deref(), Some("flushing OTEL metrics"));
}

#[test]
fn the_string_thread_id_is_the_conversation_wherever_the_integer_stands() {
    let system = || int("thread.id", 4);
    let conversation = || text("thread.id", CONVERSATION);
    for attributes in [vec![system(), conversation()], vec![conversation(), system()]] {
        let rows = span("codex_exec", named_span("session_task.turn", attributes));
        assert_eq!(rows.spans[0].session_id.as_deref(), Some(CONVERSATION));
        assert_eq!(rows.events[0].session_id.as_deref(), Some(CONVERSATION));
    }
    let rows = span("codex_exec", named_span("session_task.turn", vec![system()]));
    assert_eq!(rows.spans[0].session_id, None);
}

#[test]
fn the_session_id_of_a_code_mode_span_is_not_the_conversation() {
    let attributes = vec![text("session.id", "56b24933-6281-47ed-84d5-255c724258fe")];
    let rows = span("codex_exec", named_span("code_mode.grpc.callback", attributes));
    assert_eq!(rows.spans[0].session_id, None);
    assert!(rows.events.is_empty());
}

fn tool_span(aborted: &[bool]) -> Event {
    let mut attributes = vec![
        text("codex.tool.phase", "dispatch"),
        text("call_id", "call_1"),
        text("turn.id", "turn_1"),
        text("tool_name", "exec_command"),
    ];
    attributes.extend(aborted.iter().map(|aborted| flag("aborted", *aborted)));
    span("codex_exec", named_span("exec_command", attributes)).events.remove(0)
}

#[test]
fn a_call_is_aborted_when_the_last_of_two_says_so() {
    let aborted = tool_span(&[false, true]);
    assert_eq!(kind(&aborted), "call");
    assert_eq!(aborted.error_type.as_deref(), Some("aborted"));
    assert_eq!(
        (aborted.call_id.as_deref(), aborted.turn_id.as_deref()),
        (Some("call_1"), Some("turn_1"))
    );
    assert_eq!(tool_span(&[false]).error_type, None);
}

#[test]
fn tokens_stand_on_the_second_completion_and_nowhere_else() {
    let kind_of = || text("event.kind", "response.completed");
    let first = codex("codex.sse_event", vec![kind_of(), text("duration_ms", "1")]);
    assert_eq!((kind(&first), first.tokens_input), ("other", None));
    let second = codex(
        "codex.sse_event",
        vec![
            kind_of(),
            text("input_token_count", "1200"),
            text("output_token_count", "42"),
            int("cached_token_count", 800),
            int("reasoning_token_count", 7),
        ],
    );
    assert_eq!(kind(&second), "usage");
    assert_eq!((second.tokens_input, second.tokens_output), (Some(1200), Some(42)));
    assert_eq!((second.tokens_cached, second.tokens_reasoning), (Some(800), Some(7)));

    let turn = vec![int("codex.turn.token_usage.input_tokens", 1200)];
    let rows = span("codex_exec", named_span("session_task.turn", turn));
    assert_eq!(rows.events[0].tokens_input, None);
    let responses = vec![int("gen_ai.usage.input_tokens", 1200)];
    assert!(span("codex_exec", named_span("handle_responses", responses)).events.is_empty());
}

#[test]
fn a_failed_stream_event_is_an_error() {
    let failed = codex("codex.sse_event", vec![text("event.kind", "response.failed")]);
    assert_eq!(kind(&failed), "api_error");
    let message =
        vec![text("event.kind", "response.completed"), text("error.message", "rate limit")];
    let failed = codex("codex.sse_event", message);
    assert_eq!((kind(&failed), failed.error_message.as_deref()), ("api_error", Some("rate limit")));
}

#[test]
fn an_empty_mcp_server_is_none_and_success_is_read_from_a_string() {
    let event = codex(
        "codex.tool_result",
        vec![
            text("mcp_server", ""),
            text("mcp_server_origin", ""),
            text("success", "true"),
            text("duration_ms", "29"),
            text("output", "Process exited with code 3"),
            int("tool_result_seq", 2),
            text("agent_name", "/root"),
        ],
    );
    assert_eq!((event.mcp_server, event.transport), (None, None));
    assert_eq!(
        (event.success, event.duration_ns, event.sequence),
        (Some(true), Some(29_000_000), Some(2))
    );
    assert_eq!(event.exit_code, None, "the words of an output are not a field");
    assert_eq!(event.agent_name.as_deref(), Some("codex_exec"), "the main agent needs no name");
}

#[test]
fn a_sub_agent_is_named_where_its_result_says_so() {
    let event = codex("codex.tool_result", vec![text("agent_name", "/root/subtask")]);
    assert_eq!(event.agent_name.as_deref(), Some("/root/subtask"));
}

#[test]
fn an_mcp_server_behind_an_address_is_reached_over_http() {
    let origin = text("mcp_server_origin", "https://mcp.example.com:8443/mcp");
    let event = codex("codex.tool_result", vec![text("mcp_server", "docs"), origin]);
    assert_eq!(event.transport.as_deref(), Some("http"));
    assert_eq!(event.server_address.as_deref(), Some("mcp.example.com"));
    assert_eq!(event.server_port, Some(8443));
}

#[test]
fn a_time_that_stands_only_in_an_attribute_is_read() {
    let record = LogRecord {
        attributes: vec![
            text("event.name", "codex.user_prompt"),
            text("event.timestamp", "2026-11-21T00:03:18.086Z"),
        ],
        ..LogRecord::default()
    };
    let event = log("codex_exec", "codex_otel.log_only", record);
    assert_eq!(event.time_source.as_deref(), Some("attribute"));
    assert_eq!(event.time_unix_nano, Some(1_795_219_398_086_000_000));
}

#[test]
fn unknown_spellings_are_kept_as_sent() {
    for spelling in ["approvedforsession", "approved_for_session", "something new"] {
        let event =
            codex("codex.tool_decision", vec![text("decision", spelling), text("source", "user")]);
        assert_eq!(kind(&event), "decision");
        assert_eq!(event.decision.as_deref(), Some(spelling));
        assert_eq!(event.decision_source.as_deref(), Some("user"));
    }
}

#[test]
fn events_that_are_not_known_yet_are_kept_from_logs_and_spans() {
    let event = codex("codex.brand_new", vec![text("call_id", "call_1")]);
    assert_eq!((kind(&event), event.name.as_deref()), ("other", Some("codex.brand_new")));
    assert_eq!(event.call_id.as_deref(), Some("call_1"));

    let mut carrier = named_span("anything", vec![]);
    let new = vec![text("event.name", "codex.brand_new"), text("call_id", "call_1")];
    carrier.events.push(span_event("event core/src/a.rs:1", new));
    let rows = span("codex_exec", carrier);
    assert_eq!(rows.events.len(), 1);
    assert_eq!(
        (kind(&rows.events[0]), rows.events[0].name.as_deref()),
        ("other", Some("codex.brand_new"))
    );
}

#[test]
fn a_span_event_has_the_kind_name_and_call_of_the_log_record_it_repeats() {
    for name in [
        "codex.conversation_starts",
        "codex.user_prompt",
        "codex.api_request",
        "codex.websocket_connect",
        "codex.websocket_request",
        "codex.tool_result",
        "codex.sandbox_outcome",
        "codex.auth_recovery",
    ] {
        let attributes = vec![text("call_id", "call_1"), text("success", "true")];
        let mut content = attributes.clone();
        content.extend([text("prompt", "do it"), text("mcp_servers", "a, b"), text("output", "x")]);
        let record = codex(name, content);
        let mut carrier = named_span("anything", vec![]);
        let mut copy = vec![text("event.name", name), text("conversation.id", CONVERSATION)];
        copy.extend(attributes);
        carrier.events.push(span_event("event otel/src/a.rs:1", copy));
        let rows = span("codex_exec", carrier);
        let copy = &rows.events[0];
        assert_ne!(kind(&record), "other", "{name}");
        assert_eq!(
            (&copy.kind, &copy.name, &copy.call_id, &copy.session_id, &copy.detail),
            (&record.kind, &record.name, &record.call_id, &record.session_id, &record.detail),
        );
        assert_eq!(
            (copy.source.as_deref(), copy.record.as_deref()),
            (Some("otlp_span_event"), None)
        );
    }
}

#[test]
fn plumbing_yields_no_event_but_keeps_its_ids() {
    let attributes = vec![text("conversation.id", CONVERSATION), text("turn.id", "turn_1")];
    let mut plumbing = named_span("fs.get_metadata", attributes);
    plumbing.events.push(span_event("x", vec![text("event.name", "codex.turn_ttft")]));
    plumbing.events.push(span_event("x", vec![text("event.name", "mcp.binding_catalog")]));
    let rows = span("codex_exec", plumbing);
    assert!(rows.events.is_empty());
    assert_eq!(rows.spans[0].session_id.as_deref(), Some(CONVERSATION));
    assert_eq!(rows.spans[0].turn_id.as_deref(), Some("turn_1"));
    assert!(rows.spans[0].record.is_some());
}

#[test]
fn a_message_names_its_receiver_and_its_receipt_names_nobody() {
    let common = |state: &str| {
        vec![
            text("event.name", "codex.agent_communication"),
            text("communication_id", "m1"),
            text("state", state),
        ]
    };
    let mut sent = common("send");
    sent.extend([
        text("kind", "spawn"),
        text("sender_thread_id", "parent"),
        text("receiver_thread_id", "child"),
        text("content", "do it"),
    ]);
    let message = |attributes| {
        let record = LogRecord { attributes, ..LogRecord::default() };
        log("codex_exec", "codex_otel.agent_communication", record)
    };
    let sent = message(sent);
    assert_eq!(kind(&sent), "agent_message");
    assert_eq!(
        (sent.session_id.as_deref(), sent.receiver_session_id.as_deref()),
        (Some("parent"), Some("child"))
    );
    assert_eq!((sent.detail.as_deref(), sent.text.as_deref()), (Some("spawn"), Some("do it")));
    assert_eq!(sent.parent_session_id, None, "the sender is no child");
    let received = message(common("receive"));
    assert_eq!((received.session_id, received.receiver_session_id), (None, None));
    assert_eq!(received.detail.as_deref(), Some("receive"));
}

#[test]
fn a_sub_agents_answer_names_the_parent() {
    let event = codex("codex.agent_response", vec![text("parent.conversation.id", "parent")]);
    assert_eq!(event.parent_session_id.as_deref(), Some("parent"));
}

#[test]
fn a_reviewer_that_fails_has_a_status_and_no_verdict() {
    let failed = codex(
        "codex.guardian_assessment",
        vec![
            text("status", "denied"),
            text("item.id", "call_1"),
            int("started_at_ms", 10),
            int("completed_at_ms", 114),
        ],
    );
    assert_eq!(kind(&failed), "review");
    assert_eq!((failed.decision.as_deref(), failed.detail.as_deref()), (Some("denied"), None));
    assert_eq!(
        (failed.call_id.as_deref(), failed.duration_ns),
        (Some("call_1"), Some(104_000_000))
    );
}

#[test]
fn the_models_endpoint_sends_requests_without_a_conversation() {
    let record = LogRecord {
        attributes: vec![
            text("event.name", "codex.api_request"),
            flag("success", false),
            text("auth.mode", "ApiKey"),
            int("http.response.status_code", 401),
        ],
        ..LogRecord::default()
    };
    let event = log("codex_cli_rs", "codex_otel.log_only", record);
    assert_eq!((kind(&event), event.session_id.as_deref()), ("api_error", None));
    assert_eq!((event.success, event.http_status), (Some(false), Some(401)));
    assert_eq!(event.auth_mode.as_deref(), Some("ApiKey"));
}

#[test]
fn a_recovered_credential_is_a_success_and_one_that_was_left_alone_is_neither() {
    let outcome =
        |outcome| codex("codex.auth_recovery", vec![text("auth.outcome", outcome)]).success;
    assert_eq!(outcome("recovery_succeeded"), Some(true));
    assert_eq!(outcome("recovery_failed_transient"), Some(false));
    assert_eq!(outcome("recovery_not_run"), None);
    assert_eq!(outcome("recovery_something_new"), None);
}

#[test]
fn codex_is_recognised_under_another_service_name() {
    let record = LogRecord {
        attributes: vec![text("event.name", "codex.user_prompt")],
        ..LogRecord::default()
    };
    assert_eq!(log("my_fork", "x", record).dialect.as_deref(), Some("codex"));
    let rows = span("my_fork", named_span("run_turn", vec![text("target", "codex_core::session")]));
    assert_eq!(rows.spans[0].dialect.as_deref(), Some("codex"));
    let rows = span("my_fork", named_span("run_turn", vec![text("target", "h2::client")]));
    assert_eq!(rows.spans[0].dialect.as_deref(), Some("other"));
}

#[test]
fn a_conversation_ends_when_its_loop_does() {
    let rows =
        span("codex_exec", named_span("session_loop", vec![text("thread_id", CONVERSATION)]));
    let end = &rows.events[0];
    assert_eq!((kind(end), end.session_id.as_deref()), ("session_end", Some(CONVERSATION)));
    assert_eq!(end.time_unix_nano, rows.spans[0].end_time_unix_nano);
}

#[test]
fn a_nested_call_is_named_by_the_event_on_its_span() {
    let mut nested = named_span("code_mode.broker.invoke_tool", vec![text("tool_name", "echo")]);
    let received = vec![text("event.name", "codex.tool_call_received"), text("call_id", "exec-1")];
    nested.events.push(span_event("x", received));
    let rows = span("codex_exec", nested);
    assert_eq!(rows.spans[0].call_id.as_deref(), Some("exec-1"));
    assert_eq!(rows.events.len(), 2);
    assert!(rows.events.iter().all(|event| event.call_id.as_deref() == Some("exec-1")));
}

#[test]
fn values_of_unexpected_types_are_read_or_left_out() {
    let event = codex(
        "codex.tool_result",
        vec![
            int("call_id", 7),
            attribute("success", Value::IntValue(1)),
            text("duration_ms", "soon"),
            text("tool_result_seq", "3"),
            KeyValue { key: "arguments".to_owned(), ..KeyValue::default() },
        ],
    );
    assert_eq!(event.call_id.as_deref(), Some("7"));
    assert_eq!((event.success, event.duration_ns, event.sequence), (None, None, Some(3)));
    assert_eq!(event.arguments, None);
}
