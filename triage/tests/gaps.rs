//! Every rule on a small session in which it must find something and on one in which it must not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helper functions of tests"
)]

use blotter_schemas::names::blotter::{EventKind, EventSource};
use blotter_schemas::tables::{Event, Span};
use blotter_triage::gaps::{self, RULES};
use blotter_triage::receipt::Beside;
use blotter_triage::reconstruct::findings::{Finding, Severity};
use blotter_triage::reconstruct::reconstruct;
use blotter_triage::trail;

const SECOND: i64 = 1_000_000_000;

/// A row of session `s` of an agent, at the second `at`, which is also its id.
fn row(agent: &str, at: u8, source: EventSource, kind: EventKind) -> Event {
    Event {
        event_id: [at; 16],
        dialect: Some(agent.to_owned()),
        source: Some(source.as_str().to_owned()),
        session_id: Some("s".to_owned()),
        time_unix_nano: Some(i64::from(at) * SECOND),
        kind: Some(kind.as_str().to_owned()),
        // Apart from each other: a log record and a span event of one name are one report.
        name: Some(kind.as_str().to_owned()),
        ..Event::default()
    }
}

fn log(at: u8, kind: EventKind) -> Event {
    row("codex", at, EventSource::OtlpLog, kind)
}

/// Where a session of Codex begins, under this approval policy, with a prompt.
fn begin(approval: &str) -> Vec<Event> {
    let start = Event {
        approval_policy: Some(approval.to_owned()),
        sandbox_policy: Some("workspace-write".to_owned()),
        ..log(1, EventKind::SessionStart)
    };
    vec![start, Event { text: Some("do it".to_owned()), ..log(2, EventKind::Prompt) }]
}

/// The model's last word.
fn usage(at: u8) -> Event {
    Event { tokens_input: Some(1), ..log(at, EventKind::Usage) }
}

fn about(call: &str, mut row: Event) -> Event {
    row.call_id = Some(call.to_owned());
    row.tool_name = Some("exec_command".to_owned());
    row.tool_namespace = Some("functions".to_owned());
    row
}

fn received(call: &str, at: u8) -> Event {
    about(call, row("codex", at, EventSource::OtlpSpanEvent, EventKind::Call))
}

fn decision(call: &str, at: u8, decision: &str, source: &str) -> Event {
    Event {
        decision: Some(decision.to_owned()),
        decision_source: Some(source.to_owned()),
        ..about(call, log(at, EventKind::Decision))
    }
}

fn result(call: &str, at: u8, output: &str) -> Event {
    Event {
        success: Some(true),
        output: Some(output.to_owned()),
        arguments: Some("{}".to_owned()),
        ..about(call, log(at, EventKind::Result))
    }
}

const EXIT_0: &str = "Chunk ID: 1\nProcess exited with code 0\nOutput:\n";
const EXIT_3: &str = "Chunk ID: 1\nProcess exited with code 3\nOutput:\n";

/// A session of Codex in which nothing is missing.
fn whole() -> Vec<Event> {
    let mut rows = begin("never");
    rows.extend([
        received("c", 3),
        decision("c", 4, "approved", "Config"),
        result("c", 5, EXIT_0),
        usage(6),
    ]);
    rows
}

fn beside(rows: &[Event], beside: &Beside) -> Vec<Finding> {
    let mut session = reconstruct("s", rows);
    trail::examine(&mut session, rows, beside);
    gaps::family(&session).into_iter().cloned().collect()
}

fn found(rows: &[Event]) -> Vec<Finding> {
    beside(rows, &Beside::default())
}

/// The findings of one rule.
fn of(rule: &str, rows: &[Event]) -> Vec<Finding> {
    assert!(RULES.iter().any(|known| known.name == rule), "{rule}");
    found(rows).into_iter().filter(|finding| finding.rule == rule).collect()
}

fn without(rows: Vec<Event>, at: u8) -> Vec<Event> {
    rows.into_iter().filter(|row| row.event_id != [at; 16]).collect()
}

#[test]
fn a_whole_session_has_no_finding() {
    assert_eq!(found(&whole()), []);
}

