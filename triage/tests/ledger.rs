//! What the ledger says of captures whose runs are known, and of small sessions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helper functions of tests"
)]

mod captures;

use blotter_schemas::tables::Event;
use blotter_triage::ledger::{
    ClockProblem, Ledger, Sequence, Setting, SettingState, SignalState, Untold,
};
use blotter_triage::receipt::Beside;
use blotter_triage::reconstruct::reconstruct;
use blotter_triage::render::text;
use blotter_triage::trail;

fn ledger(name: &str) -> Ledger {
    captures::examined(name).ledger.unwrap()
}

fn state(ledger: &Ledger, signal: &str) -> SignalState {
    ledger.signals.iter().find(|one| one.signal == signal).unwrap().state
}

fn setting<'a>(ledger: &'a Ledger, id: &str) -> &'a Setting {
    ledger.settings.iter().find(|one| one.id == id).unwrap()
}

#[test]
fn signals_that_arrived_are_told_from_those_that_are_never_sent_or_were_not_seen() {
    let codex = ledger("codex/01-exec-ok-workspace-write");
    for signal in ["logs", "traces", "metrics"] {
        assert_eq!(state(&codex, signal), SignalState::Arrived, "{signal}");
    }
    assert_eq!(state(&codex, "rollout"), SignalState::NotSeen);
    let copilot = ledger("copilot-cli/01-ok");
    assert_eq!(state(&copilot, "logs"), SignalState::NeverSent);
    assert_eq!(state(&copilot, "metrics"), SignalState::Arrived);
    let claude = ledger("claude-code/01-ok");
    assert_eq!(state(&claude, "traces"), SignalState::NotSeen);
    assert_eq!(setting(&claude, "traces").state, SettingState::NotSeen);
    assert!(!claude.clean);
}

#[test]
fn a_signal_that_is_always_sent_is_missing_where_it_did_not_arrive_and_unknown_where_nobody_looked()
{
    let name = "claude-code/01-ok";
    let rows = captures::events(name);
    let mut session = captures::session(name);
    trail::examine(&mut session, &rows, &Beside::default());
    assert_eq!(state(session.ledger.as_ref().unwrap(), "metrics"), SignalState::NotLookedFor);
    let none = Beside { metrics: Some(Vec::new()), ..Beside::default() };
    trail::examine(&mut session, &rows, &none);
    let ledger = session.ledger.unwrap();
    assert_eq!(state(&ledger, "metrics"), SignalState::Missing);
    assert!(ledger.unclean.contains(&"metrics did not arrive".to_owned()), "{:?}", ledger.unclean);
}

#[test]
fn settings_are_deduced_with_the_rows_that_tell() {
    let withheld = ledger("codex/13-redacted-max0");
    for id in ["prompts", "output"] {
        let setting = setting(&withheld, id);
        assert_eq!(setting.state, SettingState::Off, "{setting:?}");
        assert!(setting.withholds && !setting.events.is_empty() && setting.how.contains("[otel]"));
    }
    let told = ledger("codex/01-exec-ok-workspace-write");
    assert_eq!(setting(&told, "prompts").state, SettingState::On);
    assert_eq!(setting(&told, "output").state, SettingState::On);
    // Nothing was reviewed: that no assessment came tells nothing.
    assert_eq!(setting(&told, "reviews").state, SettingState::Unknown);
    assert_eq!(setting(&ledger("codex/04-guardian-deny"), "reviews").state, SettingState::On);
}

#[test]
fn what_the_agents_session_file_has_is_not_kept_back() {
    let name = "codex/13-redacted-max0";
    let mut rows = captures::events(name);
    let id = captures::session(name).session_id;
    let row = |number: u8, kind: &str| Event {
        event_id: [number; 16],
        dialect: Some("codex".to_owned()),
        source: Some("rollout".to_owned()),
        session_id: Some(id.clone()),
        kind: Some(kind.to_owned()),
        ..Event::default()
    };
    rows.push(Event { text: Some("the words".to_owned()), ..row(1, "prompt") });
    rows.push(row(2, "response"));
    let mut session = reconstruct(&id, &rows);
    trail::examine(&mut session, &rows, &Beside::default());
    let ledger = session.ledger.unwrap();
    assert_eq!(setting(&ledger, "prompts").state, SettingState::Off);
    assert!(!setting(&ledger, "prompts").withholds && setting(&ledger, "responses").withholds);
    let untold: Vec<&str> = ledger.cannot_tell.iter().map(|one| one.what.as_str()).collect();
    assert!(!untold.contains(&"the words of prompts"), "{untold:?}");
    assert!(untold.contains(&"the words of answers"), "{untold:?}");
}

