//! Traps of Gemini CLI.

use blotter_schemas::tables::Event;
use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::{empty, flag, int, kind, log, named_log, named_span, span, text};

const SERVICE: &str = "gemini-cli";

fn gemini(name: &str, attributes: Vec<KeyValue>) -> Event {
    let event = log(SERVICE, SERVICE, named_log(name, attributes));
    assert_eq!(event.dialect.as_deref(), Some("gemini_cli"));
    event
}

fn tool_call(attributes: Vec<KeyValue>) -> Event {
    let event = gemini("gemini_cli.tool_call", attributes);
    assert_eq!((kind(&event), event.call_id.as_deref()), ("result", None));
    event
}

#[test]
fn a_tool_that_is_not_registered_is_refused_without_a_decision() {
    let event = tool_call(vec![
        text("function_name", "run_shell_command"),
        flag("success", false),
        empty("decision"),
        empty("mcp_server_name"),
        text("error_type", "tool_not_registered"),
        text("error", "Tool not found."),
    ]);
    assert_eq!((event.decision, event.mcp_server), (None, None));
    assert_eq!(event.error_type.as_deref(), Some("tool_not_registered"));
    assert_eq!(event.success, Some(false));
}

#[test]
fn a_command_that_exits_3_is_a_success_with_an_exit_code() {
    let metadata = "{\n  \"exitCode\": 3,\n  \"isError\": true\n}";
    let event = tool_call(vec![flag("success", true), text("metadata", metadata)]);
    assert_eq!((event.success, event.exit_code), (Some(true), Some(3)));
    for metadata in ["{\"model_added_lines\":1}", "not json", "[]", "{\"exitCode\":\"3\"}"] {
        assert_eq!(tool_call(vec![text("metadata", metadata)]).exit_code, None, "{metadata}");
    }
}

#[test]
fn a_decision_is_kept_in_the_senders_words_and_names_nobody() {
    let event = tool_call(vec![text("decision", "accept")]);
    assert_eq!((event.decision.as_deref(), event.decision_source), (Some("accept"), None));
}

#[test]
fn what_made_the_router_choose_a_model_is_no_decision() {
    let event = gemini(
        "gemini_cli.model_routing",
        vec![text("decision_source", "agent-router/override"), text("decision_model", "m")],
    );
    assert_eq!((kind(&event), &event.decision, &event.decision_source), ("other", &None, &None));
    assert_eq!(event.model.as_deref(), Some("m"));
}

#[test]
fn the_version_of_the_runtime_is_not_the_agents() {
    use blotter_schemas::otlp::Request;
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
    let version = |version: &str| {
        let mut resource = super::resource(SERVICE);
        resource.attributes.push(text("service.version", version));
        resource.attributes.push(text("process.runtime.version", "20.20.2"));
        resource.attributes.push(text("session.id", "s1"));
        let log_records = vec![named_log("gemini_cli.config", vec![])];
        let event = super::rows(&Request::Logs(ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                resource: Some(resource),
                scope_logs: vec![ScopeLogs { log_records, ..ScopeLogs::default() }],
                ..ResourceLogs::default()
            }],
        }))
        .events
        .remove(0);
        assert_eq!(event.session_id.as_deref(), Some("s1"), "the resource names the session");
        event.agent_version
    };
    assert_eq!(version("v20.20.2"), None);
    assert_eq!(version("0.61.0").as_deref(), Some("0.61.0"));
}

#[test]
fn tokens_stand_on_the_response_and_on_none_of_its_repetitions() {
    let response = gemini("gemini_cli.api_response", vec![text("input_token_count", "1200")]);
    assert_eq!((kind(&response), response.tokens_input), ("api_request", Some(1200)));
    let details = gemini(
        "gen_ai.client.inference.operation.details",
        vec![int("gen_ai.usage.input_tokens", 1200)],
    );
    assert_eq!((kind(&details), details.tokens_input), ("other", None));
    assert!(span(SERVICE, named_span("llm_call", vec![])).events.is_empty());
}

#[test]
fn a_mode_that_changes_is_known_in_both_spellings() {
    for name in ["gemini_cli.plan.approval_mode_switch", "approval_mode_switch"] {
        let attributes = vec![text("from_mode", "default"), text("to_mode", "yolo")];
        let event = gemini(name, attributes);
        assert_eq!((kind(&event), event.approval_policy.as_deref()), ("mode_change", Some("yolo")));
    }
}

fn request(id: &str) -> String {
    format!(r#"{{"callId":"{id}","name":"read_file","args":{{"file_path":"a"}},"prompt_id":"p"}}"#)
}

#[test]
fn a_call_is_named_by_its_span_under_the_spelling_of_gemini() {
    let attributes = vec![
        text("gen_ai.tool.call_id", "c1"),
        text("gen_ai.tool.name", "read_file"),
        text("gen_ai.input.messages", &request("c1")),
        text(
            "gen_ai.output.messages",
            r#"{"status":"error","outcome":"proceed_once","response":{"errorType":"x","responseParts":
            [{"functionResponse":{"response":{"error":"boom"}}}]}}"#,
        ),
    ];
    let rows = span(SERVICE, named_span("tool_call", attributes));
    assert_eq!(rows.events.iter().map(kind).collect::<Vec<_>>(), ["call", "result"]);
    assert!(rows.events.iter().all(|event| event.call_id.as_deref() == Some("c1")));
    assert!(rows.events.iter().all(|event| event.turn_id.as_deref() == Some("p")));
    assert_eq!(rows.events[0].arguments.as_deref(), Some(r#"{"file_path":"a"}"#));
    // The span itself says that all went well.
    assert_eq!(rows.events[1].success, Some(false));
    assert_eq!(rows.events[1].error_message.as_deref(), Some("boom"));
    assert_eq!((&rows.events[1].output, rows.events[1].error_type.as_deref()), (&None, Some("x")));
}

#[test]
fn a_refused_call_is_named_by_the_span_that_scheduled_it_alone() {
    let scheduled = |messages: String| {
        span(
            SERVICE,
            named_span("schedule_tool_calls", vec![text("gen_ai.input.messages", &messages)]),
        )
    };
    let one = scheduled(format!("[{}]", request("c1")));
    assert_eq!((kind(&one.events[0]), one.spans[0].call_id.as_deref()), ("call", Some("c1")));
    let two = scheduled(format!("[{},{}]", request("c1"), request("c2")));
    assert!(two.events.is_empty());
    assert_eq!(two.spans[0].call_id, None);
    assert!(scheduled("[".repeat(100_000)).events.is_empty());
}
