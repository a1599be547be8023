//! The text of `triage credentials`.

use super::terminal::{Look, Screen};
use super::time;
use super::uses::{between, joined, labelled, paragraph, sessions};
use crate::credentials::{Credential, Revoked};

/// The credentials, each with the sessions that used it.
#[must_use]
pub fn list(credentials: &[Credential], width: usize, colour: bool) -> String {
    let mut screen = Screen::new(width, colour);
    for (index, credential) in credentials.iter().enumerate() {
        if index > 0 {
            screen.end_line();
        }
        let kind = &credential.kind;
        let token_type = kind.token_type.as_deref().unwrap_or("type not reported");
        let heading = match &kind.auth_mode {
            Some(mode) => format!("{token_type}, signed in as {mode}"),
            None => token_type.to_owned(),
        };
        paragraph(&mut screen, Look::Strong, &heading);
        let fingerprint = kind.fingerprint.as_deref().unwrap_or("not reported");
        labelled(&mut screen, "fingerprint", Look::Plain, fingerprint);
        labelled(&mut screen, "agents", Look::Plain, &joined(&credential.agents));
        labelled(&mut screen, "users", Look::Plain, &joined(&credential.users));
        labelled(&mut screen, "hosts", Look::Plain, &joined(&credential.hosts));
        let acted = between(credential.first_unix_nano, credential.last_unix_nano);
        labelled(&mut screen, "acted", Look::Plain, &acted);
        sessions(&mut screen, "sessions", &credential.sessions, Look::Plain);
    }
    screen.finish()
}

/// The sessions that went on with a credential that was revoked.
#[must_use]
pub fn revoked(revoked: &Revoked, width: usize, colour: bool) -> String {
    let mut screen = Screen::new(width, colour);
    let at = time::date_time_seconds(revoked.at_unix_nano);
    let heading = format!("{} revoked {at}", revoked.fingerprint);
    paragraph(&mut screen, Look::Strong, &heading);
    if revoked.went_on.is_empty() {
        labelled(&mut screen, "went on", Look::Plain, "no session with a record after that");
    } else {
        sessions(&mut screen, "went on", &revoked.went_on, Look::Bad);
    }
    screen.finish()
}
