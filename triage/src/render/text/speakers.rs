//! Who sent what is shown.

use super::layout::Page;
use crate::reconstruct::Session;
use crate::reconstruct::findings::Finding;
use crate::reconstruct::speakers::{Speaker, SpeakerKind};
use crate::render::terminal::Look;
use crate::render::time;

/// The speakers of a session, and what is found about them. That recorded files are the only source
/// is what whoever imported them knows.
pub(super) fn speakers(page: &mut Page, session: &Session) {
    match session.speakers.as_slice() {
        [] => {}
        [only] if only.kind == SpeakerKind::Import => {}
        [only] => page.line("sent by", &[(Look::Plain, described(only))]),
        several => {
            for speaker in several {
                let rows = time::count(i64::try_from(speaker.rows).unwrap_or(i64::MAX));
                let plural = if speaker.rows == 1 { "" } else { "s" };
                let text = format!("{}: {rows} row{plural}", described(speaker));
                page.line(&format!("speaker {}", speaker.number), &[(Look::Plain, text)]);
            }
        }
    }
    for finding in &session.findings {
        let Finding { summary, false_positive, .. } = finding;
        page.line("FINDING", &[(Look::Bad, summary.clone())]);
        page.unknown("", &format!("(also found without harm: {false_positive})"));
    }
}

/// `process 4242 codex of user 1000, on 127.0.0.1`.
fn described(speaker: &Speaker) -> String {
    let mut text = match (speaker.kind, speaker.pid) {
        (SpeakerKind::Import, _) => return "imported files".to_owned(),
        (SpeakerKind::Process, Some(pid)) => format!("process {pid}"),
        _ => "a process that was not told".to_owned(),
    };
    if let Some(comm) = &speaker.comm {
        text = format!("{text} {comm}");
    }
    text = match speaker.uid {
        Some(uid) => format!("{text} of user {uid}"),
        None => format!("{text} of a user that was not told"),
    };
    match speaker.address {
        Some(address) => format!("{text}, at {address}"),
        None if speaker.kind == SpeakerKind::Address => text,
        None => format!("{text}, over a Unix socket"),
    }
}

/// `speaker 2`, `speakers 1, 2`.
pub(super) fn named(speakers: &[usize]) -> String {
    let plural = if speakers.len() == 1 { "" } else { "s" };
    let numbers: Vec<String> = speakers.iter().map(ToString::to_string).collect();
    format!("speaker{plural} {}", numbers.join(", "))
}
