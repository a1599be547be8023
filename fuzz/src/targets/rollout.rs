//! Session files of Codex: each line becomes one row that is written to Arrow and read back.

use blotter_profiles::decide::Connect;
use blotter_profiles::effective::rollout::from_rollout;
use blotter_profiles::{Decider, Place, Request, Semantics};
use blotter_schemas::normalise::{Custody, Rows};
use blotter_schemas::rollout::Rollout;
use blotter_schemas::tables::{Event, Row as _};
use serde_json::Value;

/// A whole file.
pub fn lines(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let lines = text.lines().filter_map(|line| Some((line, serde_json::from_str(line).ok()?)));
    let lines: Vec<(&str, Value)> = lines.collect();
    let Some(mut rollout) = lines.first().and_then(|(_, first)| Rollout::begin(first)) else {
        return;
    };
    let mut rows = Rows::default();
    for (line, value) in &lines {
        rollout.take(line, value, &Custody::default(), &mut rows);
    }
    assert_eq!(rows.len(), lines.len(), "each line has one row");
    assert!(rows.events.iter().all(|it| it.kind.is_some()), "an event without a kind");
    let batch = Event::to_batch(&rows.events).expect("rows become a batch");
    let again = Event::from_batch(&batch).expect("a batch becomes rows");
    assert_eq!(format!("{again:?}"), format!("{:?}", rows.events));
}

/// The payload of a turn's context: the profile that it states is one that can be asked.
pub fn profile(input: &[u8]) {
    let Ok(payload) = serde_json::from_slice(input) else { return };
    let Ok(stated) = from_rollout(&payload, Some("rollout.jsonl"), Some(1)) else { return };
    let _ = stated.profile.digest();
    let Ok(decider) = Decider::new(stated.profile, Place::of("/w")) else { return };
    for request in [Request::Write("/w/.git/x.env"), Request::Connect(Connect::to("example.com"))] {
        for semantics in Semantics::ALL {
            let _ = decider.trace(&request, semantics);
        }
    }
}
