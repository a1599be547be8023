//! What a snapshot of each capture is, what two of them differ in, and that nothing in a file makes the
//! desk fall over.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helper functions of tests"
)]

mod captures;

use blotter_schemas::normalise::Rows;
use blotter_schemas::tables::Event;
use blotter_triage::diff::classes::Class;
use blotter_triage::diff::model::{State, Verdict};
use blotter_triage::diff::{Diff, diff};
use blotter_triage::receipt::{Beside, HOOKS_RUN};
use blotter_triage::reconstruct::{lineage, reconstruct};
use blotter_triage::render::{json, text};
use blotter_triage::snapshot::model::{Role, Run, WORDS};
use blotter_triage::snapshot::{Snapshot, file, snapshot};
use blotter_triage::trail;
use proptest::prelude::*;

const OK: &str = "codex/01-exec-ok-workspace-write";
const DENIED: &str = "codex/02-denied-readonly";

/// Every capture with a session.
fn all() -> Vec<String> {
    let mut names = captures::all();
    names.retain(|name| captures::events(name).iter().any(|event| event.session_id.is_some()));
    assert!(names.len() > 40, "{}", names.len());
    names
}

/// The id of the session that none is around.
fn session_id(events: &[Event]) -> String {
    let parents = lineage::parents(events);
    let own =
        |event: &&Event| event.session_id.as_ref().is_some_and(|id| !parents.contains_key(id));
    let first = events.iter().filter(own).min_by_key(|event| event.time_unix_nano).unwrap();
    first.session_id.clone().unwrap()
}

/// The snapshot of rows, which may come in any order.
fn of_rows(rows: Rows) -> Snapshot {
    let Rows { events, spans, metrics } = rows;
    let points = metrics.iter().filter(|point| point.name.as_deref() == Some(HOOKS_RUN));
    let points = points.cloned().collect();
    let beside = Beside { points, metrics: Some(metrics), spans: Some(spans), ..Beside::default() };
    let mut session = reconstruct(&session_id(&events), &events);
    trail::examine(&mut session, &events, &beside);
    snapshot(&[(&session, &beside)]).unwrap()
}

fn of(capture: &str) -> Snapshot {
    of_rows(captures::rows(capture))
}

fn written(capture: &str) -> String {
    file::write(&of(capture)).unwrap()
}

fn compared(a: &str, b: &str) -> Diff {
    diff((a, &of(a)), (b, &of(b)))
}

fn classes(diff: &Diff) -> Vec<Class> {
    let mut classes: Vec<Class> =
        diff.differences.iter().map(|difference| difference.class).collect();
    classes.dedup();
    classes
}

fn main_run(snapshot: &Snapshot) -> &Run {
    &snapshot.runs[0]
}

#[test]
fn the_same_run_over_other_transports_of_its_telemetry_gives_the_same_bytes() {
    let first = written(OK);
    for same in ["codex/11-http-json", "codex/12-grpc", "codex/23-mtls"] {
        assert_eq!(written(same), first, "{same}");
        assert!(!compared(OK, same).differs);
        assert_eq!(compared(OK, same).comparability.verdict, Verdict::Yes);
    }
    assert_eq!(written("claude-code/09-grpc"), written("claude-code/10-http-json"));
    assert_eq!(written("gemini-cli/01-ok-yolo"), written("gemini-cli/06-grpc"));
}

/// The same in an order that is the same every time: 7919 is a prime, and no capture has as many rows.
fn shuffled<T: Clone>(items: &[T]) -> Vec<T> {
    let count = items.len();
    assert!(count < 7919);
    (0..count).map(|index| items[index * 7919 % count].clone()).collect()
}

#[test]
fn the_order_in_which_rows_come_changes_no_byte() {
    for capture in all() {
        let first = written(&capture);
        let mut rows = captures::rows(&capture);
        rows.events.reverse();
        rows.metrics.reverse();
        assert_eq!(file::write(&of_rows(rows)).unwrap(), first, "{capture}: reversed");
        let mut rows = captures::rows(&capture);
        (rows.events, rows.metrics) = (shuffled(&rows.events), shuffled(&rows.metrics));
        assert_eq!(file::write(&of_rows(rows)).unwrap(), first, "{capture}: shuffled");
    }
}

#[test]
fn what_is_written_is_read_back_and_written_again_as_the_same_bytes() {
    for capture in all() {
        let taken = of(&capture);
        let text = file::write(&taken).unwrap();
        let read = file::read("a test", text.as_bytes()).unwrap();
        assert_eq!(file::write(&read).unwrap(), text, "{capture}");
        let same = diff(("a", &taken), ("b", &read));
        assert!(!same.differs, "{capture}: {:?}", same.differences);
        assert_ne!(same.comparability.verdict, Verdict::No);
    }
}

