//! Codex's session files: what each line becomes, with files of real runs, and with lines that no version
//! of Codex would write.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use blotter_schemas::normalise::{Custody, Rows};
use blotter_schemas::rollout::{FORKED, INHERITED, Rollout, attribute_of};
use blotter_schemas::tables::Event;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Session files of a capture, in order of their names.
fn files(capture: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures/codex");
    let folder = folder.join(capture).join("rollout");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn read(text: &str) -> Vec<Event> {
    let mut rollout = None;
    let mut rows = Rows::default();
    for line in text.lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        let rollout = rollout.get_or_insert_with(|| Rollout::begin(&value).unwrap());
        rollout.take(line, &value, &Custody::default(), &mut rows);
    }
    rows.events
}

/// Events of the first session file of a capture.
fn events(capture: &str) -> Vec<Event> {
    read(&fs::read_to_string(&files(capture)[0]).unwrap())
}

fn of_kind<'a>(events: &'a [Event], kind: &str) -> Vec<&'a Event> {
    events.iter().filter(|event| event.kind.as_deref() == Some(kind)).collect()
}

/// Lines of a file of thread `t`, made of types and payloads.
fn made(lines: &[(&str, Value)]) -> Vec<Event> {
    let first = ("session_meta", json!({"id": "t"}));
    let lines = [first].into_iter().chain(lines.iter().cloned());
    let line = |(kind, payload)| json!({"type": kind, "payload": payload}).to_string();
    read(&lines.map(line).collect::<Vec<_>>().join("\n"))
}

#[test]
fn every_line_of_every_capture_is_one_event_that_keeps_it_whole() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures/codex");
    let mut read_files = 0;
    for capture in fs::read_dir(captures).unwrap() {
        let capture = capture.unwrap().path().join("rollout");
        for file in fs::read_dir(capture).into_iter().flatten() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            let events = read(&text);
            let lines: Vec<&str> = text.lines().collect();
            let records: Vec<&str> =
                events.iter().map(|event| event.record.as_deref().unwrap()).collect();
            assert_eq!(records, lines);
            let ids: BTreeSet<_> = events.iter().map(|event| event.event_id).collect();
            assert_eq!(ids.len(), lines.len());
            for event in &events {
                assert_eq!(event.canonical_record().unwrap(), event.record);
                assert_eq!(event.source.as_deref(), Some("rollout"));
                assert!(event.session_id.is_some() && event.time_unix_nano.is_some());
            }
            read_files += 1;
        }
    }
    assert!(read_files > 20);
}

#[test]
fn a_file_that_grew_has_the_same_ids_for_what_it_had() {
    let text = fs::read_to_string(&files("01-exec-ok-workspace-write")[0]).unwrap();
    let whole = read(&text);
    for lines in 1..whole.len() {
        let beginning: Vec<&str> = text.lines().take(lines).collect();
        let ids = |events: &[Event]| events.iter().map(|event| event.event_id).collect::<Vec<_>>();
        assert_eq!(ids(&read(&beginning.join("\n"))), ids(&whole[..lines]));
    }
}

#[test]
fn the_session_says_where_by_whom_and_with_which_version_it_began() {
    let events = events("01-exec-ok-workspace-write");
    let [start] = of_kind(&events, "session_start")[..] else { panic!() };
    assert_eq!(start.session_id.as_deref(), Some("01a1fb66-2a6e-7a00-a545-35ab1439446a"));
    assert_eq!(start.cwd.as_deref(), Some("/home/dev/project"));
    assert_eq!(start.agent_version.as_deref(), Some("0.169.0"));
    assert_eq!(start.agent_name.as_deref(), Some("codex_exec"));
    assert_eq!(start.detail.as_deref(), Some("exec"));
    assert_eq!((start.parent_session_id.as_deref(), start.sequence), (None, Some(0)));
}

