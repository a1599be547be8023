//! Who sent what is shown.

use super::layout::Page;
use crate::reconstruct::Session;
use crate::render::terminal::Look;
use crate::render::time;

/// The tenant and the speakers of a session. That recorded files are the only source
/// is what whoever imported them knows.
pub(super) fn speakers(page: &mut Page, session: &Session) {
    if let Some(tenant) = &session.tenant {
        page.line("tenant", &[(Look::Plain, tenant.clone())]);
    }
    match session.speakers.as_slice() {
        [] => {}
        [only] if only.kind.is_of_files() => {}
        [only] => page.line("sent by", &[(Look::Plain, only.described())]),
        several => {
            for speaker in several {
                let rows = time::count(i64::try_from(speaker.rows).unwrap_or(i64::MAX));
                let plural = if speaker.rows == 1 { "" } else { "s" };
                let text = format!("{}: {rows} row{plural}", speaker.described());
                page.line(&format!("speaker {}", speaker.number), &[(Look::Plain, text)]);
            }
        }
    }
}

/// `  of tenant acme`; nothing where there is none.
pub(super) fn of_tenant(tenant: Option<&str>) -> String {
    tenant.map(|tenant| format!("  of tenant {tenant}")).unwrap_or_default()
}

/// `speaker 2`, `speakers 1, 2`.
pub(super) fn named(speakers: &[usize]) -> String {
    let plural = if speakers.len() == 1 { "" } else { "s" };
    let numbers: Vec<String> = speakers.iter().map(ToString::to_string).collect();
    format!("speaker{plural} {}", numbers.join(", "))
}
