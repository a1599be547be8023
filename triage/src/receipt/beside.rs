//! What stands beside the rows of a session: counters of its process, and the time at which one looks.

use blotter_schemas::names::blotter::EventKind;
use blotter_schemas::names::codex;
use blotter_schemas::tables::{Event, MetricPoint, Span};
use serde_json::Value;

use crate::fact::EventId;
use crate::reconstruct::Session;
use crate::reconstruct::model::Entry;
use crate::reconstruct::speakers::same_speaker;

/// The metric in which Codex counts the hooks that ran (`codex-rs/core`, hook runtime).
pub const HOOKS_RUN: &str = "codex.hooks.run";
/// The hook that runs before a tool, and how its status says that it refused the call.
const BEFORE_A_TOOL: &str = "PreToolUse";
const BLOCKED: &str = "blocked";
/// OTLP's number for counters that begin anew with every export.
const DELTA: i64 = 1;
/// How long after its last record more of a session may come, in nanoseconds: the longest interval at
/// which an agent exports unless told otherwise (metrics of the OpenTelemetry SDKs: 60 s).
const EXPORT_INTERVAL_NS: i64 = 60_000_000_000;
/// How long after a session's last moment its last counters may be taken, in nanoseconds.
const LAST_EXPORT_NS: i64 = EXPORT_INTERVAL_NS;

/// What stands beside the rows of a session.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// Points of the metrics that receipts look at, of whatever session.
    pub points: Vec<MetricPoint>,
    /// When one looks, nanoseconds since the epoch; absent: long after.
    pub as_of_unix_nano: Option<i64>,
    /// Points of all metrics of that time, of whatever session, without their records; absent where
    /// they were not looked for.
    pub metrics: Option<Vec<MetricPoint>>,
    /// Spans of the session's traces, without their records; absent where they were not looked for.
    pub spans: Option<Vec<Span>>,
    /// Rows of other sessions that carry numbers of a counter that a process shares among its sessions.
    pub elsewhere: Vec<Event>,
    /// Whether there are more such rows, which were not read.
    pub elsewhere_cut: bool,
    /// What imports into the archive left out, each with the reason; absent where it was not looked for.
    pub left_out: Option<Vec<String>>,
}

/// Sums of metrics that say what no record of a call says, each with its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// How often a hook that runs before a tool refused a call.
    pub hooks_blocked: Option<(i64, Vec<EventId>)>,
}

impl Beside {
    /// Whether records of the session may still come: it has not ended, and the last one came less than
    /// an export interval ago.
    pub(crate) fn may_go_on(&self, session: &Session) -> bool {
        let Some(as_of) = self.as_of_unix_nano else { return false };
        let ended = |entry: &Entry| matches!(entry, Entry::Note(note) if note.kind == EventKind::SessionEnd.as_str());
        let entries = session.turns.iter().flat_map(|turn| &turn.entries);
        if entries.chain(&session.outside).any(ended) {
            return false;
        }
        let received = session.speakers.iter().filter(|it| !it.kind.is_of_files());
        let last = received.filter_map(|it| it.last_received_unix_micro).max();
        last.is_some_and(|last| {
            let last = last.saturating_mul(1_000);
            as_of.saturating_sub(last) < EXPORT_INTERVAL_NS
        })
    }

    /// The counters of the process that sent the session's rows, while the session went on.
    pub(crate) fn counters(&self, session: &Session) -> Counters {
        let own = |point: &&MetricPoint| of_its_process(point, session);
        let blocked: Vec<&MetricPoint> =
            self.points.iter().filter(|point| is_a_blocking_hook(point)).filter(own).collect();
        let mut events: Vec<EventId> =
            blocked.iter().map(|point| EventId(point.event_id)).collect();
        events.sort_unstable();
        events.dedup();
        let count = total(&blocked);
        Counters { hooks_blocked: (count > 0).then_some((count, events)) }
    }
}

/// Whether a point was sent by the process that sent the session's rows, of the time in which the session
/// went on.
pub(crate) fn of_its_process(point: &MetricPoint, session: &Session) -> bool {
    let Some(span) = session.span else { return false };
    let until = span.end_unix_nano.saturating_add(LAST_EXPORT_NS);
    let peer = point.peer.as_ref();
    let speaker = session.speakers.iter().any(|it| match peer {
        // Every signal is exported over a connection of its own.
        Some(peer) => it.peers.iter().any(|own| same_speaker(own, peer)),
        None => it.peers.is_empty(),
    });
    let (start, end) = (point.start_time_unix_nano, point.time_unix_nano);
    let meets = start.is_some_and(|start| start <= span.end_unix_nano)
        && end.is_some_and(|end| span.start_unix_nano <= end && end <= until);
    speaker && meets
}

/// Counters that begin anew are added, those that go on count once, by their highest value.
fn total(points: &[&MetricPoint]) -> i64 {
    let value = |point: &&&MetricPoint| point.value_int.unwrap_or(0).max(0);
    let delta = |point: &&&MetricPoint| point.temporality == Some(DELTA);
    let added = points.iter().filter(delta).map(|point| value(&point));
    let added = added.fold(0, i64::saturating_add);
    let going_on = points.iter().filter(|point| !delta(point)).map(|point| value(&point)).max();
    added.saturating_add(going_on.unwrap_or(0))
}

fn is_a_blocking_hook(point: &MetricPoint) -> bool {
    point.name.as_deref() == Some(HOOKS_RUN)
        && attribute(point, codex::STATUS).as_deref() == Some(BLOCKED)
        && attribute(point, codex::HOOK_NAME).as_deref() == Some(BEFORE_A_TOOL)
}

/// An attribute of a metric's only point, from the whole record: an OTLP/JSON export request.
fn attribute(point: &MetricPoint, key: &str) -> Option<String> {
    let record: Value = serde_json::from_str(point.record.as_deref()?).ok()?;
    let metric = record
        .get("resourceMetrics")?
        .get(0)?
        .get("scopeMetrics")?
        .get(0)?
        .get("metrics")?
        .get(0)?;
    let data = metric.get("sum").or_else(|| metric.get("gauge"))?;
    let attributes = data.get("dataPoints")?.get(0)?.get("attributes")?.as_array()?;
    let own = attributes.iter().find(|it| it.get("key").and_then(Value::as_str) == Some(key))?;
    own.get("value")?.get("stringValue")?.as_str().map(str::to_owned)
}