#[test]
fn a_turn_has_its_context_its_trace_its_prompt_and_its_end() {
    let events = events("01-exec-ok-workspace-write");
    let turn = Some("01a1fb66-2a91-7d13-8820-79d4096fe8b0");
    let [begun] = of_kind(&events, "turn_start")[..] else { panic!() };
    assert_eq!(begun.turn_id.as_deref(), turn);
    assert_eq!(begun.trace_id.as_deref(), Some("98b94c3d5287dd724ec586afc27b17b1"));
    let [profile] = of_kind(&events, "profile")[..] else { panic!() };
    assert_eq!(profile.turn_id.as_deref(), turn);
    assert_eq!(profile.approval_policy.as_deref(), Some("never"));
    assert_eq!(profile.sandbox_policy.as_deref(), Some("workspace-write"));
    assert_eq!(profile.cwd.as_deref(), Some("/home/dev/project"));
    assert_eq!(profile.model.as_deref(), Some("gpt-5.5"));
    assert!(profile.text.as_deref().unwrap().contains(r#""type":"managed""#));
    // What Codex adds by itself is no prompt.
    let [prompt] = of_kind(&events, "prompt")[..] else { panic!() };
    assert_eq!(prompt.text.as_deref(), Some("please do the lab task"));
    assert_eq!(prompt.turn_id.as_deref(), turn);
    let [response] = of_kind(&events, "response")[..] else { panic!() };
    assert_eq!(response.text.as_deref(), Some("All done."));
    let [ended] = of_kind(&events, "turn_end")[..] else { panic!() };
    assert_eq!((ended.turn_id.as_deref(), ended.duration_ns), (turn, Some(563_000_000)));
    assert_eq!(ended.error_type, None);
}

#[test]
fn a_call_has_its_arguments_and_its_result_an_exit_code_of_its_own() {
    let events = events("01-exec-ok-workspace-write");
    let calls = of_kind(&events, "call");
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[0].tool_name.as_deref(), Some("exec_command"));
    assert!(calls[0].arguments.as_deref().unwrap().contains("echo lab-ok"));
    let results = of_kind(&events, "result");
    let of_call = |id: &str| -> Vec<_> {
        results.iter().filter(|result| result.call_id.as_deref() == Some(id)).collect()
    };
    let failed = of_call("call_mock_001_1");
    let codes: Vec<_> = failed.iter().filter_map(|result| result.exit_code).collect();
    let outputs: Vec<_> = failed.iter().filter_map(|result| result.output.as_deref()).collect();
    assert_eq!(codes, [3]);
    assert!(outputs.len() == 1 && outputs[0].contains("Process exited with code 3"), "{outputs:?}");
    assert!(failed.iter().any(|result| result.cwd.as_deref() == Some("/home/dev/project")));
}

#[test]
fn why_the_model_makes_a_call_stands_in_a_column_of_its_own() {
    let events = events("02-denied-readonly");
    let stated: Vec<&str> =
        events.iter().filter_map(|event| event.justification.as_deref()).collect();
    assert_eq!(stated, ["need root cleanup"]);
}

#[test]
fn mcp_calls_and_patches_say_whether_they_succeeded_and_nested_calls_what_came_back() {
    let mcp = events("03-mcp");
    let servers: Vec<_> = of_kind(&mcp, "result")
        .into_iter()
        .filter_map(|event| Some((event.mcp_server.as_deref()?, event.success?)))
        .collect();
    assert_eq!(servers, [("lab", true), ("lab", true), ("lab", false), ("lab", false)]);
    let text = of_kind(&mcp, "result").into_iter().find_map(|event| event.output.as_deref());
    assert_eq!(text, Some("Wall time: 0.0023 seconds\nOutput:\nhello mcp"));
    let nested = events("10-codemode");
    let nested: Vec<_> = of_kind(&nested, "result")
        .into_iter()
        .filter(|event| event.call_id.as_deref().is_some_and(|id| id.starts_with("exec-")))
        .collect();
    assert!(nested.len() >= 4 && nested.iter().all(|event| event.output.is_some()));
}

#[test]
fn what_a_sub_agent_inherited_is_neither_its_prompt_nor_its_call() {
    let file = files("09-multiagent").pop().unwrap();
    let events = read(&fs::read_to_string(file).unwrap());
    let parent = Some("01a1fb69-9d52-7d41-8e46-3ac8dba92c4e");
    let [start] = of_kind(&events, "session_start")[..] else { panic!() };
    assert_eq!(start.parent_session_id.as_deref(), parent);
    assert_eq!(start.agent_name.as_deref(), Some("/root/subtask"));
    assert_eq!(start.detail.as_deref(), Some("subagent"));
    let inherited: Vec<_> =
        events.iter().filter(|event| event.detail.as_deref() == Some(INHERITED)).collect();
    assert_eq!(inherited.len(), 15);
    for event in inherited {
        assert_eq!(event.kind.as_deref(), Some("other"));
        assert!(event.turn_id.is_none() && event.call_id.is_none());
    }
    assert!(of_kind(&events, "prompt").is_empty());
    let [call] = of_kind(&events, "call")[..] else { panic!() };
    assert_eq!(call.tool_name.as_deref(), Some("wait_agent"));
    let [ended] = of_kind(&events, "turn_end")[..] else { panic!() };
    assert_eq!(ended.error_type.as_deref(), Some("interrupted"));
    let [message] = of_kind(&events, "agent_message")[..] else { panic!() };
    assert_eq!(message.detail.as_deref(), Some("/root to /root/subtask"));
}

#[test]
fn a_reviewer_is_told_from_a_sub_agent_by_what_began_it() {
    for file in files("04-guardian-deny") {
        let events = read(&fs::read_to_string(file).unwrap());
        let [start] = of_kind(&events, "session_start")[..] else { panic!() };
        let expected = start.parent_session_id.as_ref().map_or("exec", |_| "guardian_review");
        assert_eq!(start.detail.as_deref(), Some(expected));
        assert_eq!(of_kind(&events, "prompt").len(), 1);
    }
}

#[test]
fn tokens_are_told_once_a_response_whichever_lines_tell_them() {
    let sum = |events: &[Event]| -> (usize, i64) {
        let usage = of_kind(events, "usage");
        (usage.len(), usage.iter().filter_map(|event| event.tokens_input).sum())
    };
    assert_eq!(sum(&events("01-exec-ok-workspace-write")), (3, 3_630));
    // Older files have running sums alone, which come again when nothing was spent.
    let count = |input: i64| {
        let total = json!({"input_tokens": input, "output_tokens": 1});
        ("event_msg", json!({"type": "token_count", "info": {"total_token_usage": total}}))
    };
    let older = made(&[count(100), count(100), count(250), count(40)]);
    assert_eq!(sum(&older), (3, 100 + 150 + 40));
}

#[test]
fn a_fork_is_told_from_what_it_was_copied_from_by_the_age_of_its_turns() {
    let (old, thread, new) = (
        "01a1fb66-0000-7000-8000-000000000000",
        "01a1fb67-0000-7000-8000-000000000000",
        "01a1fb68-0000-7000-8000-000000000000",
    );
    let line = |kind: &str, payload: Value| json!({"type": kind, "payload": payload}).to_string();
    let turn = |id: &str| line("turn_context", json!({"turn_id": id, "approval_policy": "never"}));
    let said = |id: &str| {
        let passed = json!({"turn_id": id, "content_item_kinds": ["user.text"]});
        let content = json!([{"type": "input_text", "text": "do it"}]);
        line(
            "response_item",
            json!({
                "type": "message", "role": "user", "content": content,
                "internal_chat_message_metadata_passthrough": passed,
            }),
        )
    };
    let events = read(
        &[
            line("session_meta", json!({"id": thread, "forked_from_id": old})),
            line("session_meta", json!({"id": old})),
            turn(old),
            said(old),
            turn(new),
            said(new),
        ]
        .join("\n"),
    );
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_deref().unwrap()).collect();
    assert_eq!(kinds, ["session_start", "other", "other", "other", "profile", "prompt"]);
    assert_eq!(events[0].parent_session_id.as_deref(), Some(old));
    assert_eq!(events[0].detail.as_deref(), Some(FORKED));
}

