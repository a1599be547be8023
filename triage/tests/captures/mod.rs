//! Captures of real agents as rows, as an import would make them.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::path::{Path, PathBuf};

use blotter_schemas::normalise::{Custody, Rows, normalise};
use blotter_schemas::otlp::{Encoding, Request, Signal};
use blotter_schemas::rollout::Rollout;
use blotter_schemas::tables::Event;
use blotter_triage::receipt::{Beside, HOOKS_RUN};
use blotter_triage::reconstruct::{Session, reconstruct};
use blotter_triage::trail;
use serde_json::Value;

/// Folder of a capture, such as `codex/03-mcp`.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures").join(name)
}

fn files(folder: PathBuf) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// What a file named `0001.logs.pb` holds; none where it is something else.
fn described(path: &Path) -> Option<(Signal, Encoding)> {
    let file = path.file_name()?.to_str()?;
    let parts: Vec<&str> = file.split('.').collect();
    let [_, signal, extension] = parts.as_slice() else { return None };
    let encoding = if *extension == "pb" { Encoding::Protobuf } else { Encoding::Json };
    Some((Signal::from_name(signal)?, encoding))
}

/// The files of a capture's requests.
pub fn requests(name: &str) -> Vec<PathBuf> {
    let mut files = files(folder(name));
    files.retain(|path| described(path).is_some());
    files
}

/// The session files of a capture.
pub fn rollouts(name: &str) -> Vec<PathBuf> {
    files(folder(name).join("rollout"))
}

/// Events of a capture's requests.
pub fn events(name: &str) -> Vec<Event> {
    rows(name).events
}

/// What stands beside the events of a capture, long after it.
pub fn beside(name: &str) -> Beside {
    let mut points = rows(name).metrics;
    points.retain(|point| point.name.as_deref() == Some(HOOKS_RUN));
    Beside { points, ..Beside::default() }
}

/// Rows of a capture's requests.
pub fn rows(name: &str) -> Rows {
    let mut rows = Rows::default();
    for path in requests(name) {
        let Some((signal, encoding)) = described(&path) else { continue };
        let request = Request::decode(signal, encoding, &std::fs::read(&path).unwrap()).unwrap();
        normalise(&request, &Custody::default(), &mut rows);
    }
    rows
}

/// Events of a session file.
pub fn filed(text: &str) -> Vec<Event> {
    let mut rollout = None;
    let mut rows = Rows::default();
    for line in text.lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        let rollout = rollout.get_or_insert_with(|| Rollout::begin(&value).unwrap());
        rollout.take(line, &value, &Custody::default(), &mut rows);
    }
    rows.events
}

/// Events of a capture's session files.
pub fn filed_events(name: &str) -> Vec<Event> {
    rollouts(name).iter().flat_map(|path| filed(&std::fs::read_to_string(path).unwrap())).collect()
}

/// The session of a capture that none is around, with its ledger and findings.
pub fn examined(name: &str) -> Session {
    let mut session = session(name);
    let Rows { events, spans, metrics } = rows(name);
    let points = metrics.clone();
    let beside = Beside {
        points,
        metrics: Some(metrics),
        spans: Some(spans),
        left_out: Some(Vec::new()),
        ..Beside::default()
    };
    trail::examine(&mut session, &events, &beside);
    session
}

/// Every capture, in order of its name.
pub fn all() -> Vec<String> {
    let mut names = Vec::new();
    let root = folder("");
    for agent in files(root.clone()).into_iter().filter(|path| path.is_dir()) {
        for run in files(agent).into_iter().filter(|path| path.is_dir()) {
            names.push(run.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
        }
    }
    assert!(names.len() > 40, "{}", names.len());
    names
}

/// The session of a capture that none is around.
pub fn session(name: &str) -> Session {
    first_session(name).unwrap()
}

/// The same; none where the capture is of no session.
pub fn first_session(name: &str) -> Option<Session> {
    first_of(&events(name))
}

/// The session of these events that none is around.
pub fn reconstructed(events: &[Event]) -> Session {
    first_of(events).unwrap()
}

fn first_of(events: &[Event]) -> Option<Session> {
    let parents = blotter_triage::reconstruct::lineage::parents(events);
    let first = events
        .iter()
        .filter(|event| event.session_id.as_ref().is_some_and(|id| !parents.contains_key(id)))
        .min_by_key(|event| event.time_unix_nano)?;
    Some(reconstruct(first.session_id.as_ref()?, events))
}