#[test]
fn no_id_time_home_host_or_word_of_an_argument_stands_in_a_snapshot() {
    for capture in all() {
        let (events, text) = (captures::events(&capture), written(&capture));
        let facts = &text[text.find("\"runs\"").unwrap()..];
        let ids = events.iter().flat_map(|event| {
            [&event.session_id, &event.call_id, &event.turn_id, &event.host_name, &event.user_email]
        });
        for id in ids.flatten().filter(|id| id.len() > 4) {
            assert!(!facts.contains(id.as_str()), "{capture}: {id}");
        }
        for word in ["/home/", "/root", "2026-11", "lab-ok", "codex-lab"] {
            assert!(!facts.contains(word), "{capture}: {word}");
        }
    }
}

#[test]
fn what_is_not_known_is_null_and_says_so_by_its_grade() {
    let text = all().iter().map(|capture| written(capture)).collect::<String>();
    assert!(!text.contains("\"value\": \"unknown\""));
    let mut unknown = 0;
    for capture in all() {
        for step in &main_run(&of(&capture)).steps {
            for (name, fact) in WORDS {
                let fact = fact(step);
                let absent = ["missing", "pending", "withheld"].contains(&fact.grade.as_str());
                assert_eq!(fact.value.is_none(), absent, "{capture}: {name}");
                unknown += usize::from(absent);
            }
        }
    }
    assert!(unknown > 0);
}

#[test]
fn calls_that_code_made_are_steps_and_the_call_around_them_is_not() {
    let snapshot = of("codex/10-codemode");
    let steps = &main_run(&snapshot).steps;
    let tools: Vec<_> = steps.iter().map(|step| step.tool.value.as_deref().unwrap()).collect();
    assert_eq!(tools, ["exec_command", "echo", "exec_command", "delete_all", "apply_patch"]);
    for step in steps {
        assert_eq!(step.within.as_ref().unwrap().value.as_deref(), Some("exec"));
    }
    let decided_by = &steps[3].decided_by;
    assert_eq!(decided_by.grade.as_str(), "contradicted");
    assert_eq!(decided_by.claims.to_vec(), ["config", "user"]);
}

#[test]
fn a_sub_agents_session_is_a_nested_run_and_a_reviewers_is_what_it_said_about_the_call() {
    let snapshot = of("codex/09-multiagent");
    let [sub_agent] = &main_run(&snapshot).runs[..] else { panic!() };
    assert_eq!(sub_agent.role, Role::SubAgent);
    assert_eq!(sub_agent.steps[0].tool.value.as_deref(), Some("wait_agent"));
    let snapshot = of("codex/04-guardian-deny");
    let run = main_run(&snapshot);
    assert_eq!((run.runs.len(), run.header.reviewer_sessions, run.steps.len()), (0, 1, 1));
    let [review] = &run.steps[0].reviews[..] else { panic!() };
    assert_eq!(review.verdict.value.as_deref(), Some("deny"));
    assert_eq!(review.risk.value.as_deref(), Some("high"));
}

#[test]
fn several_sessions_are_runs_in_the_order_asked_for_and_none_is_taken_twice() {
    let of_capture = |name| (captures::session(name), Beside::default());
    let (ok, denied) = (of_capture(OK), of_capture(DENIED));
    let (ok, denied) = ((&ok.0, &ok.1), (&denied.0, &denied.1));
    let both = snapshot(&[denied, ok, denied]).unwrap();
    assert_eq!(both.runs.len(), 2);
    assert_eq!(both.runs[0].steps, of(DENIED).runs[0].steps);
    let family = captures::session("codex/09-multiagent");
    let beside = Beside::default();
    let nested = (&family.sessions[0], &beside);
    assert_eq!(snapshot(&[nested, (&family, &beside)]).unwrap().runs.len(), 1);
}

#[test]
fn another_sandbox_policy_is_said_before_what_follows_from_it() {
    let found = compared(OK, DENIED);
    assert!(found.differs);
    assert_eq!(found.comparability.verdict, Verdict::Limited);
    let sandbox =
        found.comparability.aspects.iter().find(|it| it.name == "sandbox_policy").unwrap();
    assert_eq!((sandbox.state, sandbox.means.is_empty()), (State::Differs, false));
    assert_eq!(found.differences[0].class, Class::PolicyChanged);
    assert_eq!(found.differences[0].says, "narrower");
    let back = compared(DENIED, OK);
    assert_eq!(back.differences[0].class, Class::WiderPolicy);
    assert!(classes(&found).contains(&Class::NewHost), "{:?}", classes(&found));
    let host = found.differences.iter().find(|it| it.class == Class::NewHost).unwrap();
    assert_eq!(host.b.as_deref(), Some("127.0.0.1"));
}