#[test]
fn older_files_say_prompts_compaction_and_calls_in_lines_of_their_own() {
    let events = made(&[
        ("event_msg", json!({"type": "turn_started", "turn_id": "1"})),
        (
            "response_item",
            json!({"type": "message", "role": "user", "content": "<environment_context>"}),
        ),
        ("event_msg", json!({"type": "user_message", "message": "do it"})),
        (
            "turn_context",
            json!({
                "turn_id": "1",
                "approval_policy": {"granular": {"rules": true}},
                "sandbox_policy": {"mode": "read-only"},
                "active_permission_profile": {"id": "ci", "extends": ":workspace"},
            }),
        ),
        (
            "response_item",
            json!({
                "type": "local_shell_call", "call_id": "c", "status": "completed",
                "action": {"type": "exec", "command": ["ls"]},
            }),
        ),
        (
            "response_item",
            json!({
                "type": "function_call_output", "call_id": "c", "output": {"content": "a", "success": true},
            }),
        ),
        ("event_msg", json!({"type": "exec_command_end", "call_id": "c", "exit_code": 2})),
        ("response_item", json!({"type": "web_search_call", "id": "w", "action": {"query": "q"}})),
        ("compacted", json!({"message": "so far"})),
        ("event_msg", json!({"type": "turn_aborted", "turn_id": "1", "reason": "interrupted"})),
        ("event_msg", json!({"type": "token_count", "info": null})),
    ]);
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_deref().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "session_start",
            "turn_start",
            "other",
            "prompt",
            "profile",
            "call",
            "result",
            "result",
            "result",
            "compaction",
            "turn_end",
            "other"
        ]
    );
    assert_eq!(events[3].text.as_deref(), Some("do it"));
    assert_eq!(events[4].approval_policy.as_deref(), Some("granular"));
    assert_eq!(events[4].sandbox_policy.as_deref(), Some("read-only"));
    assert_eq!(events[4].profile_name.as_deref(), Some("ci"));
    assert_eq!(events[5].tool_name.as_deref(), Some("local_shell"));
    assert_eq!(events[6].output.as_deref(), Some("a"));
    assert_eq!(events[7].exit_code, Some(2));
    assert_eq!(events[8].call_id.as_deref(), Some("w"));
    assert_eq!(events[9].text.as_deref(), Some("so far"));
    // Lines between a turn's start and its end are the turn's.
    assert!(events[1..=10].iter().all(|event| event.turn_id.as_deref() == Some("1")));
    assert_eq!(events[11].turn_id, None);
}

