//! Records that no agent would send.

use blotter_schemas::names::opentelemetry as otel;
use blotter_schemas::names::{blotter, claude_code, codex, gemini_cli, opencode, qwen_code};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use proptest::prelude::*;
use proptest::sample::select;

use super::{log, named_span, span, span_event};

/// Keys that a dialect reads.
const KEYS: [&str; 42] = [
    blotter::BLOTTER_CALL_EXECUTED,
    blotter::BLOTTER_CALL_OUTCOME,
    blotter::BLOTTER_DECISION,
    blotter::BLOTTER_PERMISSION_SCOPE,
    blotter::BLOTTER_RECORD_SEQUENCE,
    blotter::BLOTTER_TURN_ID,
    codex::ABORTED,
    codex::CALL_ID,
    codex::CODEX_TOOL_PHASE,
    codex::COMPLETED_AT_MS,
    codex::CONVERSATION_ID,
    codex::DECISION,
    codex::DURATION_MS,
    codex::EVENT_KIND,
    codex::EVENT_TIMESTAMP,
    codex::INPUT_TOKEN_COUNT,
    codex::MCP_SERVER_ORIGIN,
    codex::STARTED_AT_MS,
    codex::SUCCESS,
    codex::THREAD_DOT_ID,
    codex::TOOL_RESULT_SEQ,
    codex::USAGE_ESTIMATED_USD,
    claude_code::COST_USD,
    claude_code::EVENT_SEQUENCE,
    claude_code::NUM_BLOCKING,
    claude_code::SESSION_ID,
    claude_code::STATUS,
    claude_code::STATUS_CODE,
    claude_code::TOOL_NAME,
    claude_code::TOOL_PARAMETERS,
    gemini_cli::FUNCTION_NAME,
    gemini_cli::METADATA,
    opencode::AI_PROMPT,
    opencode::AI_TOOLCALL_RESULT,
    opencode::AI_USAGE_INPUTTOKENS,
    otel::GEN_AI_INPUT_MESSAGES,
    otel::GEN_AI_OPERATION_NAME,
    otel::GEN_AI_OUTPUT_MESSAGES,
    otel::GEN_AI_TOOL_CALL_ID,
    otel::MCP_METHOD_NAME,
    qwen_code::SHOULD_PROCEED,
    qwen_code::TOOL_FAILURE_KIND,
];

/// Strings that mean something to a dialect, and strings that do not.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec![
            "",
            "true",
            "FALSE",
            "12",
            "-1",
            "9223372036854775807",
            "1e300",
            "NaN",
            "mcp_tool",
            "stdio",
            "http://[::1",
            "https://h:1/",
            "response.failed",
            "{\"mcp_server_name\":\"a\"}",
            "{\"mcp_tool_name\":[]}",
            "execute_tool",
            "chat",
            "invoke_agent",
            "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"a\"}]}]",
            "[{\"callId\":\"c\"}]",
            "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
            "{\"status\":\"error\",\"response\":{\"responseParts\":[1]}}",
            "{\"exitCode\":99999999999999999999}",
            "2026-11-21T00:00:00Z",
            "9999999-01-01T00:00:00Z",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ]
}

fn values() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        words().prop_map(|text| Some(Value::StringValue(text))),
        any::<bool>().prop_map(|flag| Some(Value::BoolValue(flag))),
        any::<i64>().prop_map(|number| Some(Value::IntValue(number))),
        any::<f64>().prop_map(|number| Some(Value::DoubleValue(number))),
        Just(Some(Value::ArrayValue(ArrayValue { values: vec![AnyValue { value: None }] }))),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(|bytes| Some(Value::BytesValue(bytes))),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let attribute = (select(KEYS.as_slice()), values()).prop_map(|(key, value)| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value }),
        ..KeyValue::default()
    });
    prop::collection::vec(attribute, 0..12)
}

/// A service and the name of one of its events.
fn events() -> impl Strategy<Value = (&'static str, &'static str)> {
    let codex = codex::EventName::ALL.iter().map(|name| ("codex_exec", name.as_str()));
    let claude = claude_code::EventName::ALL.iter().map(|name| ("claude-code", name.as_str()));
    let gemini = gemini_cli::EventName::ALL.iter().map(|name| ("gemini-cli", name.as_str()));
    let qwen = qwen_code::EventName::ALL.iter().map(|name| ("qwen-code", name.as_str()));
    let gen_ai = otel::EventName::ALL.iter().map(|name| ("lab", name.as_str()));
    let blotter = blotter::EventName::ALL.iter().map(|name| ("blotter.agent", name.as_str()));
    let unknown = [
        ("blotter.agent", "blotter.unknown"),
        ("codex_exec", "codex.unknown"),
        ("claude-code", "unknown"),
        ("codex_exec", ""),
        ("github-copilot", "unknown"),
        ("opencode", ""),
    ];
    let known = codex.chain(claude).chain(gemini).chain(qwen).chain(gen_ai).chain(blotter);
    select(known.chain(unknown).collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn every_log_record_becomes_one_event_that_keeps_it(
        (service, name) in events(),
        mut attributes in attributes(),
    ) {
        attributes.push(super::text("event.name", name));
        let event = log(service, "lab", LogRecord { attributes, ..LogRecord::default() });
        prop_assert!(event.kind.is_some());
        prop_assert!(event.record.is_some());
        prop_assert!(event.canonical_record().is_ok());
    }

    #[test]
    fn every_span_becomes_one_row_and_its_events_refer_to_it(
        (service, name) in events(),
        span_name in select(vec![
            "exec_command", "session_task.turn", "session_loop", "mcp.tools.call", "guardian_review",
            "codex.hooks.command", "code_mode.broker.invoke_tool", "unified_exec.exec_command",
            "claude_code.tool", "claude_code.tool.blocked_on_user", "claude_code.tool.execution",
            "claude_code.hook", "claude_code.interaction", "anything",
            "tool_call", "schedule_tool_calls", "qwen-code.tool", "qwen-code.hook", "permission",
            "ai.toolCall", "Tool.execute", "ai.streamText", "ai.streamText.doStream",
        ]),
        around in attributes(),
        mut on_event in attributes(),
        end in any::<u64>(),
    ) {
        on_event.push(super::text("event.name", name));
        let mut sent = named_span(span_name, around);
        sent.end_time_unix_nano = end;
        sent.events.push(span_event("tool.output", on_event));
        let rows = span(service, sent);
        prop_assert_eq!(rows.spans.len(), 1);
        for event in &rows.events {
            prop_assert!(event.kind.is_some());
            prop_assert_eq!(event.origin_id, Some(rows.spans[0].event_id));
            prop_assert_eq!(&event.record, &None);
        }
    }
}
