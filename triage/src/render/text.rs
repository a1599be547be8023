//! A session as text for a terminal.

mod call;
mod diff;
mod findings;
mod header;
mod layout;
mod ledger;
mod note;
mod receipt;
mod replay;
mod speakers;

use super::time;
use crate::diff::Diff;
use crate::receipt::Receipt;
use crate::reconstruct::Session;
use crate::reconstruct::findings::Finding;
use crate::reconstruct::model::{Entry, Relation, Turn};
use crate::replay::Replay;
use layout::Page;

use super::terminal::Look;

/// How the text is laid out.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether colours are written.
    pub colour: bool,
    /// Whether long values are shown whole.
    pub full: bool,
}

/// The session and those nested in it.
#[must_use]
pub fn show(session: &Session, options: Options) -> String {
    let mut page = Page::new(options);
    one(&mut page, session);
    page.blank();
    page.remark(
        "Every statement is the sender's word; what was concluded from it is marked (inferred). \
         --format json names the rows behind each.",
    );
    page.finish()
}

/// One receipt.
#[must_use]
pub fn receipt(receipt: &Receipt, options: Options) -> String {
    let mut page = Page::new(options);
    receipt::receipt(&mut page, receipt);
    page.finish()
}

/// What was found in one session and those nested in it; `more` says that another stands above.
#[must_use]
pub fn findings(session: &Session, findings: &[&Finding], more: bool, options: Options) -> String {
    let mut page = Page::new(options);
    findings::listed(&mut page, session, findings);
    let text = page.finish();
    if more { format!("\n{text}") } else { text }
}

/// What permission profiles say of a session; `more` says that another stands above.
#[must_use]
pub fn replay(replay: &Replay, more: bool, options: Options) -> String {
    let mut page = Page::new(options);
    replay::replay(&mut page, replay);
    let text = page.finish();
    if more { format!("\n{text}") } else { text }
}

/// The rules that make findings.
#[must_use]
pub fn rules(width: usize) -> String {
    findings::rules(width)
}

/// A comparison of two runs.
#[must_use]
pub fn diff(diff: &Diff, options: Options) -> String {
    let mut page = Page::new(options);
    diff::diff(&mut page, diff);
    page.finish()
}

fn one(page: &mut Page, session: &Session) {
    header::header(page, session);
    if !session.outside.is_empty() {
        page.blank();
        page.heading(&[(Look::Strong, "Outside turns")]);
        entries(page, session, &session.outside);
    }
    for turn in &session.turns {
        page.blank();
        this_turn(page, session, turn);
        entries(page, session, &turn.entries);
    }
    for nested in &session.sessions {
        page.blank();
        page.indent(|page| one(page, nested));
    }
}

fn this_turn(page: &mut Page, session: &Session, turn: &Turn) {
    let mut heading = vec![(Look::Strong, format!("Turn {}", turn.number))];
    if let Some(span) = turn.span {
        let start = time::clock(span.start_unix_nano);
        let length = time::duration(span.end_unix_nano.saturating_sub(span.start_unix_nano));
        heading.push((Look::Dim, format!("  {start}, {length}")));
    }
    if let Some(id) = &turn.turn_id.value {
        heading.push((Look::Dim, format!("  {id}")));
    }
    let heading: Vec<(Look, &str)> =
        heading.iter().map(|(look, text)| (*look, text.as_str())).collect();
    page.heading(&heading);
    prompt(page, turn);
    if let Some(context) = &turn.context {
        header::context(page, session, context);
    }
    if let Some(tokens) = header::tokens(&turn.usage).filter(|_| session.turns.len() > 1) {
        page.line("tokens", &[(Look::Plain, tokens)]);
    }
}

fn prompt(page: &mut Page, turn: &Turn) {
    match (&turn.prompt.value, turn.prompted_unix_nano.is_known()) {
        (Some(prompt), _) => page.value("prompt", prompt, PROMPT_LINES),
        (None, true) => page.unknown("prompt", "given, but its words were not reported"),
        (None, false) => page.unknown("prompt", "no prompt was reported"),
    }
    page.marks(&turn.prompt);
}

/// Lines of a prompt that are shown.
const PROMPT_LINES: usize = 6;

fn entries(page: &mut Page, session: &Session, entries: &[Entry]) {
    let mut rest = entries;
    let mut after_call = true;
    while let Some(entry) = rest.first() {
        let taken = match entry {
            Entry::Call(call) => {
                page.blank();
                call::call(page, session, call);
                after_call = true;
                1
            }
            Entry::Note(_) => {
                if after_call {
                    page.blank();
                }
                after_call = false;
                note::alike(page, rest)
            }
        };
        rest = rest.get(taken.max(1)..).unwrap_or_default();
    }
}

/// What a nested session is called.
fn relation(relation: Relation) -> &'static str {
    match relation {
        Relation::SubAgent => "Sub-agent session",
        Relation::Reviewer => "Reviewer session",
        Relation::Fork => "Session forked from another",
    }
}
