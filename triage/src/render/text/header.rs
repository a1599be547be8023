//! What is said about a session as a whole.

use super::layout::{Page, mark};
use super::{findings, ledger, relation, speakers};
use crate::fact::Fact;
use crate::reconstruct::Session;
use crate::reconstruct::model::{Context, Usage};
use crate::render::terminal::Look;
use crate::render::time;
use crate::sessions::Counts;

pub(super) fn header(page: &mut Page, session: &Session) {
    let title = session.parent.as_ref().map_or("Session", |parent| relation(parent.relation));
    page.heading(&[
        (Look::Strong, title),
        (Look::Strong, " "),
        (Look::Strong, &session.session_id),
    ]);
    if let Some(parent) = &session.parent {
        let text = format!("{}, by {}", parent.session_id, parent.join.by);
        page.line("of session", &[(Look::Plain, text)]);
    }
    if let Some(found) = &session.ledger {
        ledger::ledger(page, found, session.parent.is_some());
        page.blank();
    }
    let mut unknown = Vec::new();
    agent(page, session);
    place(page, session, &mut unknown);
    if let Some(span) = session.span {
        let (start, end) = (span.start_unix_nano, span.end_unix_nano);
        let same_day = time::date(start) == time::date(end);
        let until = if same_day { time::clock(end) } else { time::date_time(end) };
        let length = time::duration(end.saturating_sub(start));
        let text = format!("{} to {until} UTC, {length}", time::date_time(start));
        page.line("time", &[(Look::Plain, text)]);
    } else {
        unknown.push("time");
    }
    policy(page, session, &mut unknown);
    match tokens(&session.usage) {
        Some(tokens) => page.line("tokens", &[(Look::Plain, tokens)]),
        None => unknown.push("tokens"),
    }
    page.line("contents", &[(Look::Plain, contents(session))]);
    speakers::speakers(page, session);
    findings::of_session(page, session);
    if session.rows.total == 0 {
        page.unknown("rows", "no row of this session was found");
    }
    if !unknown.is_empty() {
        page.unknown("unreported", &unknown.join(", "));
    }
}

fn agent(page: &mut Page, session: &Session) {
    let Some(agent) = &session.agent_by_name().value else {
        page.unknown("agent", "not reported");
        return;
    };
    let mut text = agent.clone();
    if let Some(version) = &session.agent_version.value {
        text = format!("{text} {version}");
    }
    if let Some(program) = session.program.value.as_ref().filter(|program| *program != agent) {
        text = format!("{text} ({program})");
    }
    let models: Vec<&str> =
        session.models.iter().filter_map(|model| model.value.as_deref()).collect();
    text = match models.as_slice() {
        [] => format!("{text}, model not reported"),
        [model] => format!("{text}, model {model}"),
        models => format!("{text}, models {}", models.join(", ")),
    };
    if let Some(provider) = &session.provider.value {
        text = format!("{text} from {provider}");
    }
    page.line("agent", &[(Look::Plain, text)]);
}

fn place(page: &mut Page, session: &Session, unknown: &mut Vec<&'static str>) {
    let mut known = Vec::new();
    let facts: [(&'static str, &Fact<String>); 4] = [
        ("host", &session.host),
        ("user", &session.user),
        ("signed in", &session.auth),
        ("terminal", &session.terminal),
    ];
    for (name, fact) in facts {
        match &fact.value {
            Some(value) => known.push(format!("{name} {value}")),
            None => unknown.push(name),
        }
    }
    known.extend(session.cwd.value.as_ref().map(|cwd| format!("folder {cwd}")));
    if !known.is_empty() {
        page.line("where", &[(Look::Plain, known.join(", "))]);
    }
    let transports: Vec<&str> =
        session.transports.iter().filter_map(|transport| transport.value.as_deref()).collect();
    if transports.is_empty() {
        unknown.push("transport to the model");
    } else {
        let text = format!("{} to the model", transports.join(", "));
        page.line("transport", &[(Look::Plain, text)]);
    }
}

fn policy(page: &mut Page, session: &Session, unknown: &mut Vec<&'static str>) {
    let mut pieces: Vec<(Look, String)> = Vec::new();
    let facts = [
        ("approval", "approval policy", &session.policy.approval),
        ("sandbox", "sandbox policy", &session.policy.sandbox),
        ("profile", "permission profile", &session.policy.profile),
    ];
    for (name, long, fact) in facts {
        match &fact.value {
            Some(value) => {
                let comma = if pieces.is_empty() { "" } else { ", " };
                pieces.push((Look::Plain, format!("{comma}{name} {value}")));
                pieces.extend(mark(fact));
            }
            None => unknown.push(long),
        }
    }
    if !pieces.is_empty() {
        page.line("policy", &pieces);
    }
}

/// What holds in a turn and is not said of the session.
pub(super) fn context(page: &mut Page, session: &Session, context: &Context) {
    let mut pieces: Vec<(Look, String)> = Vec::new();
    let (of_turn, of_session) = (&context.policy, &session.policy);
    let facts = [
        ("approval", &of_turn.approval, &of_session.approval),
        ("sandbox", &of_turn.sandbox, &of_session.sandbox),
        ("profile", &of_turn.profile, &of_session.profile),
        ("folder", &context.cwd, &session.cwd),
    ];
    for (name, turn, session) in facts {
        let Some(value) = turn.value.as_ref().filter(|_| turn.value != session.value) else {
            continue;
        };
        let comma = if pieces.is_empty() { "" } else { ", " };
        pieces.push((Look::Plain, format!("{comma}{name} {value}")));
        pieces.extend(mark(turn));
    }
    if !pieces.is_empty() {
        page.line("policy", &pieces);
    }
}

/// `3,630 in (2,400 cached), 126 out (21 reasoning), $0.0234`.
pub(super) fn tokens(usage: &Usage) -> Option<String> {
    let of = |fact: &Fact<i64>, name: &str, part: &Fact<i64>, part_name: &str| {
        let total = fact.value?;
        let part = part
            .value
            .map(|part| format!(" ({} {part_name})", time::count(part)))
            .unwrap_or_default();
        Some(format!("{} {name}{part}", time::count(total)))
    };
    let mut parts = Vec::new();
    parts.extend(of(&usage.input, "in", &usage.cached, "cached"));
    parts.extend(of(&usage.output, "out", &usage.reasoning, "reasoning"));
    parts.extend(usage.cost_usd.value.map(|cost| format!("${cost:.4} by the agent's estimate")));
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn contents(session: &Session) -> String {
    let mut counts = Counts::default();
    counts.entries(&session.outside);
    for turn in &session.turns {
        counts.entries(&turn.entries);
    }
    let number = |count: usize, one: &str| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{} {one}{plural}", time::count(i64::try_from(count).unwrap_or(i64::MAX)))
    };
    let mut parts = vec![
        number(session.turns.len(), "turn"),
        number(counts.calls, "call"),
        format!("{} ({} refused)", number(counts.decisions, "decision"), counts.denied),
        number(counts.errors, "error"),
        number(session.requests.answered, "model request"),
    ];
    if !session.sessions.is_empty() {
        parts.push(number(session.sessions.len(), "nested session"));
    }
    parts.push(number(session.rows.total, "row"));
    parts.join(", ")
}
