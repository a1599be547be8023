//! Traps of OpenCode.

use blotter_schemas::tables::Event;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::{failed, int, kind, log, named_span, span, text};

const SERVICE: &str = "opencode";

fn string(words: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(words.to_owned())) }
}

fn line(body: &[&str]) -> Event {
    let values = body.iter().map(|words| string(words)).collect();
    let body = AnyValue { value: Some(Value::ArrayValue(ArrayValue { values })) };
    log(SERVICE, SERVICE, LogRecord { body: Some(body), ..LogRecord::default() })
}

#[test]
fn a_permission_that_was_compared_with_the_rules_is_a_decision() {
    let rule = r#"{"permission":"bash","action":"deny","pattern":"curl *"}"#;
    let data = format!(r#"{{"permission":"bash","pattern":"curl x","action":{rule}}}"#);
    let event = line(&["evaluated", &data]);
    assert_eq!((kind(&event), event.name.as_deref()), ("decision", Some("evaluated")));
    assert_eq!((event.decision.as_deref(), event.detail.as_deref()), (Some("deny"), Some("bash")));
    assert_eq!(event.arguments.as_deref(), Some("curl x"));
    assert!(event.decision_reason.unwrap().contains("curl *"));
}

#[test]
fn a_line_is_kept_whatever_its_body_is() {
    let undefined = r#"{"id":"ses_1","parentID":undefined,"permission":[{"action":"deny"}]}"#;
    let started = line(&["created", undefined]);
    assert_eq!((kind(&started), started.session_id.as_deref()), ("session_start", Some("ses_1")));
    assert_eq!(started.text.as_deref(), Some(undefined));
    for body in [vec!["created", "{\"id\":\"msg_1\"}"], vec!["evaluated", "{"], vec!["one"], vec![]]
    {
        let event = line(&body);
        assert!(event.record.is_some());
        assert_eq!(event.session_id, None, "{body:?}");
    }
    let plain = LogRecord { body: Some(string("init")), ..LogRecord::default() };
    let event = log(SERVICE, SERVICE, plain);
    assert_eq!((kind(&event), event.text.as_deref()), ("other", Some("init")));
    assert_eq!(event.name, None);
}

#[test]
fn a_command_that_exits_3_is_a_success_with_an_exit_code() {
    let result =
        r#"{"title":"exit 3","metadata":{"exit":3,"truncated":false},"output":"(no output)"}"#;
    let attributes = vec![text("ai.toolCall.id", "c1"), text("ai.toolCall.result", result)];
    let rows = span(SERVICE, named_span("ai.toolCall", attributes));
    assert_eq!(rows.events.iter().map(kind).collect::<Vec<_>>(), ["call", "result"]);
    assert_eq!((rows.events[1].exit_code, rows.events[1].success), (Some(3), None));
    assert_eq!(rows.events[1].output.as_deref(), Some("(no output)"));
}

#[test]
fn a_tool_that_fails_says_why_in_the_status_of_its_span() {
    let mut tool =
        named_span("Tool.execute", vec![text("tool.call_id", "c1"), text("tool.name", "x")]);
    tool.status = failed("boom");
    let rows = span(SERVICE, tool);
    assert_eq!(rows.events[1].error_message.as_deref(), Some("boom"));
    assert_eq!((rows.events[1].success, rows.events[0].success), (Some(false), None));
}

#[test]
fn a_prompt_is_a_persons_last_message_and_not_the_request_for_a_title() {
    let prompt = |messages: &str| {
        let prompt = format!(r#"{{"messages":[{messages}]}}"#);
        let rows = span(SERVICE, named_span("ai.streamText", vec![text("ai.prompt", &prompt)]));
        rows.events.first().and_then(|event| event.text.clone())
    };
    let system = r#"{"role":"system","content":"x"}"#;
    let user = r#"{"role":"user","content":[{"type":"text","text":"do it"}]}"#;
    let tool = r#"{"role":"tool","content":[]}"#;
    assert_eq!(prompt(&format!("{system},{user}")).as_deref(), Some("do it"));
    assert_eq!(prompt(&format!("{system},{user},{user}")), None);
    assert_eq!(prompt(&format!("{system},{user},{tool}")), None);
    assert_eq!(prompt("7"), None);
}

#[test]
fn a_permission_that_is_asked_for_is_in_a_span_of_its_own() {
    for name in ["Permission.ask", "ShellTool.ask"] {
        let rows = span(SERVICE, named_span(name, Vec::new()));
        assert_eq!(rows.events[0].kind.as_deref(), Some("approval_request"));
    }
}

#[test]
fn what_a_call_failed_with_is_its_class_of_error() {
    let mut failed = named_span("Tool.execute", vec![text("tool.call_id", "c")]);
    failed.events.push(opentelemetry_proto::tonic::trace::v1::span::Event {
        name: "exception".to_owned(),
        attributes: vec![text("exception.type", "PermissionDeniedError")],
        ..Default::default()
    });
    let rows = span(SERVICE, failed);
    assert_eq!(rows.events[1].error_type.as_deref(), Some("PermissionDeniedError"));
}

#[test]
fn tokens_stand_on_the_inner_span_and_hundreds_of_others_are_plumbing() {
    let usage = || vec![int("ai.usage.inputTokens", 1200)];
    let inner = span(SERVICE, named_span("ai.streamText.doStream", usage()));
    assert_eq!(inner.events[0].tokens_input, Some(1200));
    for name in ["ai.streamText", "sql.execute", "Permission.state"] {
        assert!(span(SERVICE, named_span(name, usage())).events.is_empty());
    }
}