#[test]
fn a_call_without_decision_and_result_is_a_gap_and_one_that_a_person_cancelled_is_none() {
    let mut rows = without(without(whole(), 4), 5);
    let [finding] = of("call_without_outcome", &rows).try_into().unwrap();
    assert_eq!(finding.calls, ["s/c"]);
    assert!(finding.summary.contains("s/c"), "{finding:?}");
    assert_eq!(finding.events.len(), 1);
    // What records tell of it by other means is not missing.
    let cut = Event {
        duration_ns: Some(2 * SECOND),
        error_type: Some("aborted".to_owned()),
        ..about("c", row("codex", 4, EventSource::OtlpSpan, EventKind::Call))
    };
    rows.push(cut);
    assert_eq!(of("call_without_outcome", &rows), []);
}

#[test]
fn a_decision_to_allow_without_result_is_a_gap_and_a_refusal_is_none() {
    let rows = without(whole(), 5);
    let findings = of("decision_without_result", &rows);
    assert_eq!(findings.len(), 1);
    assert_eq!(of("call_without_outcome", &rows), [], "one gap is told once");
    let mut refused = begin("on-request");
    refused.extend([received("c", 3), decision("c", 4, "denied", "User"), usage(6)]);
    assert_eq!(of("decision_without_result", &refused), []);
}

#[test]
fn a_command_that_ran_without_decision_is_a_gap_and_one_that_a_rule_refused_is_none() {
    let findings = of("result_without_decision", &without(whole(), 4));
    assert_eq!(findings.len(), 1);
    let rejected = "exec_command failed: CreateProcess { message: \"Rejected(\\\"no\\\")\" }";
    let refused = Event { success: Some(false), ..result("c", 5, rejected) };
    let mut rows = without(without(whole(), 4), 5);
    rows.push(refused);
    assert_eq!(of("result_without_decision", &rows), []);
    // Tools of MCP servers that only read are let through without a word.
    let mcp = Event { tool_namespace: Some("mcp__lab".to_owned()), ..result("c", 5, EXIT_0) };
    let mut rows = begin("never");
    rows.extend([mcp, usage(6)]);
    assert_eq!(of("result_without_decision", &rows), []);
}

#[test]
fn a_result_of_which_nothing_says_that_it_was_asked_for_is_a_gap_where_calls_are_told_of() {
    let mut rows = whole();
    let lone = Event { tool_namespace: Some("mcp__lab".to_owned()), ..result("d", 7, EXIT_0) };
    rows.extend([lone.clone(), usage(8)]);
    let [finding] = of("outcome_without_call", &rows).try_into().unwrap();
    assert_eq!(finding.calls, ["s/d"]);
    assert_eq!(finding.severity, Severity::Low);
    // What never ran may leave no more than its result.
    let refused = Event { success: Some(false), ..result("d", 7, "unsupported call: d") };
    assert_eq!(of("outcome_without_call", &[whole(), vec![refused, usage(8)]].concat()), []);
    // Without any span, nothing tells of calls.
    let rows = [begin("never"), vec![lone, usage(8)]].concat();
    assert_eq!(of("outcome_without_call", &rows), []);
}

#[test]
fn a_turn_that_ends_with_a_call_or_a_prompt_has_no_end_and_one_with_an_answer_has() {
    let rows = without(whole(), 6);
    let [finding] = of("turn_without_end", &rows).try_into().unwrap();
    assert_eq!(finding.calls, ["s/c"]);
    let [finding] = of("turn_without_end", &begin("never")).try_into().unwrap();
    assert!(finding.summary.contains("turn 1 has a prompt"), "{finding:?}");
    let error = Event { error_message: Some("no".to_owned()), ..log(6, EventKind::ApiError) };
    assert_eq!(of("turn_without_end", &[rows, vec![error]].concat()), []);
}

#[test]
fn a_span_whose_parent_did_not_come_is_a_gap_once_spans_were_looked_for() {
    let span = |id: &str, parent: Option<&str>| Span {
        event_id: [id.len() as u8; 16],
        name: Some(format!("span {id}")),
        trace_id: Some("t".to_owned()),
        span_id: Some(id.to_owned()),
        parent_span_id: parent.map(str::to_owned),
        ..Span::default()
    };
    let with = |spans: Vec<Span>| {
        let spans = Beside { spans: Some(spans), ..Beside::default() };
        let mut rows = whole();
        rows[2].trace_id = Some("t".to_owned());
        let findings = beside(&rows, &spans);
        findings
            .into_iter()
            .filter(|finding| finding.rule == "span_without_parent")
            .collect::<Vec<_>>()
    };
    let [finding] = with(vec![span("a", None), span("bb", Some("x"))]).try_into().unwrap();
    assert!(
        finding.summary.contains("1 span names a parent that did not come: span bb"),
        "{finding:?}"
    );
    assert_eq!(finding.events.len(), 1);
    assert_eq!(with(vec![span("a", None), span("bb", Some("a"))]), []);
    assert_eq!(of("span_without_parent", &whole()), []);
}