#[test]
fn another_decision_and_who_made_it_come_before_the_outcome() {
    let found = compared("codex/04-guardian-allow", "codex/04-guardian-deny");
    let of = |class: Class| found.differences.iter().find(|it| it.class == class).unwrap();
    assert_eq!(of(Class::Decision).a.as_deref(), Some("allow"));
    assert_eq!(of(Class::Decision).b.as_deref(), Some("deny"));
    assert_eq!(of(Class::Outcome).steps[0].a, Some(1));
    let mut sorted = classes(&found);
    sorted.sort();
    assert_eq!(sorted, classes(&found));
}

#[test]
fn another_transport_to_the_model_is_one_difference_of_all_steps() {
    let found = compared(OK, "codex/18-websocket");
    assert_eq!(classes(&found), [Class::ExecutionPath]);
    let [transport] = &found.differences[..] else { panic!("{:?}", found.differences) };
    assert_eq!((transport.fact, transport.steps.len()), ("transport", 3));
}

#[test]
fn a_new_tool_and_server_come_first_and_a_fact_known_on_one_side_is_no_difference() {
    let found = compared(OK, "codex/03-mcp");
    assert_eq!(classes(&found)[..2], [Class::NewTool, Class::NewMcpServer]);
    let found = compared("codex/02-denied-readonly", "codex/13-redacted-max0");
    assert!(!found.differs, "{:?}", found.differences);
    let exit = found.not_comparable.iter().find(|it| it.fact == "exit_code").unwrap();
    assert_eq!((exit.unknown_in_a, exit.unknown_in_b, exit.unknown_in_both), (0, 2, 1));
    assert!(exit.said.contains("error"));
}

#[test]
fn what_the_network_proxy_saw_on_one_side_only_is_not_comparable_and_is_shown() {
    let (mut without, with) = (of("codex/17-netproxy"), of("codex/17-netproxy"));
    let network = &mut without.runs.0[0].steps.0[0].network;
    network.value = None;
    network.grade = blotter_schemas::names::blotter::Grade::Missing;
    let found = diff(("a", &without), ("b", &with));
    assert!(!found.differs, "{:?}", found.differences);
    let network = found.not_comparable.iter().find(|it| it.fact == "network").unwrap();
    assert_eq!(network.unknown_in_a, 1);
    assert!(network.said.contains("denied.lab:80: deny"), "{:?}", network.said);
}

#[test]
fn a_connection_that_was_denied_and_is_allowed_is_another_decision() {
    let (a, mut b) = (of("codex/17-netproxy"), of("codex/17-netproxy"));
    let network = b.runs.0[0].steps.0[0].network.value.as_mut().unwrap();
    network.0[0].decision = Some("allow".to_owned());
    let found = diff(("a", &a), ("b", &b));
    let [only] = &found.differences[..] else { panic!("{:?}", found.differences) };
    assert_eq!((only.class, only.fact), (Class::Decision, "network"));
    assert_eq!((only.a.as_deref(), only.b.as_deref()), (Some("deny"), Some("allow")));
}

#[test]
fn runs_of_different_agents_are_not_comparable_and_other_rules_leave_texts_out() {
    let found = compared(OK, "gemini-cli/01-ok-yolo");
    assert_eq!(found.comparability.verdict, Verdict::No);
    let (a, mut b) = (of(OK), of(OK));
    b.rules.0.pop();
    for step in &mut b.runs.0[0].steps.0 {
        step.arguments_digest.value = Some("0".repeat(32));
    }
    let found = diff(("a", &a), ("b", &b));
    assert!(!found.differs, "{:?}", found.differences);
    assert_eq!(found.comparability.verdict, Verdict::Limited);
    assert!(found.not_comparable.iter().any(|it| it.fact == "arguments" && it.unclear == 3));
}

#[test]
fn snapshots_of_three_captures_are_as_reviewed() {
    for name in ["codex/02-denied-readonly", "codex/04-guardian-deny", "claude-code/05-mcp"] {
        insta::assert_snapshot!(name.replace('/', "_"), written(name));
    }
}

#[test]
fn text_at_80_and_200_columns_and_json_are_as_reviewed() {
    for (a, b) in [
        (OK, DENIED),
        (OK, "codex/03-mcp"),
        (OK, "codex/11-http-json"),
        (DENIED, "codex/13-redacted-max0"),
        ("codex/10-codemode", "codex/09-multiagent"),
        ("claude-code/02-ok-full-traces", "claude-code/03-denied"),
    ] {
        let found = compared(a, b);
        let name = |name: &str| name.replace('/', "_");
        for width in [80, 200] {
            let options = text::Options { width, colour: false, full: false };
            let file = format!("diff__{}__{}_{width}", name(a), name(b));
            insta::assert_snapshot!(file, text::diff(&found, options));
        }
    }
    let found = compared("codex/04-guardian-allow", "codex/04-guardian-deny");
    insta::assert_snapshot!("diff__guardian_json", json::diff(&found).unwrap());
}