#[test]
fn the_settings_of_every_capture_are_as_reviewed() {
    use std::fmt::Write as _;
    let mut all = String::new();
    for name in [
        "claude-code/01-ok",
        "claude-code/02-ok-full-traces",
        "claude-code/03-denied",
        "codex/01-exec-ok-workspace-write",
        "codex/04-guardian-deny",
        "codex/13-redacted-max0",
        "copilot-cli/01-ok",
        "copilot-cli/02-denied-content",
        "gemini-cli/01-ok-yolo",
        "opencode/01-ok",
        "qwen-code/01-yolo",
    ] {
        let Ledger { unclean, signals, settings, sequences, clocks, cannot_tell, .. } =
            ledger(name);
        writeln!(all, "{name}: {}", unclean.join(", ")).unwrap();
        for signal in signals {
            writeln!(all, "    {} {}: {}", signal.signal, signal.state.as_str(), signal.why)
                .unwrap();
        }
        for setting in settings {
            writeln!(all, "    {} {}: {}", setting.id, setting.state, setting.why).unwrap();
        }
        for sequence in sequences {
            let holes = sequence.holes();
            let Sequence { counts, seen, first, last, .. } = sequence;
            writeln!(all, "    {counts} {first} to {last}: {seen} came; missing: {holes}").unwrap();
        }
        for clock in clocks {
            writeln!(all, "    clock: {}", clock.summary).unwrap();
        }
        for Untold { what, why } in cannot_tell {
            writeln!(all, "    - {what}: {why}").unwrap();
        }
    }
    insta::assert_snapshot!(all);
}

/// A log record of Claude Code at this second.
fn row(at: u8) -> Event {
    Event {
        event_id: [at; 16],
        dialect: Some("claude_code".to_owned()),
        source: Some("otlp_log".to_owned()),
        session_id: Some("s".to_owned()),
        time_unix_nano: Some(i64::from(at) * 1_000_000_000),
        kind: Some("hook".to_owned()),
        sequence: Some(i64::from(at) - 1),
        ..Event::default()
    }
}

fn of(rows: &[Event]) -> Ledger {
    let mut session = reconstruct("s", rows);
    trail::examine(&mut session, rows, &Beside::default());
    session.ledger.unwrap()
}

#[test]
fn each_problem_of_clocks_is_told_with_its_rows() {
    let received = |row: Event, second: i64| Event {
        collector_id: Some("c".to_owned()),
        received_time: Some(second * 1_000_000),
        ..row
    };
    let cases = [
        (ClockProblem::Clamped, Event { time_clamped: Some(true), ..row(1) }),
        (ClockProblem::NoTime, Event { time_source: Some("received".to_owned()), ..row(1) }),
        (ClockProblem::Disagree, Event { observed_time_unix_nano: Some(90_000_000_000), ..row(1) }),
        (ClockProblem::Ahead, received(row(30), 1)),
    ];
    for (problem, row) in cases {
        let id = row.event_id;
        let clocks = of(&[row]).clocks;
        assert_eq!(clocks.len(), 1, "{clocks:?}");
        assert_eq!((clocks[0].problem, clocks[0].events[0].0), (problem, id));
    }
    let fine = Event { observed_time_unix_nano: Some(2_000_000_000), ..received(row(1), 2) };
    assert_eq!(of(&[fine]).clocks, []);
}

#[test]
fn it_is_the_first_thing_that_is_shown_and_full_tells_it_whole() {
    let session = captures::examined("claude-code/01-ok");
    let shown = |full| text::show(&session, text::Options { width: 80, colour: false, full });
    let short = shown(false);
    let lines: Vec<&str> = short.lines().collect();
    assert!(lines[1].starts_with("  trail       not clean"), "{short}");
    let before_agent = lines.iter().position(|line| line.starts_with("  agent ")).unwrap();
    assert!(before_agent <= 11, "the ledger drowns the session:\n{short}");
    assert!(!short.contains("What this trail cannot tell you"));
    let full = shown(true);
    assert!(full.contains("What this trail cannot tell you"), "{full}");
    assert!(full.contains("A batch that a collector answers with 400"), "{full}");
}

#[test]
fn a_trail_that_lacks_nothing_is_clean_also_that_of_nested_sessions() {
    for name in ["claude-code/03-denied", "codex/09-multiagent"] {
        let session = captures::examined(name);
        let mut ledgers = vec![session.ledger.clone().unwrap()];
        ledgers.extend(session.sessions.iter().map(|nested| nested.ledger.clone().unwrap()));
        for ledger in ledgers {
            assert!(ledger.clean, "{name}: {:?}", ledger.unclean);
        }
    }
}

#[test]
fn what_an_import_left_out_is_told_or_said_not_to_be_known() {
    assert!(ledger("codex/03-mcp").imported.unwrap().note.contains("no import into this archive"));
    let received = Event { collector_id: Some("c".to_owned()), ..row(1) };
    assert_eq!(of(&[received]).imported, None);
}
