//! Traps of Qwen Code.

use blotter_schemas::tables::Event;
use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::{empty, flag, kind, log, named_log, named_span, span, text};

const SERVICE: &str = "qwen-code";

fn qwen(name: &str, attributes: Vec<KeyValue>) -> Event {
    let event = log(SERVICE, SERVICE, named_log(name, attributes));
    assert_eq!(event.dialect.as_deref(), Some("qwen_code"));
    event
}

#[test]
fn the_start_and_end_of_a_session_have_no_prefix() {
    assert_eq!(kind(&qwen("session.start", vec![])), "session_start");
    assert_eq!(kind(&qwen("session.end", vec![])), "session_end");
}

#[test]
fn a_call_that_a_rule_forbids_has_no_decision_and_was_not_started() {
    let event = qwen(
        "qwen-code.tool_call",
        vec![
            text("call_id", "c1"),
            text("prompt_id", "s########0"),
            empty("decision"),
            text("execution_status", "not_started"),
            text("error_type", "execution_denied"),
            flag("success", false),
        ],
    );
    assert_eq!((kind(&event), event.decision.as_deref()), ("result", None));
    assert_eq!(event.detail.as_deref(), Some("not_started"));
    assert_eq!(event.error_type.as_deref(), Some("execution_denied"));
    assert_eq!(
        (event.call_id.as_deref(), event.turn_id.as_deref()),
        (Some("c1"), Some("s########0"))
    );
}

#[test]
fn why_a_call_failed_stands_on_its_span() {
    let attributes = vec![
        text("gen_ai.tool.call.id", "c1"),
        text("tool.failure_kind", "non_interactive_denied"),
        text("error.type", "tool_error"),
        flag("success", false),
    ];
    let rows = span(SERVICE, named_span("qwen-code.tool", attributes));
    let call = &rows.events[0];
    assert_eq!((kind(call), call.call_id.as_deref()), ("call", Some("c1")));
    assert_eq!(call.error_type.as_deref(), Some("non_interactive_denied"));
}

#[test]
fn a_hooks_own_id_is_not_the_calls_and_its_failure_stops_nothing() {
    let attributes = vec![
        text("hook_event", "PreToolUse"),
        text("tool.use_id", "toolu_1"),
        flag("success", false),
        flag("should_proceed", true),
    ];
    let hook = span(SERVICE, named_span("qwen-code.hook", attributes)).events.remove(0);
    assert_eq!((kind(&hook), hook.call_id.as_deref()), ("hook", None));
    assert_eq!((hook.success, hook.text.as_deref()), (Some(false), Some("should_proceed=true")));
}

#[test]
fn its_http_client_and_requests_to_the_model_are_plumbing() {
    for name in ["POST", "qwen-code.llm_request"] {
        let rows = span(SERVICE, named_span(name, vec![text("session.id", "s1")]));
        assert!(rows.events.is_empty());
        assert_eq!(rows.spans[0].session_id.as_deref(), Some("s1"));
    }
}
