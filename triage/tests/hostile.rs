//! No record can make the desk fall over or take over a terminal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helper functions of tests"
)]

use blotter_schemas::names::blotter::{EventKind, EventSource};
use blotter_schemas::tables::Event;
use blotter_triage::gaps;
use blotter_triage::receipt::{self, Beside};
use blotter_triage::reconstruct::reconstruct;
use blotter_triage::render::terminal::{cut, escape, is_treacherous, wrap};
use blotter_triage::render::{json, text};
use blotter_triage::trail;
use blotter_triage::{diff, snapshot};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr as _;

/// Characters that take over a terminal or a reader, among ordinary ones.
fn hostile() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        any::<char>(),
        Just('\u{1b}'),
        Just('\u{9b}'),
        Just('\n'),
        Just('\r'),
        Just('\u{8}'),
        Just('\u{202e}'),
        Just('\u{2066}'),
        Just('\u{200b}'),
        Just('\u{e0041}'),
        Just('a'),
        Just(' '),
    ];
    proptest::collection::vec(character, 0..40).prop_map(|text| text.into_iter().collect())
}

fn id() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(prop_oneof![Just("a"), Just("b"), Just("exec-1"), Just("c")])
        .prop_map(|id| id.map(str::to_owned))
}

fn nanos() -> impl Strategy<Value = Option<i64>> {
    proptest::option::of(prop_oneof![0..5_000_000_i64, any::<i64>()])
}

prop_compose! {
    fn event()(
        event_id in any::<[u8; 16]>(),
        kind in proptest::option::of(0..EventKind::ALL.len()),
        source in proptest::option::of(0..EventSource::ALL.len()),
        (time_unix_nano, duration_ns) in (nanos(), nanos()),
        (session_id, parent_session_id, receiver_session_id) in (id(), id(), id()),
        (turn_id, call_id, trace_id) in (id(), id(), id()),
        (span_id, parent_span_id, tool) in (id(), id(), id()),
        (name, words, decision) in (hostile(), hostile(), hostile()),
        (success, exit_code, tokens_input) in
            (any::<Option<bool>>(), any::<Option<i64>>(), any::<Option<i64>>()),
        cost_usd in any::<Option<f64>>(),
    ) -> Event {
        let words = Some(words);
        Event {
            event_id,
            kind: kind.map(|kind| EventKind::ALL[kind].as_str().to_owned()),
            source: source.map(|source| EventSource::ALL[source].as_str().to_owned()),
            time_unix_nano, duration_ns, session_id, parent_session_id, receiver_session_id,
            turn_id, call_id, trace_id, span_id, parent_span_id,
            tool_name: tool.map(|_| "exec".to_owned()),
            name: Some(name), decision: Some(decision),
            text: words.clone(), arguments: words.clone(), output: words.clone(),
            detail: words.clone(), error_message: words.clone(), host_name: words.clone(),
            approval_policy: words.clone(), mcp_server: words,
            success, exit_code, tokens_input, cost_usd,
            ..Event::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn escaped_text_has_no_control_bidi_or_invisible_character(text in hostile()) {
        let escaped = escape(&text);
        prop_assert!(!escaped.chars().any(|character| character.is_control()), "{escaped:?}");
        prop_assert!(!escaped.chars().any(is_treacherous), "{escaped:?}");
        prop_assert_eq!(escape(&escaped), escaped);
    }

    #[test]
    fn cut_and_wrapped_text_fits(text in hostile(), width in 2_usize..30) {
        let escaped = escape(&text);
        let (kept, left) = cut(&escaped, width);
        prop_assert!(kept.width() <= width);
        prop_assert_eq!(kept.chars().count() + left, escaped.chars().count());
        for line in wrap(&escaped, width) {
            prop_assert!(line.width() <= width, "{line:?}");
        }
    }

    #[test]
    fn any_rows_are_shown_without_panic_and_without_control_characters(
        events in proptest::collection::vec(event(), 0..30),
        width in 0_usize..120,
    ) {
        let mut session = reconstruct("a", &events);
        trail::examine(&mut session, &events, &Beside::default());
        for full in [false, true] {
            let shown = text::show(&session, text::Options { width, colour: false, full });
            let bad = |character: &char| *character != '\n' && is_treacherous(*character);
            prop_assert!(!shown.chars().any(|character| bad(&character)), "{shown:?}");
            let findings = gaps::family(&session);
            let options = text::Options { width, colour: false, full };
            let shown = text::findings(&session, &findings, false, options);
            prop_assert!(!shown.chars().any(|character| bad(&character)), "{shown:?}");
        }
        let document: serde_json::Value = serde_json::from_str(&json::show(&session).unwrap()).unwrap();
        prop_assert_eq!(&document["session"]["session_id"], "a");
    }

    #[test]
    fn receipts_ledger_findings_and_differences_of_any_rows_are_safe_on_a_terminal(
        events in proptest::collection::vec(event(), 0..20),
        width in 0_usize..120,
    ) {
        let mut session = reconstruct("a", &events);
        let beside = Beside::default();
        trail::examine(&mut session, &events, &beside);
        let options = text::Options { width, colour: false, full: true };
        let mut shown = vec![text::show(&session, options)];
        let receipts = receipt::family(&session, &beside);
        shown.extend(receipts.iter().map(|receipt| text::receipt(receipt, options)));
        let findings: Vec<_> = session.findings.iter().collect();
        shown.push(text::findings(&session, &findings, false, options));
        for shown in shown {
            let bad = |character: char| character != '\n' && is_treacherous(character);
            prop_assert!(!shown.chars().any(bad), "{shown:?}");
        }
        for receipt in &receipts {
            prop_assert!(json::receipt(receipt).is_ok());
        }
    }

    #[test]
    fn snapshots_and_differences_of_any_rows_are_safe_on_a_terminal(
        a in proptest::collection::vec(event(), 0..15),
        b in proptest::collection::vec(event(), 0..15),
        width in 0_usize..120,
    ) {
        let beside = Beside::default();
        let taken = [a, b].map(|events| {
            let mut session = reconstruct("a", &events);
            trail::examine(&mut session, &events, &beside);
            snapshot::snapshot(&[(&session, &beside)]).unwrap()
        });
        for one in &taken {
            let written = snapshot::file::write(one).unwrap();
            prop_assert_eq!(&snapshot::file::read("again", written.as_bytes()).unwrap(), one);
        }
        let [a, b] = &taken;
        for (a, b) in [(a, b), (a, a)] {
            let found = diff::diff(("\u{1b}]0;a\u{7}", a), ("b", b));
            let options = text::Options { width, colour: false, full: true };
            let shown = text::diff(&found, options);
            let bad = |character: char| character != '\n' && is_treacherous(character);
            prop_assert!(!shown.chars().any(bad), "{shown:?}");
            let document = json::diff(&found).unwrap();
            prop_assert!(serde_json::from_str::<serde_json::Value>(&document).is_ok());
        }
    }

    #[test]
    fn a_value_cannot_forge_a_line_of_its_own(words in hostile()) {
        let event = Event {
            session_id: Some("a".to_owned()),
            call_id: Some("c".to_owned()),
            kind: Some("decision".to_owned()),
            decision: Some(format!("{words}\n    result      success")),
            ..Event::default()
        };
        let session = reconstruct("a", &[event]);
        let shown = text::show(&session, text::Options { width: 200, colour: false, full: true });
        // A wrapped value stands in the column of values, never in that of labels.
        let results = shown.lines().filter(|line| line.starts_with("    result "));
        prop_assert_eq!(results.count(), 1);
    }
}
