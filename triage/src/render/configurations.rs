//! The text of `triage configurations`.

use super::terminal::{Look, Screen};
use super::uses::{between, joined, labelled, paragraph, sessions};
use crate::configurations::{ALGORITHM, Configurations};

/// What sessions ran under, by kind and name.
#[must_use]
pub fn list(found: &Configurations, width: usize, colour: bool) -> String {
    let mut screen = Screen::new(width, colour);
    let mut before = None;
    for it in &found.configurations {
        let name = (&it.kind, &it.name);
        if before != Some(name) {
            if before.is_some() {
                screen.end_line();
            }
            before = Some(name);
            let versions = if it.versions == 1 {
                "one version".to_owned()
            } else {
                format!("{} versions", it.versions)
            };
            paragraph(&mut screen, Look::Strong, &format!("{} {}: {versions}", it.kind, it.name));
        }
        // Without its name the whole digest has room in 80 columns.
        let (label, digits) = match it.digest.strip_prefix(ALGORITHM) {
            Some(digits) => ("sha256", digits),
            None => ("digest", it.digest.as_str()),
        };
        labelled(&mut screen, label, Look::Plain, digits);
        labelled(&mut screen, "hosts", Look::Plain, &joined(&it.hosts));
        labelled(&mut screen, "users", Look::Plain, &joined(&it.users));
        let held = between(it.first_unix_nano, it.last_unix_nano);
        labelled(&mut screen, "held", Look::Plain, &held);
        sessions(&mut screen, "sessions", &it.sessions, Look::Plain);
    }
    screen.finish()
}
