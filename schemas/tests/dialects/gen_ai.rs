//! Agents that follow the GenAI conventions, and those that follow them half.

use blotter_schemas::tables::Event;
use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::{failed, int, kind, log, named_log, named_span, span, span_event, text};

const SERVICE: &str = "someones-agent";

fn spans(operation: &str, attributes: Vec<KeyValue>) -> Vec<Event> {
    let own = vec![text("gen_ai.operation.name", operation), text("gen_ai.conversation.id", "s1")];
    let rows = span(SERVICE, named_span(operation, [own, attributes].concat()));
    assert_eq!(rows.spans[0].dialect.as_deref(), Some("gen_ai"));
    assert!(rows.events.iter().all(|event| event.session_id.as_deref() == Some("s1")));
    rows.events
}

const ANSWER: &str = r#"[{"role":"assistant","parts":[{"type":"reasoning","content":"hm"},
    {"type":"text","content":"done"}]}]"#;
const CALLS: &str = r#"[{"role":"assistant","parts":[{"type":"tool_call","name":"x"}]}]"#;
const ASKED: &str = r#"[{"role":"user","parts":[{"type":"text","content":"do it"}]}]"#;

#[test]
fn a_tool_is_a_call_and_its_result() {
    let events = spans(
        "execute_tool",
        vec![
            text("gen_ai.tool.name", "read"),
            text("gen_ai.tool.call.id", "c1"),
            text("gen_ai.tool.call.arguments", "{}"),
            text("gen_ai.tool.call.result", "words"),
        ],
    );
    assert_eq!(events.iter().map(kind).collect::<Vec<_>>(), ["call", "result"]);
    assert!(events.iter().all(|event| event.call_id.as_deref() == Some("c1")));
    assert_eq!((events[0].output.as_deref(), events[1].output.as_deref()), (None, Some("words")));
    // A status that was not set says nothing.
    assert_eq!(events[1].success, None);
}

#[test]
fn a_request_has_tokens_and_an_answer_only_where_the_words_are_sent() {
    let kinds = |attributes| {
        spans("chat", attributes).iter().map(|event| kind(event).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(vec![]), ["api_request"]);
    assert_eq!(kinds(vec![text("gen_ai.output.messages", CALLS)]), ["api_request"]);
    let events = spans(
        "chat",
        vec![text("gen_ai.output.messages", ANSWER), int("gen_ai.usage.output_tokens", 42)],
    );
    assert_eq!((kind(&events[1]), events[1].text.as_deref()), ("response", Some("done")));
    assert_eq!((events[0].tokens_output, events[1].tokens_output), (Some(42), None));
}

#[test]
fn a_request_that_fails_is_an_error() {
    let mut chat = named_span("chat", vec![text("gen_ai.operation.name", "chat")]);
    chat.status = failed("overloaded");
    chat.events.push(span_event("gen_ai.client.operation.exception", vec![]));
    let events = span(SERVICE, chat).events;
    assert_eq!(events.iter().map(kind).collect::<Vec<_>>(), ["api_error"]);
    assert_eq!(events[0].error_message.as_deref(), Some("overloaded"));
}

#[test]
fn an_agent_is_asked_in_the_words_that_are_sent() {
    let asked = spans("invoke_agent", vec![text("gen_ai.input.messages", ASKED)]);
    assert_eq!((kind(&asked[0]), asked[0].text.as_deref()), ("prompt", Some("do it")));
    assert_eq!(kind(&spans("invoke_agent", vec![])[0]), "other");
}

#[test]
fn an_mcp_request_is_told_by_its_method() {
    let attributes = vec![text("mcp.method.name", "tools/call"), text("error.type", "tool_error")];
    let events = span(SERVICE, named_span("tools/call read", attributes)).events;
    assert_eq!(
        (kind(&events[0]), events[0].mcp_method.as_deref()),
        ("mcp_call", Some("tools/call"))
    );
    assert_eq!(events[0].error_type.as_deref(), Some("tool_error"));
}

#[test]
fn an_operation_that_no_convention_names_is_kept_as_a_span_alone() {
    assert!(spans("teleport", vec![]).is_empty());
}

#[test]
fn events_of_the_conventions_are_read_and_others_are_not_taken() {
    let details = named_log(
        "gen_ai.client.inference.operation.details",
        vec![text("gen_ai.output.messages", ANSWER)],
    );
    let event = log(SERVICE, SERVICE, details);
    assert_eq!((kind(&event), event.text.as_deref()), ("response", Some("done")));
    let failed = named_log("gen_ai.client.operation.exception", vec![text("exception.type", "E")]);
    let event = log(SERVICE, SERVICE, failed);
    assert_eq!((kind(&event), event.error_type.as_deref()), ("api_error", Some("E")));
    let event = log(SERVICE, SERVICE, named_log("something", vec![]));
    assert_eq!(event.dialect.as_deref(), Some("other"));
}
