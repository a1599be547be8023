//! Holes in the numbers that a sender counts its records with.

use super::{Range, Sequence};
use crate::reconstruct::speakers::SpeakerKind;
use crate::trail::{
    Counter, EVENTS_LIMIT, Numbers, Scope, Trail, of_lines, of_processes, of_session,
};

/// That the process behind numbers is not known.
const PROCESS_UNTOLD: &str = "the process counts for all its sessions, and which process it was is not \
                              told: what is missing may be another session's that is not in the archive";
/// That the process is known, and every other session of it in the archive was looked at.
const PROCESS_TOLD: &str = "the process counts for all its sessions: what is missing may be another \
                            session's that is not in the archive";

/// That there was too much to look at.
const PROCESS_CUT: &str = "the process counts for all its sessions, and their records were too many to look at all: \
                           what is missing may be among those";

/// The sequences of a session. What a process counts for all its sessions is judged once, at the session
/// that was asked for, over the sessions nested in it and what else the process sent.
pub(super) fn sequences(trail: &Trail<'_>) -> Vec<Sequence> {
    let mut sequences = sent(trail);
    sequences.extend(lines(trail));
    sequences
}

/// The key of the number that every line of a session file carries.
const ORDINAL: &str = "ordinal";

/// The lines of the session file, which are numbered; those of older files are not. A file is known by its
/// first line, so none lacks before it.
fn lines(trail: &Trail<'_>) -> Option<Sequence> {
    let numbers = of_lines(&trail.rows);
    let (first, last) = numbers.ends()?;
    let speakers = &trail.session.speakers;
    let filed = speakers.iter().find(|speaker| speaker.kind == SpeakerKind::Rollout)?;
    let missing = numbers.missing(first);
    let around = missing.iter().flat_map(|range| numbers.around(*range));
    let events = around.take(EVENTS_LIMIT).collect();
    Some(Sequence {
        attribute: ORDINAL,
        counts: "lines of the session file",
        scope: "session",
        speaker: filed.number,
        seen: numbers.count(),
        first,
        last,
        missing: missing.into_iter().map(|(from, to)| Range { from, to }).collect(),
        without_log: Vec::new(),
        cut: false,
        note: Some(LINES),
        events,
    })
}

/// What a missing line can come from.
const LINES: &str = "a line that could not be read is left out by the import, which says so; else the file was \
                     changed";

/// What the agent's telemetry is numbered by.
fn sent(trail: &Trail<'_>) -> Vec<Sequence> {
    let dialect = trail.session.agent.value.as_deref().unwrap_or_default().replace('-', "_");
    let Some(counter) = Counter::of(&dialect) else { return Vec::new() };
    let numbers = match counter.scope {
        Scope::Session => of_session(&trail.rows, |row| trail.speaker(row)),
        Scope::Process if trail.depth == 0 => of_processes(trail.family, counter.dialect),
        Scope::Process => return Vec::new(),
    };
    numbers
        .into_iter()
        .filter_map(|(speaker, numbers)| sequence(trail, counter, speaker, &numbers))
        .collect()
}

fn sequence(
    trail: &Trail<'_>,
    counter: &Counter,
    speaker: usize,
    numbers: &Numbers,
) -> Option<Sequence> {
    let (_, last) = numbers.ends()?;
    let missing = numbers.missing(counter.first);
    // Without any log record the signal is missing, not single numbers of it.
    let logged = trail.session.signals.logs > 0;
    let without_log = if logged { numbers.without_log() } else { Vec::new() };
    let mut events: Vec<_> =
        missing.iter().flat_map(|range| numbers.around(*range)).take(EVENTS_LIMIT).collect();
    events.extend(numbers.rows(&without_log));
    events.truncate(EVENTS_LIMIT);
    let told = trail
        .session
        .speakers
        .iter()
        .any(|one| one.number == speaker && one.kind == SpeakerKind::Process);
    let cut = counter.scope == Scope::Process && trail.family.beside.elsewhere_cut;
    let note = match counter.scope {
        Scope::Session => None,
        Scope::Process if cut => Some(PROCESS_CUT),
        Scope::Process if told => Some(PROCESS_TOLD),
        Scope::Process => Some(PROCESS_UNTOLD),
    };
    Some(Sequence {
        attribute: counter.attribute,
        counts: counter.counts,
        scope: match counter.scope {
            Scope::Session => "session",
            Scope::Process => "process",
        },
        speaker,
        seen: numbers.count(),
        first: counter.first,
        last,
        missing: missing.into_iter().map(|(from, to)| Range { from, to }).collect(),
        without_log,
        cut,
        note,
        events,
    })
}
