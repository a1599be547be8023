//! What the trail of a session holds and lacks: first on the page.

use super::layout::Page;
use crate::ledger::{Imported, Ledger, Sequence, SettingState, Signal, SignalState, Untold};
use crate::reconstruct::model::Redaction;
use crate::render::terminal::Look;
use crate::render::time;

/// Most things that cannot be told that are named unless all are asked for.
const TOLD: usize = 5;

/// The ledger of a session. `nested` says that the session around has told most of it.
pub(super) fn ledger(page: &mut Page, ledger: &Ledger, nested: bool) {
    let (look, verdict) = if ledger.clean {
        (Look::Good, "clean".to_owned())
    } else {
        (Look::Bad, format!("not clean: {}", ledger.unclean.join(", ")))
    };
    page.line("trail", &[(look, verdict)]);
    page.line("arrived", &arrived(&ledger.signals));
    kept_back(page, ledger);
    for sequence in &ledger.sequences {
        numbers(page, sequence);
    }
    for clock in &ledger.clocks {
        page.line("clocks", &[(Look::Bad, clock.summary.clone())]);
    }
    if let Some(redaction) = &ledger.redaction {
        redacted(page, redaction);
    }
    if !nested || page.is_full() {
        cannot_tell(page, ledger);
    }
}

/// `logs 24, traces 80, metrics 61; rollout not seen`.
fn arrived(signals: &[Signal]) -> Vec<(Look, String)> {
    let count = |rows: usize| time::count(i64::try_from(rows).unwrap_or(i64::MAX));
    let mut pieces: Vec<(Look, String)> = Vec::new();
    for signal in signals {
        let comma = if pieces.is_empty() { "" } else { ", " };
        let (look, text) = match signal.state {
            SignalState::Arrived => {
                (Look::Plain, format!("{} {}", signal.signal, count(signal.rows)))
            }
            SignalState::Missing => (Look::Bad, format!("{} missing", signal.signal)),
            state => (Look::Dim, format!("{} {}", signal.signal, state.as_str())),
        };
        pieces.push((look, format!("{comma}{text}")));
    }
    pieces
}

/// The settings that keep something back; with `--full` all of them, and what tells.
fn kept_back(page: &mut Page, ledger: &Ledger) {
    if page.is_full() {
        for setting in &ledger.settings {
            let look = if setting.withholds { Look::Bad } else { Look::Plain };
            let state = format!("{} {}", setting.id, setting.state);
            let why = format!(": {}; {}", setting.why, setting.how);
            page.line("setting", &[(look, state), (Look::Dim, why)]);
        }
        return;
    }
    let withheld: Vec<String> = ledger
        .settings
        .iter()
        .filter(|setting| setting.withholds)
        .map(|setting| match setting.state {
            SettingState::Off => setting.id.to_owned(),
            state => format!("{} ({state})", setting.id),
        })
        .collect();
    if !withheld.is_empty() {
        page.line("kept back", &[(Look::Plain, withheld.join(", "))]);
    }
}

fn numbers(page: &mut Page, sequence: &Sequence) {
    let Sequence { counts, first, last, .. } = sequence;
    let all = format!("{counts} {first} to {last}");
    if sequence.cut && sequence.has_holes() {
        page.unknown("numbers", &format!("{all}: not found are {}", sequence.holes()));
    } else if sequence.has_holes() {
        let text = format!("{all}: {} missing", sequence.holes());
        page.line("numbers", &[(Look::Bad, text)]);
    } else {
        page.line("numbers", &[(Look::Plain, format!("{all}, none missing"))]);
    }
    if let Some(note) = sequence.note.filter(|_| sequence.has_holes()) {
        page.unknown("", &format!("({note})"));
    }
}

/// `by the collector: 3 values (github-pat 2, jwt 1)`.
fn redacted(page: &mut Page, redaction: &Redaction) {
    let number = |count: u64| time::count(i64::try_from(count).unwrap_or(i64::MAX));
    if redaction.values > 0 {
        let rules: Vec<String> = redaction
            .rules
            .iter()
            .map(|(rule, count)| format!("{rule} {}", number(*count)))
            .collect();
        let plural = if redaction.values == 1 { "" } else { "s" };
        let (values, rules) = (number(redaction.values), rules.join(", "));
        let text = format!("by the collector: {values} value{plural} ({rules})");
        page.line("redacted", &[(Look::Plain, text)]);
    }
    if redaction.rows_not_searched > 0 {
        let rows = number(u64::try_from(redaction.rows_not_searched).unwrap_or(u64::MAX));
        page.unknown("redacted", &format!("{rows} rows were stored without a search for secrets"));
    }
}

/// What this trail cannot tell, what its agent never tells, and what it is known to lose.
fn cannot_tell(page: &mut Page, ledger: &Ledger) {
    let imported = ledger.imported.iter().map(|imported| &imported.note);
    let limits = ledger.never.iter().chain(&ledger.drops).chain(imported);
    if page.is_full() {
        page.blank();
        page.heading(&[(Look::Strong, "What this trail cannot tell you")]);
        for Untold { what, why } in &ledger.cannot_tell {
            let why = format!(": {why}.");
            page.line("-", &[(Look::Plain, capitalised(what)), (Look::Dim, why)]);
        }
        for line in limits {
            page.line("-", &[(Look::Plain, (*line).to_owned())]);
        }
        if let Some(imported) = &ledger.imported {
            left_out(page, imported);
        }
        return;
    }
    let mut told: Vec<&str> = ledger.cannot_tell.iter().map(|one| one.what.as_str()).collect();
    let more = told.len().saturating_sub(TOLD);
    told.truncate(TOLD);
    let more = more + limits.count();
    let things = if more == 1 { "thing" } else { "things" };
    let mut pieces: Vec<(Look, String)> = Vec::new();
    if !told.is_empty() {
        pieces.push((Look::Plain, told.join("; ")));
    }
    if more > 0 {
        let and = if told.is_empty() { "" } else { "; and " };
        pieces.push((Look::Dim, format!("{and}{more} {things} that --full lists")));
    }
    if !pieces.is_empty() {
        page.line("cannot tell", &pieces);
    }
}

/// The files and lines that imports left out.
fn left_out(page: &mut Page, imported: &Imported) {
    let Some(count) = imported.count.filter(|count| *count > 0) else { return };
    page.blank();
    let heading = format!("Left out on import ({count})");
    page.heading(&[(Look::Strong, &heading)]);
    for entry in &imported.left_out {
        page.line("-", &[(Look::Plain, entry.clone())]);
    }
    let more = count.saturating_sub(imported.left_out.len());
    if more > 0 {
        page.line("-", &[(Look::Dim, format!("and {more} more"))]);
    }
}

/// The words with a capital at their begin.
fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), characters.as_str())
}