/// A log record of Claude Code with this number.
fn numbered(number: i64, at: u8) -> Event {
    let row = row("claude_code", at, EventSource::OtlpLog, EventKind::Hook);
    Event { sequence: Some(number), ..row }
}

#[test]
fn a_number_that_is_missing_in_a_session_is_a_hole() {
    let whole: Vec<Event> = (0..5).map(|number| numbered(number, number as u8 + 1)).collect();
    assert_eq!(of("sequence_hole", &whole), []);
    let [finding] = of("sequence_hole", &without(whole.clone(), 3)).try_into().unwrap();
    assert!(finding.summary.contains("2 of 4 did not come"), "{finding:?}");
    assert_eq!(finding.events.len(), 2, "the rows before and after");
    // The first numbers can be missing, too.
    let [finding] = of("sequence_hole", &whole[2..]).try_into().unwrap();
    assert!(finding.summary.contains("0 to 1 of 4"), "{finding:?}");
}

#[test]
fn what_a_process_counts_is_judged_over_all_its_sessions() {
    let counted = |number: i64, at: u8, session: &str| Event {
        sequence: Some(number),
        session_id: Some(session.to_owned()),
        ..result("c", at, EXIT_0)
    };
    let mut rows = whole();
    rows[4].sequence = Some(1);
    rows.push(counted(3, 9, "s"));
    let [finding] = of("sequence_hole", &rows).try_into().unwrap();
    assert!(finding.summary.contains("2 of 3 did not come"), "{finding:?}");
    // Another session of the same process has it, at a time between.
    let at = |at: u8| Beside { elsewhere: vec![counted(2, at, "t")], ..Beside::default() };
    let holes = |beside_it: &Beside| {
        let findings = beside(&rows, beside_it);
        findings.iter().filter(|finding| finding.rule == "sequence_hole").count()
    };
    assert_eq!(holes(&at(7)), 0);
    assert_eq!(holes(&at(20)), 1, "that number is another process's");
    let cut = Beside { elsewhere_cut: true, ..Beside::default() };
    assert_eq!(holes(&cut), 0, "what was not looked for is not missing");
    assert_eq!(trail::lacking(&rows).into_iter().collect::<Vec<_>>(), [2]);
    // The lines of the agent's own session file are counted apart.
    let line = row("codex", 10, EventSource::Rollout, EventKind::Result);
    rows.truncate(5);
    rows.extend([usage(6), Event { sequence: Some(70), ..about("c", line) }]);
    assert_eq!(of("sequence_hole", &rows), []);
}

#[test]
fn a_log_record_whose_copy_on_a_span_came_alone_is_a_hole() {
    let mut rows = whole();
    rows[4].sequence = Some(1);
    let copy = row("codex", 8, EventSource::OtlpSpanEvent, EventKind::Result);
    rows.push(Event { sequence: Some(2), success: Some(true), ..about("d", copy) });
    rows.push(usage(9));
    let [finding] = of("sequence_hole", &rows).try_into().unwrap();
    assert!(finding.summary.contains("the log record of 2"), "{finding:?}");
}

#[test]
fn a_long_silence_in_a_turn_is_told_and_a_call_that_took_long_is_none() {
    let after = |minutes: i64, row: Event| Event {
        time_unix_nano: row.time_unix_nano.map(|time| time + minutes * 60 * SECOND),
        ..row
    };
    let mut rows = whole();
    rows.push(after(20, usage(7)));
    let [finding] = of("quiet_window", &rows).try_into().unwrap();
    assert_eq!(finding.severity, Severity::Info);
    assert!(finding.summary.contains("20 min"), "{finding:?}");
    let mut rows = begin("never");
    rows.extend([received("c", 3), decision("c", 4, "approved", "Config")]);
    rows.extend([after(20, result("c", 5, EXIT_0)), after(20, usage(6))]);
    assert_eq!(of("quiet_window", &rows), []);
}

