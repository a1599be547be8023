//! Traps of GitHub Copilot CLI.

use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::{failed, int, kind, named_span, span, span_event, text};

const SERVICE: &str = "github-copilot";

fn execute(attributes: Vec<KeyValue>) -> opentelemetry_proto::tonic::trace::v1::Span {
    let own = vec![
        text("gen_ai.operation.name", "execute_tool"),
        text("gen_ai.conversation.id", "s1"),
        text("gen_ai.tool.call.id", "c1"),
        text("gen_ai.tool.name", "bash"),
    ];
    named_span("execute_tool bash", [own, attributes].concat())
}

#[test]
fn a_command_that_exits_3_has_an_exit_code_and_no_word_of_success() {
    let rows = span(SERVICE, execute(vec![text("process.exit.code", "3")]));
    assert_eq!(rows.events.iter().map(kind).collect::<Vec<_>>(), ["call", "result"]);
    assert_eq!((rows.events[0].exit_code, rows.events[0].success), (None, None));
    assert_eq!((rows.events[1].exit_code, rows.events[1].success), (Some(3), None));
    assert!(rows.events[0].time_unix_nano < rows.events[1].time_unix_nano);
    assert_ne!(rows.events[0].event_id, rows.events[1].event_id);
}

#[test]
fn a_denied_call_ends_with_the_rule_that_denied_it_once() {
    let mut denied = execute(vec![text("error.type", "denied")]);
    denied.status = failed("denied due to the following rules: `shell(curl)`");
    denied.events.push(span_event("gen_ai.client.operation.exception", vec![]));
    let rows = span(SERVICE, denied);
    assert_eq!(rows.events.iter().map(kind).collect::<Vec<_>>(), ["call", "result"]);
    let result = &rows.events[1];
    assert_eq!((result.success, result.error_type.as_deref()), (Some(false), Some("denied")));
    assert!(result.error_message.as_deref().unwrap().contains("shell(curl)"));
}

#[test]
fn a_permission_that_nobody_could_give_is_a_decision_below_its_call() {
    let mut permission = named_span(
        "permission",
        vec![
            text("gen_ai.conversation.id", "s1"),
            text("github.copilot.permission.kind", "read"),
            text("github.copilot.permission.result", "denied-no-approval-rule"),
        ],
    );
    permission.parent_span_id = vec![5; 8];
    let decision = span(SERVICE, permission).events.remove(0);
    assert_eq!((kind(&decision), decision.call_id.as_deref()), ("decision", None));
    assert_eq!(decision.decision.as_deref(), Some("denied-no-approval-rule"));
    assert_eq!(decision.parent_span_id.as_deref(), Some("0505050505050505"));
}

#[test]
fn a_sandbox_that_was_not_active_says_so_of_its_call() {
    let mut command = execute(vec![]);
    let state = vec![
        text("github.copilot.sandbox.outcome", "inactive"),
        text("github.copilot.sandbox.control", "process"),
    ];
    command.events.push(span_event("github.copilot.sandbox.enforcement_state", state));
    let rows = span(SERVICE, command);
    let sandbox = rows.events.iter().find(|event| kind(event) == "sandbox").unwrap();
    assert_eq!(sandbox.sandbox_outcome.as_deref(), Some("inactive"));
    assert_eq!((sandbox.call_id.as_deref(), sandbox.sandbox_policy.as_deref()), (Some("c1"), None));
}

#[test]
fn a_prompt_has_its_words_where_the_span_around_it_does() {
    let prompt = |content: Vec<KeyValue>| {
        let own = vec![text("gen_ai.operation.name", "invoke_agent")];
        let mut agent = named_span("invoke_agent", [own, content].concat());
        let message = vec![text("github.copilot.user.message.interaction_id", "i1")];
        agent.events.push(span_event("github.copilot.user.message", message));
        agent.events.push(span_event("github.copilot.session.usage_info", vec![]));
        let rows = span(SERVICE, agent);
        assert_eq!(rows.events.iter().map(kind).collect::<Vec<_>>(), ["other", "prompt"]);
        assert!(rows.events.iter().all(|event| event.turn_id.as_deref() == Some("i1")));
        rows.events[1].text.clone()
    };
    assert_eq!(prompt(vec![]), None);
    let messages = r#"[{"role":"user","parts":[{"type":"text","content":"do it"}]}]"#;
    assert_eq!(prompt(vec![text("gen_ai.input.messages", messages)]).as_deref(), Some("do it"));
}

#[test]
fn premium_requests_are_not_money_and_an_agents_sum_is_not_counted_again() {
    let usage = |operation: &str| {
        let attributes = vec![
            text("gen_ai.operation.name", operation),
            int("gen_ai.usage.input_tokens", 1200),
            int("github.copilot.cost", 1),
        ];
        let event = span(SERVICE, named_span(operation, attributes)).events.remove(0);
        assert_eq!(event.cost_usd, None);
        event.tokens_input
    };
    assert_eq!((usage("chat"), usage("invoke_agent")), (Some(1200), None));
}
