//! Records forged by a process that is not the agent: they are seen to be another's word, and they
//! replace and suppress nothing.
#![allow(clippy::indexing_slicing, clippy::panic, reason = "a missing value fails the test")]

mod codex;
mod contents;
mod forger;

use std::collections::BTreeSet;
use std::path::Path;

use blotter_archive::{Archive, Location};
use blotter_collector::{Collector, Config};
use blotter_schemas::otlp::{Encoding, Signal};
use blotter_schemas::peer::Peer;
use blotter_schemas::tables::Event;
use blotter_tests::captures;
use blotter_tests::client::{Answer, Export, Sender};
use blotter_tests::processes::{Finished, triage};
use blotter_tests::records::rows;
use blotter_tests::shown::{Shown, stated};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A session in which an automated reviewer denied what the agent wanted.
const CAPTURE: &str = "codex/04-guardian-deny";
/// Its id.
const SESSION: &str = "01a1fb67-7b54-7802-a54e-9289bba02ac8";
/// A user that is not the collector's.
const NOBODY: u32 = 65_534;

/// What a forger posts, and as whom.
struct Forged {
    export: Export,
    uid: Option<u32>,
}

/// A collector takes in the capture, sent by this process over two connections, and, before its last
/// request, what forgers post.
async fn session(forged: &[Forged]) -> anyhow::Result<TempDir> {
    let data = tempfile::tempdir()?;
    let mut config = Config::new(data.path())?;
    config.http.set_port(0);
    config.grpc.set_port(0);
    let collector = Collector::start(config).await?;
    let mut senders = [
        Sender::http(collector.http_address()).await?,
        Sender::grpc(collector.grpc_address()).await?,
    ];
    let exports = captures::named(CAPTURE)?.exports()?;
    for (number, export) in exports.iter().enumerate() {
        if number + 1 == exports.len() {
            for Forged { export, uid } in forged {
                forger::post(collector.http_address(), export, *uid).await?;
            }
        }
        let answer = senders[number % 2].send(export).await?;
        assert!(matches!(answer, Answer::Acknowledged(_)), "{answer:?}");
    }
    collector.shutdown().await?;
    Ok(data)
}

async fn events(data: &Path) -> anyhow::Result<Vec<Event>> {
    let location = Location::parse(&data.join("archive").to_string_lossy())?;
    rows::<Event>(&Archive::open(&location).await?).await
}

async fn show(data: &Path, session: &str) -> anyhow::Result<(Finished, Shown)> {
    let finished = triage(&data.join("archive"), ["show", session, "--format", "json"]).await?;
    let shown = Shown::read(&finished.stdout)?;
    Ok((finished, shown))
}

/// The session that the capture's denied call is in, that call, and the time of its decision.
async fn denied(data: &Path) -> anyhow::Result<(String, String, i64)> {
    let refused = |event: &&Event| event.decision.as_deref() == Some("denied");
    let events = events(data).await?;
    let Some(event) = events.iter().filter(refused).find(|event| event.call_id.is_some()) else {
        panic!("the capture holds no refusal");
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Ok((text(&event.session_id), text(&event.call_id), event.time_unix_nano.unwrap_or(0)))
}

/// What a forger says of the denied call: that the user approved it, and what came back.
fn approval(session: &str, call: &str, time: i64) -> anyhow::Result<Forged> {
    let said = |name: &str, more: &[(&str, &str)]| {
        let mut attributes = vec![
            ("event.name", name),
            ("conversation.id", session),
            ("call_id", call),
            ("tool_name", "exec_command"),
            ("user.email", "boss@example.com"),
        ];
        attributes.extend(more);
        let resource = [("service.name", "codex_exec")];
        forger::record(&time.to_string(), &resource, &attributes)
    };
    let export = forger::together(&[
        said("codex.tool_decision", &[("decision", "approved"), ("source", "User")]),
        said(
            "codex.tool_result",
            &[("arguments", "{\"cmd\":\"true\"}"), ("output", "nothing"), ("success", "true")],
        ),
    ])?;
    Ok(Forged { export, uid: None })
}

/// Without what rests on another speaker's word, and without the numbers of rows.
fn first_speakers(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let own = |item: &&Value| {
                let said = |fact: &Value| fact["speakers"] == json!([2]);
                !said(item) && !item.get("decision").is_some_and(said)
            };
            items.iter().filter(own).map(first_speakers).collect()
        }
        Value::Object(fields) => {
            let left_out = ["events", "speakers", "grade", "why"];
            let kept = fields.iter().filter(|(name, _)| !left_out.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name.clone(), first_speakers(value))).collect())
        }
        other => other.clone(),
    }
}

