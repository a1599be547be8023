//! The text of `triage credentials`.

use super::terminal::{Look, Screen, escape, wrap};
use super::time;
use crate::credentials::{Credential, Revoked, Use};

/// Sessions of a credential that are listed.
const SESSIONS: usize = 10;

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
        let joined = |names: &std::collections::BTreeSet<String>| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            if names.is_empty() { "not reported".to_owned() } else { names.join(", ") }
        };
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

fn sessions(screen: &mut Screen, label: &str, sessions: &[Use], look: Look) {
    for (index, used) in sessions.iter().take(SESSIONS).enumerate() {
        let when = between(used.first_unix_nano, used.last_unix_nano);
        let label = if index == 0 { label } else { "" };
        labelled(screen, label, look, &format!("{}  {when}", used.session_id));
    }
    let more = sessions.len().saturating_sub(SESSIONS);
    if more > 0 {
        labelled(screen, "", Look::Dim, &format!("and {more} more; --format json lists them"));
    }
}

fn between(first: Option<i64>, last: Option<i64>) -> String {
    match (first, last) {
        (Some(first), Some(last)) => {
            format!("{} to {}", time::date_time_seconds(first), time::date_time_seconds(last))
        }
        _ => "at a time that is not told".to_owned(),
    }
}

fn labelled(screen: &mut Screen, label: &str, look: Look, text: &str) {
    screen.put(Look::Dim, &format!("  {label}"));
    screen.pad(15);
    paragraph(screen, look, text);
}

/// Writes a text from the current column on, its further lines below its first.
fn paragraph(screen: &mut Screen, look: Look, text: &str) {
    let column = screen.column();
    let room = screen.left().max(16);
    for (index, line) in wrap(&escape(text), room).iter().enumerate() {
        if index > 0 {
            screen.pad(column);
        }
        screen.put(look, line);
        screen.end_line();
    }
}