#[test]
fn no_line_of_a_comparison_is_longer_than_the_terminal_and_none_ends_in_a_space() {
    use unicode_width::UnicodeWidthStr as _;
    for pair in all().windows(2) {
        let found = compared(&pair[0], &pair[1]);
        for width in [60, 80, 200] {
            let options = text::Options { width, colour: false, full: true };
            for line in text::diff(&found, options).lines() {
                assert!(line.width() <= width && !line.ends_with(' '), "{width}: {line:?}");
            }
        }
    }
}

#[test]
fn another_version_is_refused_with_what_to_do_and_anything_else_is_no_snapshot() {
    let text = written(OK);
    let newer = text.replace("blotter.snapshot/1", "blotter.snapshot/2");
    let refused = |bytes: &[u8]| file::read("f.json", bytes).unwrap_err().to_string();
    let error = refused(newer.as_bytes());
    assert!(error.contains("blotter.snapshot/2") && error.contains("take it again"), "{error}");
    for bytes in
        [&b""[..], b"[]", b"{}", br#"{"format":"x"}"#, br#"{"format":"blotter.snapshot/1"}"#]
    {
        let error = refused(bytes);
        assert!(error.contains("f.json is no snapshot"), "{error}");
    }
    let deep = format!("{}{}", text.trim_end().trim_end_matches('}'), "[".repeat(1000));
    assert!(refused(deep.as_bytes()).contains("no snapshot"));
    let long = format!("{{\"format\":\"{}\"}}", "x".repeat(1 << 20));
    assert!(refused(long.as_bytes()).len() < 1_000);
}

#[test]
fn lists_that_are_too_long_are_refused() {
    let mut snapshot = of(OK);
    let tags = snapshot.runs.0[0].steps.0[0].arguments_class.value.as_mut().unwrap();
    tags.0 = (0..65).map(|number| format!("program:{number}")).collect();
    let error = file::write(&snapshot).unwrap_err().to_string();
    assert!(error.contains("more than 64 items"), "{error}");
}

/// Bytes of a snapshot, some of them changed.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let text = written("codex/17-netproxy").into_bytes();
    let changes = proptest::collection::vec((0..text.len(), any::<u8>()), 0..4);
    (changes, 0..text.len(), any::<bool>()).prop_map(move |(changes, end, cut)| {
        let mut bytes = text.clone();
        for (place, byte) in changes {
            bytes[place] = byte;
        }
        bytes.truncate(if cut { end } else { bytes.len() });
        bytes
    })
}

/// A snapshot whose every word is hostile.
fn hostile(words: &[String]) -> Snapshot {
    let mut snapshot = of("codex/17-netproxy");
    let mut words = words.iter().cycle().cloned();
    let run = &mut snapshot.runs.0[0];
    run.header.agent.value = words.next();
    run.header.settings.approval_policy.value = words.next();
    let step = &mut run.steps.0[0];
    for fact in [&mut step.tool, &mut step.decision, &mut step.outcome, &mut step.mcp_server] {
        fact.value = words.next();
    }
    for reached in &mut step.network.value.as_mut().unwrap().0 {
        (reached.host, reached.port, reached.decision) = (words.next(), words.next(), words.next());
    }
    for tag in &mut step.arguments_class.value.as_mut().unwrap().0 {
        *tag = format!("host:{}", words.next().unwrap());
    }
    snapshot
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_bytes_are_read_or_refused_and_what_is_read_is_compared(
        bytes in prop_oneof![damaged(), proptest::collection::vec(any::<u8>(), 0..200)],
    ) {
        if let Ok(read) = file::read("a file", &bytes) {
            let again = file::write(&read).unwrap();
            prop_assert_eq!(file::read("a file", again.as_bytes()).unwrap(), read.clone());
            prop_assert!(!diff(("a", &read), ("b", &read)).differs);
        }
    }

    #[test]
    fn no_word_of_a_file_takes_over_the_terminal_or_forges_a_line(
        words in proptest::collection::vec("[\u{1b}\u{202e}\u{200b}\na-z\r\u{9b} ]{0,12}", 1..6),
        width in 0_usize..120,
    ) {
        use blotter_triage::render::terminal::is_treacherous;
        let (a, b) = (of("codex/17-netproxy"), hostile(&words));
        for found in [diff(("a", &a), ("b\n", &b)), diff(("a", &b), ("b", &a))] {
            for full in [false, true] {
                let shown = text::diff(&found, text::Options { width, colour: false, full });
                let bad = |character: char| character != '\n' && is_treacherous(character);
                prop_assert!(!shown.chars().any(bad), "{shown:?}");
            }
            serde_json::from_str::<serde_json::Value>(&json::diff(&found).unwrap()).unwrap();
        }
    }
}
