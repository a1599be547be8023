//! Any agent that has no reading of its own: only words that everybody uses are understood.

use super::Reading;
use crate::receipt::tokens::{DecidedBy, Decision};

/// The reading.
pub(crate) struct Plain;

impl Reading for Plain {
    fn decision(&self, word: &str) -> Option<Decision> {
        match word.to_ascii_lowercase().as_str() {
            "allow" | "allowed" | "approve" | "approved" | "accept" | "accepted" => {
                Some(Decision::Allow)
            }
            "deny" | "denied" | "reject" | "rejected" | "refuse" | "refused" => {
                Some(Decision::Deny)
            }
            "cancel" | "cancelled" | "canceled" | "abort" | "aborted" => Some(Decision::Cancel),
            _ => None,
        }
    }

    fn decided_by(&self, word: &str) -> Option<DecidedBy> {
        match word.to_ascii_lowercase().as_str() {
            "user" => Some(DecidedBy::User),
            "config" => Some(DecidedBy::Config),
            "hook" => Some(DecidedBy::Hook),
            _ => None,
        }
    }
}
