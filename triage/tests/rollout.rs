//! Telemetry and session file of one session, told together.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helper functions of tests"
)]

mod captures;

use std::collections::BTreeMap;

use blotter_schemas::names::blotter::Grade;
use blotter_schemas::tables::Event;
use blotter_triage::fact::Fact;
use blotter_triage::receipt::Beside;
use blotter_triage::reconstruct::Session;
use blotter_triage::reconstruct::model::{Call, Entry, Relation};
use blotter_triage::reconstruct::speakers::SpeakerKind;
use blotter_triage::trail;
use captures::{events, filed, filed_events, reconstructed, rollouts};

/// Runs of Codex with a session file beside their telemetry.
fn runs() -> Vec<String> {
    let folder = captures::folder("codex");
    let mut runs: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("rollout").is_dir())
        .map(|path| format!("codex/{}", path.file_name().unwrap().to_str().unwrap()))
        .collect();
    runs.sort();
    runs
}

fn both(run: &str) -> Vec<Event> {
    let mut rows = events(run);
    rows.extend(filed_events(run));
    rows
}

/// Telemetry of a run with its first session file, changed.
fn with_changed(run: &str, change: impl Fn(String) -> String) -> Vec<Event> {
    let mut rows = events(run);
    rows.extend(filed(&change(std::fs::read_to_string(&rollouts(run)[0]).unwrap())));
    rows
}

/// The calls of a session and of those nested in it.
fn calls(session: &Session) -> Vec<&Call> {
    fn below<'s>(call: &'s Call, all: &mut Vec<&'s Call>) {
        all.push(call);
        call.calls.iter().for_each(|inner| below(inner, all));
    }
    let mut all = Vec::new();
    for entry in session.turns.iter().flat_map(|turn| &turn.entries).chain(&session.outside) {
        if let Entry::Call(call) = entry {
            below(call, &mut all);
        }
    }
    session.sessions.iter().for_each(|nested| all.extend(calls(nested)));
    all
}

fn examined(rows: &[Event]) -> Session {
    let mut session = reconstructed(rows);
    trail::examine(&mut session, rows, &Beside::default());
    session
}

/// The facts of a call that both can tell, in words.
fn facts(call: &Call) -> BTreeMap<&'static str, (Option<String>, Grade)> {
    fn one<T: ToString>(fact: &Fact<T>) -> (Option<String>, Grade) {
        (fact.value.as_ref().map(T::to_string), fact.grade)
    }
    let mut facts = BTreeMap::from([
        ("tool", one(&call.tool)),
        ("namespace", one(&call.namespace)),
        ("mcp_server", one(&call.mcp_server)),
        ("arguments", one(&call.arguments)),
        ("approval", one(&call.policy.approval)),
        ("sandbox_policy", one(&call.policy.sandbox)),
        ("sandbox", one(&call.sandbox)),
        ("transport", one(&call.transport)),
        ("decisions", (Some(call.decisions.len().to_string()), Grade::Observed)),
    ]);
    if let Some(result) = &call.result {
        facts.insert("success", one(&result.success));
        facts.insert("output", one(&result.output));
        facts.insert("exit_code", one(&result.exit_code));
        facts.insert("duration", one(&result.duration_ns));
    }
    facts
}

#[test]
fn what_telemetry_says_of_a_run_its_session_file_does_not_change_and_nothing_counts_twice() {
    let mut checked = 0;
    for run in runs() {
        let sent = reconstructed(&events(&run));
        let told = reconstructed(&both(&run));
        let turns = |session: &Session| {
            let prompted = session.turns.iter().filter(|turn| turn.prompted_unix_nano.is_known());
            (session.turns.len(), prompted.count())
        };
        assert_eq!(turns(&told), turns(&sent), "{run}: turns and prompts");
        assert_eq!(told.sessions.len(), sent.sessions.len(), "{run}: nested sessions");
        let responses = |session: &Session| {
            let entries = session.turns.iter().flat_map(|turn| &turn.entries);
            entries
                .filter(|entry| matches!(entry, Entry::Note(note) if note.kind == "response"))
                .count()
        };
        assert!(responses(&told) >= responses(&sent), "{run}");
        let of: BTreeMap<_, _> =
            calls(&told).into_iter().map(|call| (call.call_id.clone(), call)).collect();
        for call in calls(&sent) {
            let now = facts(of[&call.call_id]);
            for (name, (value, grade)) in facts(call) {
                let (value_now, grade_now) = now[name].clone();
                let cut = |value: &String| value.ends_with("[... telemetry preview truncated ...]");
                if value.is_none() || value.as_ref().is_some_and(cut) {
                    continue;
                }
                let at = format!("{run} {:?} {name}", call.call_id);
                assert_eq!(value_now, value, "{at}");
                assert!(grade_now != Grade::Contradicted || grade == Grade::Contradicted, "{at}");
                checked += 1;
            }
        }
    }
    assert!(checked > 500, "{checked}");
}