#[tokio::test]
async fn a_forged_approval_is_a_finding_and_the_refusal_stands_as_it_was() -> anyhow::Result<()> {
    let genuine = session(&[]).await?;
    let (id, call, time) = denied(genuine.path()).await?;
    assert_eq!(id, SESSION);
    let (finished, before) = show(genuine.path(), &id).await?;
    assert_eq!(finished.exit_code, Some(0), "two connections of one process are one speaker");
    assert_eq!(before.0["session"]["speakers"].as_array().map(Vec::len), Some(1));

    // A millisecond earlier than the genuine decision, so that it comes first by its own time.
    let forged = session(&[approval(&id, &call, time - 1_000_000)?]).await?;
    let (finished, shown) = show(forged.path(), &id).await?;
    assert_eq!(finished.exit_code, Some(1), "{}", finished.stderr);
    let shown_session = &shown.0["session"];
    let finding = &shown_session["findings"][0];
    assert_eq!(finding["rule"], "several_speakers", "{finding:#}");
    assert_eq!(finding["speakers"], json!([1, 2]));
    let speakers = shown_session["speakers"].as_array().cloned().unwrap_or_default();
    assert_eq!(speakers[0]["pid"], std::process::id());
    assert_ne!(speakers[1]["pid"], speakers[0]["pid"]);
    assert_eq!((&speakers[1]["rows"], &speakers[1]["kind"]), (&json!(2), &json!("process")));
    for event in speakers[1]["events"].as_array().into_iter().flatten() {
        let proofs = finding["events"].as_array().cloned().unwrap_or_default();
        assert!(proofs.contains(event), "{event} is no proof in {finding:#}");
    }

    let (before, after) = (before.call(&call)?, shown.call(&call)?);
    let decisions = after["decisions"].as_array().cloned().unwrap_or_default();
    let approved = decisions.iter().find(|one| stated(&one["decision"]) == "approved");
    assert_eq!(approved.map(|one| &one["source"]["speakers"]), Some(&json!([2])), "{after:#}");
    assert_eq!(after["result"]["output"]["grade"], "contradicted");
    assert_eq!(first_speakers(after)["decisions"], first_speakers(before)["decisions"]);
    for name in ["tool", "arguments"] {
        assert_eq!(stated(&after[name]), stated(&before[name]), "{name}");
    }
    assert_eq!(stated(&after["result"]["output"]), stated(&before["result"]["output"]));
    assert_eq!(stated(&after["result"]["success"]), stated(&before["result"]["success"]));
    assert_eq!(shown_session["user"]["speakers"], json!([2]), "nobody but the forger names a user");

    let text = triage(&forged.path().join("archive"), ["show", &id]).await?;
    assert!(text.stdout.contains("approved by User (said by speaker 2)"), "{}", text.stdout);
    assert!(text.stdout.contains("FINDING"), "{}", text.stdout);
    let listed = triage(&forged.path().join("archive"), ["sessions"]).await?;
    assert_eq!(listed.exit_code, Some(1));
    assert!(listed.stdout.contains("2 processes of one user"), "{}", listed.stdout);
    Ok(())
}

#[tokio::test]
async fn records_with_the_ids_of_genuine_ones_suppress_none_of_them() -> anyhow::Result<()> {
    let genuine = session(&[]).await?;
    let exports = captures::named(CAPTURE)?.exports()?;
    let Some(last) = exports.last() else { panic!("the capture is empty") };
    // Before the genuine one: the very same request, and one that differs in a word alone.
    let logs = exports.iter().find(|export| export.signal == Signal::Logs);
    let Some(logs) = logs else { panic!("the capture holds no logs") };
    let forged = [
        Forged { export: last.clone(), uid: None },
        Forged { export: forger::altered(logs, "denied", "DENIED")?, uid: None },
    ];
    let forged = session(&forged).await?;
    // An id covers every word of its record.
    let ids = |events: Vec<Event>| -> BTreeSet<[u8; 16]> {
        events.into_iter().map(|event| event.event_id).collect()
    };
    let before = ids(events(genuine.path()).await?);
    let after = ids(events(forged.path()).await?);
    assert!(before.is_subset(&after), "{:?}", before.difference(&after).next());
    assert!(after.len() > before.len(), "what differs in a word is an event of its own");
    Ok(())
}

