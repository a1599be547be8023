//! Agents that were instrumented for Blotter, with the crate or by hand.

use blotter_schemas::tables::Event;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::{failed, flag, int, kind, log, named_span, span, span_event, text};

/// A scope's name is enough; `super::span` names the scope as the service.
const SCOPE: &str = "blotter.agent";

fn fact(name: &str, attributes: Vec<KeyValue>) -> Event {
    let own = vec![text("session.id", "s"), text("gen_ai.tool.call.id", "c")];
    let attributes = [own, attributes].concat();
    let record = LogRecord { event_name: name.to_owned(), attributes, ..LogRecord::default() };
    let event = log("someones-agent", SCOPE, record);
    assert_eq!(event.dialect.as_deref(), Some("blotter"));
    assert_eq!(event.session_id.as_deref(), Some("s"));
    event
}

fn call(attributes: Vec<KeyValue>) -> Vec<KeyValue> {
    let own = vec![
        text("gen_ai.operation.name", "execute_tool"),
        text("session.id", "s"),
        text("gen_ai.tool.call.id", "c"),
        text("gen_ai.tool.name", "shell"),
        text("blotter.profile.name", ":workspace"),
        text("blotter.executor", "local_sandbox"),
    ];
    [own, attributes].concat()
}

#[test]
fn a_decision_is_one_as_a_log_record_and_as_an_event_on_the_calls_span() {
    let said = vec![
        text("blotter.decision", "deny"),
        text("blotter.decision.source", "reviewer"),
        text("blotter.decision.reason", "no"),
    ];
    let logged = fact("blotter.decision", said.clone());
    let mut around = named_span("execute_tool shell", call(vec![]));
    around.events.push(span_event("blotter.decision", said));
    let rows = span(SCOPE, around).events;
    let on_span = rows.iter().find(|row| kind(row) == "decision").unwrap();
    for row in [&logged, on_span] {
        assert_eq!(kind(row), "decision");
        assert_eq!(row.call_id.as_deref(), Some("c"));
        assert_eq!(row.decision.as_deref(), Some("deny"));
        assert_eq!(row.decision_source.as_deref(), Some("reviewer"));
        assert_eq!(row.decision_reason.as_deref(), Some("no"));
    }
    // What an event does not say, the span around it does.
    assert_eq!(on_span.tool_name.as_deref(), Some("shell"));
    assert_eq!(on_span.profile_name.as_deref(), Some(":workspace"));
}

#[test]
fn a_call_tells_what_became_of_it_and_whether_it_was_executed() {
    let mut ended = named_span(
        "execute_tool shell",
        call(vec![
            text("blotter.call.outcome", "blocked"),
            flag("blotter.call.executed", false),
            text("error.type", "blocked"),
            int("process.exit.code", 3),
            text("blotter.transport", "http"),
        ]),
    );
    ended.status = failed("the hook said no");
    let rows = span(SCOPE, ended).events;
    assert_eq!(rows.iter().map(kind).collect::<Vec<_>>(), ["call", "result"]);
    assert_eq!(rows[0].detail.as_deref(), Some("not_executed"));
    let result = &rows[1];
    assert_eq!(result.detail.as_deref(), Some("blocked"));
    assert_eq!((result.success, result.exit_code), (Some(false), Some(3)));
    assert_eq!(result.error_message.as_deref(), Some("the hook said no"));
    assert_eq!(result.executor.as_deref(), Some("local_sandbox"));
    assert_eq!(result.transport.as_deref(), Some("http"));
}

#[test]
fn the_transport_of_a_call_is_that_of_its_mcp_server() {
    let mcp = |more: Vec<KeyValue>| {
        let own = vec![text("blotter.mcp.server", "files"), text("blotter.mcp.transport", "stdio")];
        [own, vec![text("blotter.transport", "http")], more].concat()
    };
    let rows = span(SCOPE, named_span("execute_tool read", call(mcp(vec![])))).events;
    assert!(rows.iter().all(|row| row.transport.as_deref() == Some("stdio")));
    let started = fact("blotter.call.started", mcp(vec![]));
    assert_eq!(started.transport.as_deref(), Some("stdio"));
    let request = mcp(vec![text("mcp.method.name", "tools/call"), text("session.id", "s")]);
    let rows = span(SCOPE, named_span("tools/call read", request)).events;
    assert_eq!((rows.len(), kind(&rows[0])), (1, "mcp_call"));
    assert_eq!(rows[0].mcp_server.as_deref(), Some("files"));
    assert_eq!(rows[0].transport.as_deref(), Some("stdio"));
}

#[test]
fn a_turn_begins_and_ends_with_its_span() {
    let asked = vec![
        text("gen_ai.operation.name", "invoke_agent"),
        text("blotter.turn.id", "t"),
        text("blotter.turn.outcome", "finished"),
    ];
    let rows = span(SCOPE, named_span("invoke_agent x", asked)).events;
    assert_eq!(rows.iter().map(kind).collect::<Vec<_>>(), ["turn_start", "turn_end"]);
    assert!(rows.iter().all(|row| row.turn_id.as_deref() == Some("t")));
}

#[test]
fn a_grant_has_a_scope_and_an_error_a_class() {
    let grant = fact(
        "blotter.permission.granted",
        vec![
            text("blotter.permission", "network"),
            text("blotter.permission.scope", "session"),
            text("blotter.decision", "allow"),
            text("blotter.decision.source", "user"),
        ],
    );
    assert_eq!((kind(&grant), grant.detail.as_deref()), ("grant", Some("session")));
    assert_eq!(
        (grant.text.as_deref(), grant.decision.as_deref()),
        (Some("network"), Some("granted"))
    );
    let error = fact(
        "blotter.error",
        vec![
            text("blotter.error.class", "usage_limit"),
            text("blotter.error.code", "insufficient_quota"),
            int("http.response.status_code", 429),
        ],
    );
    assert_eq!((kind(&error), error.error_class.as_deref()), ("error", Some("usage_limit")));
    assert_eq!(
        (error.http_status, error.detail.as_deref()),
        (Some(429), Some("insufficient_quota"))
    );
}

#[test]
fn a_request_to_the_model_is_read_by_the_conventions_whatever_its_scope() {
    let mut chat = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.conversation.id", "s"),
        int("gen_ai.usage.output_tokens", 42),
    ];
    chat.push(text("blotter.turn.id", "t"));
    let rows = span(SCOPE, named_span("chat m", chat)).events;
    assert_eq!((kind(&rows[0]), rows[0].tokens_output), ("api_request", Some(42)));
    assert_eq!(rows[0].turn_id.as_deref(), Some("t"));
}

#[test]
fn an_unknown_name_is_kept_as_other() {
    assert_eq!(kind(&fact("blotter.from.the.future", vec![])), "other");
}
