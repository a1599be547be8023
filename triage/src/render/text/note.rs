//! What happened besides calls.

use blotter_schemas::names::blotter::EventKind;

use super::call::{proxy, words};
use super::layout::{Page, said};
use crate::fact::JoinKind;
use crate::reconstruct::model::{Entry, Note};
use crate::render::terminal::Look;
use crate::render::time;

/// Lines of a response or a message that are shown.
const TEXT_LINES: usize = 4;

/// Longest text that goes on the line of its note, in bytes.
const SHORT: usize = 60;

/// Shows the first of `entries`, which is a note, together with those after it that say the same of
/// something else. Returns how many.
pub(super) fn alike(page: &mut Page, entries: &[Entry]) -> usize {
    let notes = entries.iter().map_while(|entry| match entry {
        Entry::Note(note) => Some(note.as_ref()),
        Entry::Call(_) => None,
    });
    let mut notes = notes.peekable();
    let Some(first) = notes.next() else { return 1 };
    let mut details: Vec<&str> = first.detail.value.as_deref().into_iter().collect();
    let mut count = 1;
    while let Some(next) = notes.next_if(|next| is_plain(first) && is_alike(first, next)) {
        details.extend(next.detail.value.as_deref());
        count += 1;
    }
    if count == 1 {
        note(page, first);
    } else {
        let mut pieces = vec![(Look::Dim, time::clock(first.time_unix_nano))];
        let name = first.name.value.as_deref().unwrap_or("(no name)");
        details.dedup();
        pieces.push((Look::Plain, format!("{count} x {name}: {}", details.join(", "))));
        pieces.extend(said(&first.speakers));
        page.line(label(first), &pieces);
    }
    count
}

/// Whether a note says nothing but its name and detail.
fn is_plain(note: &Note) -> bool {
    let texts = [&note.text, &note.decision, &note.source, &note.reason, &note.mcp_server];
    let errors = [&note.error_type, &note.error_message, &note.receiver];
    note.proxy.is_none()
        && !note.success.is_known()
        && !texts.into_iter().chain(errors).any(|fact| fact.is_known())
}

fn is_alike(first: &Note, next: &Note) -> bool {
    is_plain(next)
        && first.kind == next.kind
        && first.name.value == next.name.value
        && first.speakers == next.speakers
}

fn label(note: &Note) -> &str {
    match EventKind::from_value(&note.kind) {
        Some(EventKind::ApiError) => "model error",
        Some(EventKind::McpConnection) => "mcp server",
        Some(EventKind::AgentMessage) => "message",
        Some(EventKind::ApprovalRequest) => "approval",
        Some(EventKind::ProxyDecision) => "proxy",
        Some(EventKind::ModeChange) => "mode",
        Some(EventKind::SessionEnd) => "end",
        _ => &note.kind,
    }
}

/// A note that belongs to a call, as one of its lines.
pub(super) fn of_call(page: &mut Page, note: &Note) {
    let review = note.kind == EventKind::Review.as_str();
    if review && is_plain(note) && !note.risk.is_known() {
        // A span that only says that the reviewer ran.
        return;
    }
    lines(page, note, Vec::new());
}

fn note(page: &mut Page, note: &Note) {
    lines(page, note, vec![(Look::Dim, time::clock(note.time_unix_nano))]);
}

fn lines(page: &mut Page, note: &Note, mut pieces: Vec<(Look, String)>) {
    if let Some(decision) = &note.proxy {
        proxy(page, label(note), decision);
        return;
    }
    let kind = EventKind::from_value(&note.kind);
    if let Some(text) = note.text.value.as_deref().filter(|_| kind == Some(EventKind::Response)) {
        page.value(label(note), text, TEXT_LINES);
        page.marks(&note.text);
        return;
    }
    if kind == Some(EventKind::Review) {
        let mut decision = words(&note.decision, &note.source);
        decision.truncate(if note.source.is_known() { decision.len() } else { 1 });
        pieces.extend(decision);
        let verdict = note.detail.value.as_deref().unwrap_or("not reported");
        pieces.push((Look::Plain, format!(", verdict {verdict}")));
    } else {
        pieces.extend(note.name.value.iter().map(|name| (Look::Plain, name.clone())));
        pieces.extend(note.detail.value.iter().map(|detail| (Look::Plain, detail.clone())));
    }
    if kind == Some(EventKind::Review) {
        // Said already.
    } else if note.decision.is_known() {
        pieces.extend(words(&note.decision, &note.source));
    } else if let Some(source) = &note.source.value {
        pieces.push((Look::Plain, format!("by {source}")));
    }
    if let Some(server) = &note.mcp_server.value {
        pieces.push((Look::Plain, format!("server {server}")));
    }
    match note.success.value {
        Some(true) => pieces.push((Look::Good, "success".into())),
        Some(false) => pieces.push((Look::Bad, "failure".into())),
        None => {}
    }
    pieces.extend(note.risk.value.iter().map(|risk| (Look::Plain, format!(", risk {risk}"))));
    if let Some(status) = note.http_status.value {
        pieces.push((Look::Plain, format!("HTTP {status}")));
    }
    for error in [&note.error_type, &note.error_message] {
        pieces.extend(error.value.iter().map(|error| (Look::Bad, error.clone())));
    }
    pieces.extend(note.error_class.value.iter().map(|class| (Look::Plain, format!("({class})"))));
    if let Some(receiver) = &note.receiver.value {
        pieces.push((Look::Plain, format!("to session {receiver}")));
    }
    if let Some(join) = note.call.as_ref().filter(|join| join.kind == JoinKind::Inferred) {
        pieces.push((Look::Dim, format!("(inferred: {})", join.by)));
    }
    // A decision has its own mark already.
    if !note.decision.is_known() {
        pieces.extend(said(&note.speakers));
    }
    let texts = [&note.reason, &note.text].into_iter().filter_map(|text| text.value.as_deref());
    let (short, long): (Vec<&str>, Vec<&str>) =
        texts.partition(|text| text.len() <= SHORT && !text.contains('\n'));
    pieces.extend(short.into_iter().map(|text| (Look::Plain, format!(": {text}"))));
    page.line(label(note), &pieces);
    for text in long {
        page.value("", text, TEXT_LINES);
    }
}