#[test]
fn a_record_that_was_numbered_later_and_is_earlier_says_that_time_ran_backwards() {
    let rows = [numbered(0, 5), numbered(1, 3), numbered(2, 6)];
    let [finding] = of("time_backwards", &rows).try_into().unwrap();
    assert!(finding.summary.contains("up to 2.0 s before"), "{finding:?}");
    assert_eq!(finding.events.len(), 2);
    assert_eq!(of("time_backwards", &[numbered(0, 3), numbered(1, 5), numbered(2, 6)]), []);
}

#[test]
fn a_result_before_its_call_says_that_time_ran_backwards() {
    let mut rows = without(without(whole(), 3), 6);
    rows.extend([received("c", 7), usage(8)]);
    assert_eq!(of("time_backwards", &rows).len(), 1);
    assert_eq!(of("time_backwards", &whole()), []);
}

#[test]
fn success_with_another_exit_code_than_0_weighs_little_where_the_agent_means_nothing_by_it() {
    let mut rows = without(whole(), 5);
    rows.push(result("c", 5, EXIT_3));
    let [finding] = of("success_with_nonzero_exit", &rows).try_into().unwrap();
    assert_eq!((finding.severity, finding.calls), (Severity::Info, vec!["s/c".to_owned()]));
    let tool = |code| {
        let row = row("claude_code", 3, EventSource::OtlpLog, EventKind::Result);
        Event { exit_code: Some(code), success: Some(true), ..about("c", row) }
    };
    let [finding] = of("success_with_nonzero_exit", &[tool(3)]).try_into().unwrap();
    assert_eq!(finding.severity, Severity::Medium);
    assert_eq!(of("success_with_nonzero_exit", &[tool(0)]), []);
    assert_eq!(of("success_with_nonzero_exit", &whole()), []);
}

#[test]
fn success_of_what_the_sandbox_denied_is_told() {
    let mut rows = whole();
    let outcome = about("c", log(7, EventKind::Sandbox));
    rows.push(Event { sandbox_outcome: Some("denied".to_owned()), ..outcome.clone() });
    let findings = of("sandbox_denied_with_success", &rows);
    assert_eq!(findings.len(), 1);
    rows.pop();
    rows.push(Event { sandbox_outcome: Some("escalated".to_owned()), ..outcome });
    assert_eq!(of("sandbox_denied_with_success", &rows), []);
}

#[test]
fn a_persons_decision_where_nobody_is_asked_is_told_and_one_where_somebody_is_asked_is_not() {
    let decided = |policy: &str, word: &str| {
        let mut rows = begin(policy);
        rows.extend([received("c", 3), decision("c", 4, word, "User")]);
        rows.extend([result("c", 5, EXIT_0), usage(6)]);
        of("user_decision_with_nobody_to_ask", &rows)
    };
    let [approved] = decided("never", "approved").try_into().unwrap();
    assert_eq!(approved.severity, Severity::High);
    let [denied] = decided("never", "denied").try_into().unwrap();
    assert_eq!(denied.severity, Severity::Medium);
    assert_eq!(decided("on-request", "approved"), []);
}

#[test]
fn a_policy_that_changes_in_the_session_is_told() {
    let mut rows = whole();
    let again = Event {
        approval_policy: Some("never".to_owned()),
        sandbox_policy: Some("danger-full-access".to_owned()),
        ..log(7, EventKind::SessionStart)
    };
    rows.push(again);
    let [finding] = of("policy_changed", &rows).try_into().unwrap();
    let expected = "the sandbox policy changed from workspace-write to danger-full-access";
    assert!(finding.summary.starts_with(expected), "{finding:?}");
    assert_eq!(of("policy_changed", &whole()), []);
}

#[test]
fn prompts_that_are_kept_back_from_some_point_on_say_that_telemetry_changed() {
    let prompt =
        |at: u8, words: &str| Event { text: Some(words.to_owned()), ..log(at, EventKind::Prompt) };
    let rows = [whole(), vec![prompt(10, "[REDACTED]"), usage(11)]].concat();
    let [finding] = of("telemetry_changed", &rows).try_into().unwrap();
    assert!(finding.summary.contains("log_user_prompt"), "{finding:?}");
    let rows = [whole(), vec![prompt(10, "and again"), usage(11)]].concat();
    assert_eq!(of("telemetry_changed", &rows), []);
}