#[test]
fn the_session_file_adds_what_telemetry_does_not_say() {
    let told = reconstructed(&both("codex/01-exec-ok-workspace-write"));
    let [turn] = &told.turns[..] else { panic!() };
    assert_eq!(turn.turn_id.value.as_deref(), Some("01a1fb66-2a91-7d13-8820-79d4096fe8b0"));
    let context = turn.context.as_ref().unwrap();
    assert_eq!(context.cwd.value.as_deref(), Some("/home/dev/project"));
    assert_eq!(context.policy.approval.value.as_deref(), Some("never"));
    let calls = calls(&told);
    let codes: Vec<_> = calls.iter().map(|call| &call.result.as_ref().unwrap().exit_code).collect();
    let observed = codes.iter().map(|code| (code.value, code.grade)).collect::<Vec<_>>();
    let expected = [0, 0, 3].map(|code| (Some(code), Grade::Observed));
    assert!(expected.iter().all(|code| observed.contains(code)), "{observed:?}");
    for call in calls {
        assert_eq!(call.policy.approval.grade, Grade::Observed);
        assert_eq!(call.turn.as_ref().unwrap().by, "turn id");
    }
    let kinds: Vec<_> = told.speakers.iter().map(|speaker| speaker.kind).collect();
    assert_eq!(kinds, [SpeakerKind::Import, SpeakerKind::Rollout]);
}

#[test]
fn a_session_that_only_its_file_tells_is_whole() {
    let session = examined(&filed_events("codex/02-denied-readonly"));
    assert_eq!((session.turns.len(), calls(&session).len()), (1, 3));
    assert_eq!(session.turns[0].prompt.value.as_deref(), Some("please do the lab task"));
    assert_eq!(session.policy.sandbox.value.as_deref(), Some("read-only"));
    assert_eq!(session.usage.input.value, Some(4_860));
    let rules: Vec<_> = session.findings.iter().map(|finding| finding.rule).collect();
    assert!(!rules.contains(&"several_speakers") && !rules.contains(&"sequence_hole"), "{rules:?}");
}

#[test]
fn words_that_were_kept_back_or_cut_come_from_the_session_file() {
    let told = examined(&both("codex/13-redacted-max0"));
    assert_eq!(told.turns[0].prompt.value.as_deref(), Some("please do the lab task"));
    assert_eq!(told.turns[0].prompt.grade, Grade::Observed);
    for call in calls(&told) {
        let result = call.result.as_ref().unwrap();
        assert!(!result.output.value.as_deref().unwrap().contains("telemetry preview"));
        assert_eq!(result.output_truncated.value, None);
        assert_eq!(result.output.speakers, Vec::<usize>::new());
    }
    assert!(!told.findings.iter().any(|finding| finding.rule == "contradiction"));
    // An output of which the beginning was sent.
    let mut rows = both("codex/01-exec-ok-workspace-write");
    for row in rows.iter_mut().filter(|row| row.source.as_deref() == Some("otlp_log")) {
        if let Some(output) = &mut row.output {
            output.truncate(90);
            output.push_str("[... telemetry preview truncated ...]");
        }
    }
    for call in calls(&reconstructed(&rows)) {
        let output = &call.result.as_ref().unwrap().output;
        assert_eq!(output.grade, Grade::Observed);
        assert!(!output.value.as_deref().unwrap().contains("telemetry preview"));
    }
}

