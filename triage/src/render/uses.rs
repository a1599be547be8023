//! Where and when something was used: a credential, a configuration.

use std::collections::BTreeSet;

use super::terminal::{Look, Screen, escape, wrap};
use super::time;
use crate::credentials::Use;

/// Sessions that are listed.
const SESSIONS: usize = 10;

/// Names in one line.
pub(super) fn joined(names: &BTreeSet<String>) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if names.is_empty() { "not reported".to_owned() } else { names.join(", ") }
}

/// The sessions in which something was used, those that are listed.
pub(super) fn sessions(screen: &mut Screen, label: &str, sessions: &[Use], look: Look) {
    for (index, used) in sessions.iter().take(SESSIONS).enumerate() {
        let when = between(used.first_unix_nano, used.last_unix_nano);
        let label = if index == 0 { label } else { "" };
        let of = |tenant: &String| format!("  of tenant {tenant}");
        let tenant = used.tenant.as_ref().map(of).unwrap_or_default();
        labelled(screen, label, look, &format!("{}{tenant}  {when}", used.session_id));
    }
    let more = sessions.len().saturating_sub(SESSIONS);
    if more > 0 {
        labelled(screen, "", Look::Dim, &format!("and {more} more; --format json lists them"));
    }
}

/// From when until when.
pub(super) fn between(first: Option<i64>, last: Option<i64>) -> String {
    match (first, last) {
        (Some(first), Some(last)) => {
            format!("{} to {}", time::date_time_seconds(first), time::date_time_seconds(last))
        }
        _ => "at a time that is not told".to_owned(),
    }
}

/// A line with a label before it.
pub(super) fn labelled(screen: &mut Screen, label: &str, look: Look, text: &str) {
    screen.put(Look::Dim, &format!("  {label}"));
    screen.pad(15);
    paragraph(screen, look, text);
}

/// Writes a text from the current column on, its further lines below its first.
pub(super) fn paragraph(screen: &mut Screen, look: Look, text: &str) {
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