#[test]
fn a_file_that_does_not_begin_with_its_session_is_none() {
    for line in [
        json!({"type": "turn_context", "payload": {"id": "t"}}),
        json!({"type": "session_meta", "payload": {"id": 3}}),
        json!({"type": "session_meta"}),
        json!([]),
        json!("session_meta"),
    ] {
        assert!(Rollout::begin(&line).is_none(), "{line}");
    }
}

#[test]
fn prompts_answers_arguments_and_outputs_are_known_for_what_they_are() {
    let user = json!({"type": "response_item", "payload": {"type": "message", "role": "user"}});
    assert_eq!(attribute_of(&user, "payload.content"), Some("prompt"));
    let assistant =
        json!({"type": "response_item", "payload": {"type": "message", "role": "assistant"}});
    assert_eq!(attribute_of(&assistant, "payload.content"), Some("response"));
    let custom = json!({"type": "response_item", "payload": {"type": "custom_tool_call"}});
    assert_eq!(attribute_of(&custom, "payload.input"), Some("arguments"));
    let item = json!({"type": "event_msg", "payload": {
        "type": "item_completed", "item": {"type": "CommandExecution"},
    }});
    assert_eq!(attribute_of(&item, "payload.item.aggregated_output"), Some("output"));
    assert_eq!(attribute_of(&item, "payload.item.id"), None);
}

/// Any JSON, with words in it that the reader looks for.
fn anything() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "session_meta",
        "response_item",
        "event_msg",
        "turn_context",
        "message",
        "function_call",
        "item_completed",
        "CommandExecution",
        "McpToolCall",
        "token_count",
        "user",
        "assistant",
        "user.text",
        "turn_aborted",
        "thread_settings_applied",
        "exec-1",
        "file://",
        "01a1fb66-2a6e-7a00-a545-35ab1439446a",
        "",
    ]);
    let keys = prop::sample::select(vec![
        "type",
        "payload",
        "id",
        "turn_id",
        "content",
        "text",
        "role",
        "arguments",
        "output",
        "item",
        "info",
        "total_token_usage",
        "input_tokens",
        "action",
        "source",
        "subagent",
        "error",
        "message",
        "result",
        "call_id",
        "ordinal",
        "timestamp",
        "thread_settings",
        "cwd",
        "subagent_history_start_ordinal",
        "forked_from_id",
        "content_item_kinds",
        "internal_chat_message_metadata_passthrough",
        "approval_policy",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..8).prop_map(|members| {
                members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_after_the_first_line_is_one_event_that_keeps_it(
        meta in anything(),
        lines in prop::collection::vec(anything(), 0..12),
    ) {
        let mut first = json!({"type": "session_meta", "payload": meta});
        if !first["payload"].is_object() {
            first["payload"] = json!({});
        }
        first["payload"]["id"] = json!("01a1fb66-2a6e-7a00-a545-35ab1439446a");
        let mut rollout = Rollout::begin(&first).unwrap();
        let mut rows = Rows::default();
        for line in &lines {
            rollout.take(&line.to_string(), line, &Custody::default(), &mut rows);
        }
        prop_assert_eq!(rows.events.len(), lines.len());
        for (event, line) in rows.events.iter().zip(&lines) {
            prop_assert!(event.kind.is_some());
            prop_assert_eq!(&event.record, &Some(line.to_string()));
        }
    }
}