#[test]
fn where_the_two_disagree_both_are_kept_and_the_fact_is_contradicted() {
    let run = "codex/01-exec-ok-workspace-write";
    let other = |from: &'static str, to: &'static str| {
        with_changed(run, move |text| text.replace(from, to))
    };
    let sides = |fact: &Fact<String>| -> Vec<String> {
        assert_eq!(fact.grade, Grade::Contradicted, "{fact:?}");
        fact.claims.iter().map(|claim| claim.value.clone()).collect()
    };
    let session =
        examined(&other(r#""approval_policy":"never""#, r#""approval_policy":"on-request""#));
    assert_eq!(sides(&session.policy.approval), ["never", "on-request"]);
    for call in calls(&session) {
        assert_eq!(sides(&call.policy.approval), ["never", "on-request"]);
    }
    let session = examined(&other("exit 3", "exit 4"));
    let call = |session: &Session, id: &str| -> Call {
        let found = calls(session).into_iter().find(|call| call.call_id.as_deref() == Some(id));
        found.unwrap().clone()
    };
    let told = sides(&call(&session, "call_mock_001_1").arguments);
    assert!(told[0].contains("exit 3") && told[1].contains("exit 4"), "{told:?}");
    assert!(session.findings.iter().any(|finding| finding.rule == "contradiction"));
    let session = examined(&other(r"\nhi\n", r"\nho\n"));
    let result = call(&session, "call_mock_000_1").result.unwrap();
    let told = sides(&result.output);
    assert!(told[0].ends_with("\nhi\n") && told[1].ends_with("\nho\n"), "{told:?}");
    assert_eq!(result.output.speakers, [1, 2]);
    // A prompt of the same turn with other words is one prompt, and disputed.
    let session = examined(&other("please do the lab task", "please do nothing"));
    assert_eq!(session.turns.len(), 1);
    assert_eq!(sides(&session.turns[0].prompt), ["please do the lab task", "please do nothing"]);
    let session = examined(&other(r#""exit_code":3"#, r#""exit_code":0"#));
    let result = call(&session, "call_mock_001_1").result.unwrap();
    assert_eq!((result.exit_code.value, result.exit_code.grade), (Some(0), Grade::Observed));
}

#[test]
fn a_policy_of_a_later_turn_is_a_change_and_no_contradiction() {
    let run = "codex/01-exec-ok-workspace-write";
    let (one, two) =
        ("01a1fb66-2a91-7d13-8820-79d4096fe8b0", "01a1fb66-9999-7d13-8820-79d4096fe8b0");
    let rows = with_changed(run, |text| {
        let again: Vec<String> = text
            .lines()
            .skip(1)
            .map(|line| {
                let line = line.replace(one, two).replace("T23:58:", "T23:59:");
                let line = line.replace("\"ordinal\":", "\"ordinal\":1");
                let line = line.replace("call_mock_", "call_later_").replace("lab task", "rest");
                let policy = r#""approval_policy":"on-request""#;
                line.replace(r#""approval_policy":"never""#, policy).replace("98b94c", "11b94c")
            })
            .collect();
        format!("{text}{}\n", again.join("\n"))
    });
    let session = examined(&rows);
    assert_eq!(session.turns.len(), 2);
    assert_eq!(session.policy.approval.value.as_deref(), Some("never"));
    assert_eq!(session.policy.approval.grade, Grade::Observed);
    for call in calls(&session) {
        let later = call.call_id.as_ref().unwrap().starts_with("call_later");
        let expected = if later { "on-request" } else { "never" };
        assert_eq!(call.policy.approval.value.as_deref(), Some(expected));
        assert_eq!(call.policy.approval.grade, Grade::Observed);
    }
    let rules: Vec<_> = session.findings.iter().map(|finding| finding.rule).collect();
    assert!(rules.contains(&"policy_changed") && !rules.contains(&"contradiction"), "{rules:?}");
}

#[test]
fn a_sub_agent_and_a_reviewer_are_told_apart_by_their_own_files() {
    let session = reconstructed(&filed_events("codex/09-multiagent"));
    let [nested] = &session.sessions[..] else { panic!() };
    assert_eq!(nested.parent.as_ref().unwrap().relation, Relation::SubAgent);
    assert_eq!(calls(nested).len(), 1);
    for rows in [filed_events("codex/04-guardian-deny"), both("codex/04-guardian-deny")] {
        let session = reconstructed(&rows);
        let [nested] = &session.sessions[..] else { panic!() };
        assert_eq!(nested.parent.as_ref().unwrap().relation, Relation::Reviewer);
        assert_eq!(nested.turns.len(), 1);
    }
}

#[test]
fn a_line_that_was_taken_out_of_a_session_file_leaves_a_hole() {
    let text = std::fs::read_to_string(&rollouts("codex/02-denied-readonly")[0]).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.remove(9);
    let session = examined(&filed(&lines.join("\n")));
    let hole = session.findings.iter().find(|finding| finding.rule == "sequence_hole").unwrap();
    assert!(hole.summary.contains("lines of the session file"), "{}", hole.summary);
    let whole = examined(&filed(&text));
    assert!(!whole.findings.iter().any(|finding| finding.rule == "sequence_hole"));
}
