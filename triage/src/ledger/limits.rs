//! What the trail cannot tell, in sentences.

use super::{Ledger, SettingState, SignalState};
use crate::reconstruct::speakers::SpeakerKind;
use crate::trail::Trail;

/// What is not recorded of an import.
const IMPORTED: &str = "Rows were imported. Which files that import left out, and why, is not kept in the \
                        archive: `triage import` says it when it runs.";

/// What is not known because rows of the session were imported.
pub(super) fn imported(trail: &Trail<'_>) -> Option<&'static str> {
    let speakers = &trail.session.speakers;
    speakers.iter().any(|speaker| speaker.kind == SpeakerKind::Import).then_some(IMPORTED)
}

/// The sentences that follow from what the ledger found. What the agent never tells is not among them.
pub(super) fn cannot_tell(trail: &Trail<'_>, ledger: &Ledger) -> Vec<String> {
    let mut told = Vec::new();
    for signal in &ledger.signals {
        match signal.state {
            SignalState::Missing => {
                told.push(format!("Whatever stands in {} alone: {}.", signal.signal, signal.why));
            }
            SignalState::Pending => {
                told.push(format!("What {} will tell: {}.", signal.signal, signal.why));
            }
            _ => {}
        }
    }
    for setting in ledger.settings.iter().filter(|setting| setting.withholds) {
        let what = capitalised(setting.reveals);
        let how = match setting.state {
            SettingState::Capped => "is cut",
            SettingState::Changed => "was changed in the course of the session",
            SettingState::NotSeen => "is off, or the records were lost",
            _ => "is off",
        };
        told.push(format!("{what}: {} {how} ({}).", setting.how, setting.why));
    }
    for sequence in ledger.sequences.iter().filter(|sequence| sequence.has_holes()) {
        let (counts, holes) = (sequence.counts, sequence.holes());
        told.push(format!("What {counts} said that did not come: {holes} of {}.", sequence.last));
    }
    if !ledger.clocks.is_empty() {
        told.push("In which order things happened, where times do not fit.".to_owned());
    }
    if trail.open {
        told.push("How it ends: the session is open.".to_owned());
    }
    if ledger.redaction.as_ref().is_some_and(|redaction| redaction.values > 0) {
        told.push(
            "The values that were taken out; their marks tell which are the same.".to_owned(),
        );
    }
    if trail.coverage.is_none() {
        told.push(
            "What its agent leaves out: no table says what such an agent reports.".to_owned(),
        );
    }
    told
}

/// The sentence with a capital at its begin, up to the first semicolon.
fn capitalised(text: &str) -> String {
    let text = text.split(';').next().unwrap_or(text);
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), characters.as_str())
}