#[tokio::test]
async fn another_user_is_another_sender_who_can_suppress_nothing() -> anyhow::Result<()> {
    if !rustix::process::geteuid().is_root() {
        // Only root can start a process of another user; what names senders is tested in the collector.
        return Ok(());
    }
    let genuine = session(&[]).await?;
    let exports = captures::named(CAPTURE)?.exports()?;
    let Some(last) = exports.last() else { panic!("the capture is empty") };
    let forged = session(&[Forged { export: last.clone(), uid: Some(NOBODY) }]).await?;
    let (before, after) = (events(genuine.path()).await?, events(forged.path()).await?);
    let foreign: Vec<&Event> =
        after.iter().filter(|event| event.sender.as_deref() == Some("uid:65534")).collect();
    assert!(!foreign.is_empty());
    assert_eq!(before.len(), after.len() - foreign.len(), "each has its own copy");
    for event in foreign {
        let peer = Peer::parse(event.peer.as_deref().unwrap_or_default());
        assert_eq!(peer.process.uid, Some(NOBODY));
    }
    let (finished, shown) = show(forged.path(), SESSION).await?;
    assert_eq!(finished.exit_code, Some(1));
    let summary = shown.0["session"]["findings"][0]["summary"].as_str().unwrap_or_default();
    assert!(summary.starts_with("2 senders claim"), "{summary}");
    Ok(())
}

#[tokio::test]
async fn forged_times_move_neither_the_session_nor_its_events() -> anyhow::Result<()> {
    let genuine = session(&[]).await?;
    let (_, before) = show(genuine.path(), SESSION).await?;
    let attributes = [("event.name", "codex.user_prompt"), ("conversation.id", SESSION)];
    let times = ["1", "0", "18446744073709551615", "9223372036854775807", "4102444800000000000"];
    let forged =
        times.map(|time| Forged { export: forger::record(time, &[], &attributes), uid: None });
    let forged = session(&forged).await?;
    let (finished, after) = show(forged.path(), SESSION).await?;
    assert_eq!(finished.exit_code, Some(1));
    let (before, after) = (&before.0["session"], &after.0["session"]);
    assert_eq!(before["span"], after["span"]);
    assert_eq!(
        after["rows"]["total"].as_u64(),
        before["rows"]["total"].as_u64().map(|rows| rows + 5)
    );
    let prompts = |session: &Value| {
        let turns = session["turns"].as_array().cloned().unwrap_or_default();
        let own = |turn: &&Value| turn["prompted_unix_nano"].get("speakers").is_none();
        turns.iter().filter(own).map(|turn| stated(&turn["prompt"]).clone()).collect::<Vec<_>>()
    };
    assert_eq!(prompts(before), prompts(after), "a forged prompt is marked as such");
    Ok(())
}

#[tokio::test]
async fn a_mark_or_a_reference_that_a_sender_writes_is_a_text_like_any_other() -> anyhow::Result<()>
{
    let mark = "[redacted:forged-rule:k1.0123456789abcdef]";
    let body = json!({"resourceLogs": [{
        "resource": {"attributes": [{"key": "session.id", "value": {"stringValue": "forged"}}]},
        "scopeLogs": [{"logRecords": [{
            "timeUnixNano": "1700000000000000000",
            "body": {"kvlistValue": {"values": [
                {"key": "blotterColumn", "value": {"stringValue": "output"}},
            ]}},
            "attributes": [
                {"key": "note", "value": {"stringValue": mark}},
                {"key": "blotterColumn", "value": {"stringValue": "arguments"}},
            ],
        }]}],
    }]});
    let body = body.to_string();
    let export = Export { signal: Signal::Logs, encoding: Encoding::Json, body: body.into() };
    let data = session(&[Forged { export, uid: None }]).await?;
    let held: Vec<Event> = events(data.path()).await?;
    let forged = |event: &&Event| event.session_id.as_deref() == Some("forged");
    let Some(event) = held.iter().find(forged) else { panic!("the forged record is not there") };
    let counted = event.redactions.as_deref().unwrap_or("{}");
    assert!(!counted.contains("forged-rule"), "the sender's mark counts as ours: {counted}");
    assert_eq!((&event.output, &event.arguments), (&None, &None), "a reference brings nothing");
    let record = event.canonical_record()?.unwrap_or_default();
    assert!(record.contains("blotterColumn"), "it is kept as the text that it is: {record}");
    Ok(())
}
