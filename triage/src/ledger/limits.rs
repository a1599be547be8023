//! What the trail cannot tell.

use super::{Imported, Ledger, Sequence, SettingState, SignalState, Untold};
use crate::trail::Trail;

/// Most files and lines that imports left out that are listed.
const LEFT_OUT_LISTED: usize = 50;

/// What is not known because rows of the session were imported.
pub(super) fn imported(trail: &Trail<'_>) -> Option<Imported> {
    let speakers = &trail.session.speakers;
    if !speakers.iter().any(|speaker| speaker.kind.is_of_files()) {
        return None;
    }
    let left_out = trail.family.beside.left_out.clone();
    let note = match left_out.as_deref() {
        None => "Rows were imported; what imports left out was not looked for.",
        Some([]) => {
            "Rows were imported; no import into this archive is recorded to have left anything out."
        }
        Some(_) => {
            "Rows were imported, and imports into this archive left files or lines out that may hold more."
        }
    };
    let count = left_out.as_ref().map(Vec::len);
    let mut left_out = left_out.unwrap_or_default();
    left_out.truncate(LEFT_OUT_LISTED);
    Some(Imported { note, count, left_out })
}

/// What follows from what the ledger found. What the agent never tells is not among it.
pub(super) fn cannot_tell(trail: &Trail<'_>, ledger: &Ledger) -> Vec<Untold> {
    let mut untold = Vec::new();
    let mut add = |what: String, why: String| untold.push(Untold { what, why });
    for signal in &ledger.signals {
        if matches!(signal.state, SignalState::Missing | SignalState::Pending) {
            add(format!("what stands in {} alone", signal.signal), signal.why.clone());
        }
    }
    for setting in ledger.settings.iter().filter(|setting| setting.withholds) {
        let how = match setting.state {
            SettingState::Capped => "is cut",
            SettingState::Changed => "was changed in the course of the session",
            SettingState::NotSeen => "is off, or the records were lost",
            _ => "is off",
        };
        // What stands behind a semicolon says how it looks without.
        let what = setting.reveals.split(';').next().unwrap_or(setting.reveals);
        add(what.to_owned(), format!("{} {how} ({})", setting.how, setting.why));
    }
    for sequence in ledger.sequences.iter().filter(|sequence| sequence.has_holes()) {
        let Sequence { counts, last, attribute, .. } = sequence;
        let why = format!("{attribute} counts to {last}, and {} did not come", sequence.holes());
        add(format!("what the missing {counts} said"), why);
    }
    if !ledger.clocks.is_empty() {
        let clocks: Vec<&str> = ledger.clocks.iter().map(|clock| clock.summary.as_str()).collect();
        add("in which order things happened, where times do not fit".to_owned(), clocks.join("; "));
    }
    if trail.open {
        let why = "the session is open, and its last record came less than a minute ago";
        add("how it ends".to_owned(), why.to_owned());
    }
    if let Some(redaction) = ledger.redaction.as_ref().filter(|redaction| redaction.values > 0) {
        let why =
            format!("{} were taken out; equal marks stand for equal values", redaction.values);
        add("values that rules take for secrets".to_owned(), why);
    }
    if trail.coverage.is_none() {
        let why = "no table says what such an agent reports";
        add("what its agent leaves out".to_owned(), why.to_owned());
    }
    untold
}
