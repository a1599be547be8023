//! Numbers that a sender counts its records with are missing.

use super::Rule;
use crate::ledger::{Ledger, Sequence};
use crate::reconstruct::findings::{Finding, Severity};
use crate::trail::Trail;

pub(super) const RULE: Rule = Rule {
    name: "sequence_hole",
    severity: Severity::Medium,
    finds: "Numbers are missing between the first and the last that came: of a session (Claude Code, \
            instrumented agents), or of a process (Codex).",
    false_positive: "What a process counts may be another session's that is not in the archive; a batch \
                     that is still to come.",
    find,
};

fn find(trail: &Trail<'_>, ledger: &Ledger) -> Vec<Finding> {
    if trail.open {
        return Vec::new();
    }
    // What was not looked for is not missing.
    let looked_for = |it: &&Sequence| !it.cut || !it.without_log.is_empty();
    let holes = ledger.sequences.iter().filter(|it| it.has_holes()).filter(looked_for);
    holes.map(|sequence| finding(trail, sequence)).collect()
}

fn finding(trail: &Trail<'_>, sequence: &Sequence) -> Finding {
    let Sequence { attribute, counts, scope, speaker, last, .. } = sequence;
    let holes = sequence.holes();
    let summary = format!(
        "of the {counts} that {attribute} counts in the {scope}, {holes} of {last} did not come"
    );
    let mut finding = RULE.finding(trail, summary, sequence.events.clone());
    if let Some(note) = sequence.note {
        finding.false_positive = note.to_owned();
    }
    if trail.session.speakers.len() > 1 {
        finding.speakers.push(*speaker);
    }
    finding
}
