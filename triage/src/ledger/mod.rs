//! The coverage ledger: what the trail of a session holds, what it lacks, and what therefore cannot be
//! told.
//!
//! Start reading at `ledger` below. That something did not arrive is never taken for a setting, a loss or an
//! action: the ledger says what is there, what is not, and what that could come from.

mod clocks;
mod limits;
mod model;
mod sequences;
mod settings;
mod signals;

pub use model::{
    Clock, ClockProblem, Imported, Ledger, Range, Sequence, Setting, SettingState, Signal,
    SignalState, Untold,
};

use crate::trail::Trail;

/// The ledger of a session.
pub(crate) fn ledger(trail: &Trail<'_>) -> Ledger {
    let mut ledger = Ledger {
        clean: true,
        unclean: Vec::new(),
        signals: signals::signals(trail),
        settings: settings::settings(trail),
        sequences: sequences::sequences(trail),
        clocks: clocks::clocks(trail),
        redaction: trail.session.redaction.clone(),
        imported: limits::imported(trail),
        drops: trail.coverage.map(|coverage| coverage.drops.to_vec()).unwrap_or_default(),
        cannot_tell: Vec::new(),
        never: trail.coverage.map(|coverage| coverage.never.to_vec()).unwrap_or_default(),
    };
    ledger.unclean = unclean(&ledger);
    ledger.clean = ledger.unclean.is_empty();
    ledger.cannot_tell = limits::cannot_tell(trail, &ledger);
    ledger
}

/// What makes a ledger not clean, a phrase each: a signal that is always sent and did not arrive, a setting
/// that keeps something back, a hole in a sequence, a problem of clocks.
fn unclean(ledger: &Ledger) -> Vec<String> {
    let missing = ledger.signals.iter().filter(|signal| signal.state == SignalState::Missing);
    let mut unclean: Vec<String> =
        missing.map(|signal| format!("{} did not arrive", signal.signal)).collect();
    let counted = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    };
    let holes = ledger.sequences.iter().filter(|sequence| sequence.has_holes()).count();
    let settings = ledger.settings.iter().filter(|setting| setting.withholds).count();
    unclean.extend(counted(holes, "sequence has holes", "sequences have holes"));
    unclean.extend(counted(ledger.clocks.len(), "problem of clocks", "problems of clocks"));
    unclean.extend(counted(settings, "setting keeps things back", "settings keep things back"));
    unclean
}
