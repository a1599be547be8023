//! What is kept of a redaction beside the request: counts by record, the rules, the key.

use std::sync::Arc;

use blotter_schemas::redacted::{Redacted, RedactedRule};

use crate::mark;
use crate::redactor::{Counts, Redactions, Redactor};

impl Redactor {
    /// Number of the version of the rules, which stands in rows; [`Redactor::version`] says more.
    #[must_use]
    pub fn rules_version(&self) -> u16 {
        let number = self.version().split('-').next();
        number.and_then(|number| number.parse().ok()).unwrap_or(u16::MAX)
    }

    /// What is to be kept of a request in which nothing was found.
    #[must_use]
    pub fn clean(&self) -> Redacted {
        Redacted { version: self.rules_version(), ..Redacted::default() }
    }

    /// What is to be kept of what was found in a record that stands alone.
    #[must_use]
    pub fn account_of_one(&self, counts: Counts) -> Redacted {
        self.account(&Redactions { total: counts.clone(), records: vec![counts] })
    }

    /// What is to be kept of what was done to a request.
    #[must_use]
    pub fn account(&self, redactions: &Redactions) -> Redacted {
        let mut redacted = self.clean();
        if redactions.is_empty() {
            return redacted;
        }
        let ids: Vec<&Arc<str>> = redactions.total.keys().collect();
        // A mark that somebody else wrote, a field that was dropped, a name that was changed, a string that
        // was cut and an id that was none have no fingerprint of ours.
        let without =
            [mark::FOREIGN_RULE, mark::DROPPED, mark::CLAIMED, mark::CUT, mark::INVALID_ID];
        if ids.iter().any(|id| !without.contains(&&***id)) {
            redacted.key_id = self.keys().current().to_owned();
        }
        for id in &ids {
            let token_type = self.token_type(id);
            redacted.rules.push(RedactedRule { id: id.to_string(), token_type });
        }
        for counts in &redactions.records {
            let count = |(id, count): (&Arc<str>, &u64)| {
                let index = ids.binary_search(&id).ok()?;
                Some((u32::try_from(index).ok()?, u32::try_from(*count).unwrap_or(u32::MAX)))
            };
            redacted.push(counts.iter().filter_map(count).collect());
        }
        redacted
    }
}