#[test]
fn a_call_after_an_error_that_trying_again_does_not_change_is_told() {
    let with = |status: i64| {
        let mut rows = whole();
        let error = log(3, EventKind::ApiError);
        let error = Event { event_id: [30; 16], http_status: Some(status), ..error };
        rows.insert(2, Event { time_unix_nano: Some(2 * SECOND + 1), ..error });
        of("work_after_terminal_error", &rows)
    };
    let [finding] = with(401).try_into().unwrap();
    assert_eq!(finding.calls, ["s/c"]);
    assert_eq!(with(500), []);
}

#[test]
fn more_sub_agents_than_codex_allows_and_deeper_ones_are_told() {
    let spawn = |from: &str, to: &str, at: u8| Event {
        session_id: Some(from.to_owned()),
        receiver_session_id: Some(to.to_owned()),
        detail: Some("spawn".to_owned()),
        ..log(at, EventKind::AgentMessage)
    };
    let says = |session: &str, at: u8| Event {
        event_id: [at + 100; 16],
        session_id: Some(session.to_owned()),
        ..usage(at)
    };
    let spawned = |count: u8| {
        let mut rows = whole();
        for number in 0..count {
            let name = format!("a{number}");
            rows.push(spawn("s", &name, 10 + number));
            rows.extend([says(&name, 30 + number), says(&name, 50 + number)]);
        }
        rows
    };
    assert_eq!(of("sub_agent_limits", &spawned(6)), []);
    let [finding] = of("sub_agent_limits", &spawned(7)).try_into().unwrap();
    assert!(finding.summary.starts_with("7 sub-agents at a time"), "{finding:?}");
    let mut rows = spawned(1);
    rows.extend([spawn("a0", "b", 40), says("b", 45)]);
    let [finding] = of("sub_agent_limits", &rows).try_into().unwrap();
    assert!(finding.summary.contains("sub-agent b is a sub-agent's"), "{finding:?}");
}

#[test]
fn two_results_that_disagree_and_a_refused_call_that_ran_are_contradictions() {
    let mut rows = whole();
    let other = Event { success: Some(false), ..result("c", 7, EXIT_0) };
    rows.insert(5, other);
    let [finding] = of("contradiction", &rows).try_into().unwrap();
    assert!(finding.summary.contains("disagree: success"), "{finding:?}");
    let mut rows = begin("on-request");
    rows.extend([received("c", 3), decision("c", 4, "denied", "User")]);
    rows.extend([result("c", 5, EXIT_0), usage(6)]);
    let [finding] = of("contradiction", &rows).try_into().unwrap();
    assert!(finding.summary.contains("was refused, and a record shows that it ran"), "{finding:?}");
    assert_eq!(of("contradiction", &whole()), []);
}

#[test]
fn several_speakers_come_first() {
    let mut rows = whole();
    for (index, row) in rows.iter_mut().enumerate() {
        row.collector_id = Some("c".to_owned());
        let pid = if index == 3 { 2 } else { 1 };
        row.peer = Some(format!("unix;uid=7,pid={pid},start={pid}"));
    }
    let findings = found(&rows);
    assert_eq!(findings[0].rule, gaps::SEVERAL_SPEAKERS);
    assert_eq!(findings[0].severity, Severity::High);
    assert_eq!(of(gaps::SEVERAL_SPEAKERS, &whole()), []);
}

#[test]
fn while_a_session_is_open_nothing_that_may_still_come_is_missing() {
    let mut rows = without(without(whole(), 5), 6);
    for row in &mut rows {
        row.collector_id = Some("c".to_owned());
        row.received_time = row.time_unix_nano.map(|time| time / 1_000);
    }
    let as_of =
        |seconds: i64| Beside { as_of_unix_nano: Some(seconds * SECOND), ..Beside::default() };
    assert_eq!(beside(&rows, &as_of(10)), []);
    let rules: Vec<_> = beside(&rows, &as_of(1_000)).iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["decision_without_result", "turn_without_end"]);
}

#[test]
fn the_order_in_which_rows_come_changes_no_finding() {
    let mut rows = without(without(whole(), 4), 6);
    rows.extend([result("d", 8, EXIT_3), decision("e", 9, "approved", "User")]);
    let forwards = found(&rows);
    assert!(forwards.len() > 3, "{forwards:?}");
    rows.reverse();
    assert_eq!(found(&rows), forwards);
}

#[test]
fn the_documentation_has_the_table_of_rules() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/gaps.md");
    let document = std::fs::read_to_string(path).unwrap();
    assert!(document.contains(&gaps::table()), "put this into docs/gaps.md:\n\n{}", gaps::table());
}
