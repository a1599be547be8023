//! Secrets made from the formats that their issuers publish, and the captures they are hidden in.
//! Nothing here looks at the rules.

#![allow(dead_code, unused_imports, reason = "each test uses a part")]

mod captures;
mod false_positives;
mod kinds;
mod random;

pub use captures::{bodies, json, protobuf};
pub use false_positives::{false_positives, generated};
pub use kinds::{KINDS, Kind, Sample};
pub use random::*;

/// Whether a text shows the secret or so much of it that the rest can be guessed: `part` bytes on end.
pub fn shows(text: &str, secret: &str, part: usize) -> bool {
    shows_beside(text, secret, part, &[])
}

/// The same of a secret that stands among other texts, which may hold a piece of it by chance or because
/// secrets of its kind begin alike.
pub fn shows_beside(text: &str, secret: &str, part: usize, others: &[&str]) -> bool {
    let part = secret.len().min(part);
    secret.as_bytes().windows(part).any(|part| {
        let stands_in = |text: &str| memchr::memmem::find(text.as_bytes(), part).is_some();
        // The public beginnings and ends of a format are no secret.
        let public = || {
            let part = String::from_utf8_lossy(part);
            ["-----", "PRIVATE", " KEY", "hooks.slack", "services/", "discord", "webhooks"]
                .iter()
                .any(|public| part.contains(public))
        };
        stands_in(text) && !others.iter().any(|other| stands_in(other)) && !public()
    })
}

/// A redactor with the built-in rules and a key of its own.
pub fn redactor() -> blotter_redaction::Redactor {
    let keys = blotter_redaction::Keys::ephemeral().unwrap();
    blotter_redaction::Redactor::new(&blotter_redaction::Configuration::default(), keys).unwrap()
}
