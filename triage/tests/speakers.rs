//! Who speaks for a session: what is one speaker, what are two, and whose word a statement is.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use blotter_schemas::tables::Event;
use blotter_triage::gaps;
use blotter_triage::reconstruct::model::Entry;
use blotter_triage::reconstruct::speakers::SpeakerKind;
use blotter_triage::reconstruct::{Session, reconstruct};

/// A row of session `s`, received by a collector in the second `received`.
fn row(number: u8, peer: &str, received: i64) -> Event {
    Event {
        event_id: [number; 16],
        session_id: Some("s".to_owned()),
        time_unix_nano: Some(i64::from(number) * 1_000),
        received_time: Some(received * 1_000_000),
        collector_id: Some("c".to_owned()),
        peer: Some(peer.to_owned()),
        kind: Some("decision".to_owned()),
        source: Some("otlp_log".to_owned()),
        name: Some("tool_decision".to_owned()),
        call_id: Some("call".to_owned()),
        ..Event::default()
    }
}

fn found(rows: &[Event]) -> Vec<String> {
    let session = reconstruct("s", rows);
    let finding = gaps::of_speakers(&session);
    assert!(finding.iter().all(|finding| finding.rule == gaps::SEVERAL_SPEAKERS));
    finding.into_iter().map(|finding| finding.summary).collect()
}

fn only_call(session: &Session) -> &blotter_triage::reconstruct::model::Call {
    let entries = session.turns.iter().flat_map(|turn| &turn.entries).chain(&session.outside);
    let mut calls = entries.filter_map(|entry| match entry {
        Entry::Call(call) => Some(call.as_ref()),
        Entry::Note(_) => None,
    });
    calls.next().unwrap()
}

#[test]
fn new_connections_and_other_transports_of_one_process_are_one_speaker() {
    let rows = [
        row(1, "127.0.0.1:1000;uid=7,pid=42,start=9,comm=codex", 1),
        row(2, "127.0.0.1:1001;uid=7,pid=42,start=9,comm=another-name", 2),
        row(3, "unix;uid=7,gid=7,pid=42,start=9,comm=codex", 3),
    ];
    assert_eq!(found(&rows), [""; 0]);
    let session = reconstruct("s", &rows);
    assert_eq!((session.speakers.len(), session.speakers[0].rows), (1, 3));
    assert_eq!(session.speakers[0].peers.len(), 3);
}

#[test]
fn connections_of_an_unknown_process_differ_in_their_address_alone() {
    assert_eq!(found(&[row(1, "192.0.2.7:1", 1), row(2, "192.0.2.7:2", 2)]), [""; 0]);
    assert_eq!(found(&[row(1, "192.0.2.7:1", 1), row(2, "192.0.2.8:1", 2)]).len(), 1);
}

#[test]
fn another_process_another_user_and_one_that_hid_are_other_speakers() {
    let agent = || row(1, "127.0.0.1:1;uid=7,pid=42,start=9,comm=codex", 5);
    for (other, what) in [
        ("127.0.0.1:2;uid=7,pid=43,start=9,comm=codex", "2 processes of one user"),
        ("127.0.0.1:2;uid=7,pid=42,start=10,comm=codex", "2 processes of one user"),
        ("127.0.0.1:2;uid=7", "2 processes of one user"),
        ("127.0.0.1:2;uid=8,pid=43,start=9,comm=codex", "2 senders"),
        ("127.0.0.1:2", "2 senders"),
    ] {
        let found = found(&[agent(), row(2, other, 5)]);
        assert!(found[0].starts_with(&format!("{what} claim this session")), "{other}: {found:?}");
    }
}

#[test]
fn a_finding_says_whether_the_speakers_took_turns() {
    let at = |received: [i64; 3], times: [i64; 3]| {
        let peers = ["unix;uid=7,pid=1,start=1", "unix;uid=7,pid=2,start=2"];
        let rows: Vec<Event> = [0, 1, 0]
            .into_iter()
            .zip(received.into_iter().zip(times))
            .zip(1..)
            .map(|((peer, (received, time)), number)| Event {
                time_unix_nano: Some(time),
                ..row(number, peers[peer], received)
            })
            .collect();
        found(&rows).concat()
    };
    let mixed = "their records among each other's";
    assert!(at([1, 2, 3], [1, 3, 2]).ends_with(mixed), "by arrival");
    assert!(at([1, 3, 2], [1, 2, 3]).ends_with(mixed), "by their own times");
    assert!(at([1, 3, 2], [1, 3, 2]).ends_with("one after the other"));
}

#[test]
fn an_import_contradicts_nobody_and_is_named_where_it_speaks() {
    let imported = Event { collector_id: None, peer: None, ..row(2, "", 9) };
    let rows =
        [row(1, "unix;uid=7,pid=1,start=1", 1), row(3, "unix;uid=7,pid=1,start=1", 2), imported];
    assert_eq!(found(&rows), [""; 0]);
    let session = reconstruct("s", &rows);
    let kinds: Vec<SpeakerKind> = session.speakers.iter().map(|speaker| speaker.kind).collect();
    assert_eq!(kinds, [SpeakerKind::Process, SpeakerKind::Import]);
}

#[test]
fn a_forged_record_is_not_taken_as_the_copy_of_the_agents_own() {
    let (agent, forger) = ("unix;uid=7,pid=1,start=1", "unix;uid=7,pid=2,start=2");
    let decision = |number, peer, decision: &str| Event {
        decision: Some(decision.to_owned()),
        time_unix_nano: Some(5_000),
        ..row(number, peer, 1)
    };
    let copy = Event { source: Some("otlp_span_event".to_owned()), ..decision(2, agent, "denied") };
    let rows = [decision(1, forger, "approved"), copy, row(3, agent, 1)];
    let session = reconstruct("s", &rows);
    let call = only_call(&session);
    let said: Vec<(Option<&str>, &[usize])> = call
        .decisions
        .iter()
        .map(|one| (one.decision.value.as_deref(), one.decision.speakers.as_slice()))
        .collect();
    assert!(said.contains(&(Some("approved"), &[2])), "{said:?}");
    assert!(said.contains(&(Some("denied"), &[])), "{said:?}");
    assert_eq!(call.speakers, [1, 2]);
}

#[test]
fn the_first_speaker_is_heard_first_however_early_another_dates_its_record() {
    let (agent, forger) = ("unix;uid=7,pid=1,start=1", "unix;uid=7,pid=2,start=2");
    let result = |number, peer, output: &str| Event {
        kind: Some("result".to_owned()),
        name: Some("tool_result".to_owned()),
        output: Some(output.to_owned()),
        ..row(number, peer, 1)
    };
    let rows = [result(1, forger, "nothing"), result(2, agent, "secret"), row(3, agent, 1)];
    let session = reconstruct("s", &rows);
    let output = &only_call(&session).result.as_ref().unwrap().output;
    assert_eq!(output.value.as_deref(), Some("secret"));
    assert_eq!(output.grade.as_str(), "contradicted");
    assert_eq!(
        (output.why.as_ref(), output.speakers.as_slice()),
        ("speaker 2 says otherwise", &[1, 2][..])
    );
}
