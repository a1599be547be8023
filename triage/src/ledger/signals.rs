//! Which signals arrived.

use blotter_schemas::tables::MetricPoint;

use super::{Signal, SignalState};
use crate::receipt::of_its_process;
use crate::reconstruct::Session;
use crate::trail::Trail;

const LOGS: &str = "logs";
const TRACES: &str = "traces";
const METRICS: &str = "metrics";
const ROLLOUT: &str = "rollout";
/// How coverage tables say that a signal is sent whatever the settings, and that it is never.
const ALWAYS: &str = "always";
const NEVER: &str = "never";
/// The agent that keeps a session file of its own which is read.
const KEEPS_ROLLOUTS: &str = "codex";

/// Logs, traces, metrics and, where the agent keeps one, its own session file.
pub(super) fn signals(trail: &Trail<'_>) -> Vec<Signal> {
    let session = trail.session;
    let rows = session.signals;
    let derived = rows.spans + rows.span_events;
    let mut signals = vec![
        signal(trail, LOGS, Some(rows.logs), format!("{} rows from log records", rows.logs)),
        signal(
            trail,
            TRACES,
            Some(derived),
            format!("{} rows from spans, {} from events on spans", rows.spans, rows.span_events),
        ),
        metrics(trail),
    ];
    if rows.rollout > 0 || session.agent.value.as_deref() == Some(KEEPS_ROLLOUTS) {
        let state = if rows.rollout > 0 { SignalState::Arrived } else { SignalState::NotSeen };
        let why = match state {
            SignalState::Arrived => format!("{} rows from the agent's session file", rows.rollout),
            _ => "the agent keeps a session file of its own; none was imported".to_owned(),
        };
        signals.push(Signal { signal: ROLLOUT, state, rows: rows.rollout, why });
    }
    signals
}

fn metrics(trail: &Trail<'_>) -> Signal {
    let Some(points) = &trail.family.beside.metrics else {
        return signal(trail, METRICS, None, String::new());
    };
    let named = points.iter().filter(|point| names(point, trail.session)).count();
    if named > 0 {
        return signal(trail, METRICS, Some(named), format!("{named} points name the session"));
    }
    let of_process = points.iter().filter(|point| nameless(point, trail.session)).count();
    let why = format!("{of_process} points of the same program and time; they name no session");
    signal(trail, METRICS, Some(of_process), why)
}

fn names(point: &MetricPoint, session: &Session) -> bool {
    point.session_id.as_ref() == Some(&session.session_id)
}

/// Whether a point that names no session may be this one's: of the same program, sender and time.
fn nameless(point: &MetricPoint, session: &Session) -> bool {
    let agent = session.agent.value.as_deref();
    let dialect = point.dialect.as_deref().map(|dialect| dialect.replace('_', "-"));
    point.session_id.is_none()
        && dialect.as_deref() == agent
        && agent.is_some()
        && of_its_process(point, session)
}

/// The state of a signal of which `rows` came; `None`: it was not looked for.
fn signal(trail: &Trail<'_>, name: &'static str, rows: Option<usize>, arrived: String) -> Signal {
    let declared = trail
        .coverage
        .and_then(|coverage| coverage.signals.iter().find(|signal| signal.signal == name));
    let agent = trail.coverage.map_or("the agent", |coverage| coverage.agent);
    let setting = declared
        .and_then(|signal| signal.setting)
        .and_then(|id| trail.coverage.and_then(|coverage| coverage.setting(id)));
    let (state, why) = match (rows, declared.map(|signal| signal.reports)) {
        (None, _) => (SignalState::NotLookedFor, "it was not looked for".to_owned()),
        (Some(1..), _) => (SignalState::Arrived, arrived),
        (Some(0), Some(NEVER)) => (SignalState::NeverSent, format!("{agent} never sends it")),
        (Some(0), _) if trail.open => {
            (SignalState::Pending, "the session is open, and it may still come".to_owned())
        }
        (Some(0), Some(ALWAYS)) => (
            SignalState::Missing,
            format!("{agent} sends it whenever its telemetry is on, and nothing arrived"),
        ),
        (Some(0), _) => {
            let why = match setting {
                Some(setting) => {
                    format!("nothing arrived; {agent} sends it with {}", setting.how)
                }
                None => "nothing arrived".to_owned(),
            };
            (SignalState::NotSeen, why)
        }
    };
    Signal { signal: name, state, rows: rows.unwrap_or(0), why }
}
