//! Who vouches for a row, where its request lies, and what redaction did to it.

use crate::names::blotter::TokenType;
use crate::redacted::{Records, Redacted};
use crate::tables::Event;

/// Who vouches for a request and where it lies.
#[derive(Debug, Clone, Default)]
pub struct Custody {
    /// When it was received, nanoseconds since the epoch.
    pub received_time_unix_nano: i64,
    /// Collector that accepted it; none for an import.
    pub collector_id: Option<String>,
    /// Journal position of the request's first record; the rest follow one by one.
    pub journal_position: Option<i64>,
    /// Who sent it, as far as event ids tell senders apart; none for the collector's own user.
    pub sender: Option<String>,
    /// The far end of the connection, as [`crate::peer::Peer`] writes it.
    pub peer: Option<String>,
    /// Tenant it belongs to.
    pub tenant: Option<String>,
    /// What redaction did to its records.
    pub redacted: Redacted,
}

/// What the custody columns say of one record alone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    /// Position in the journal.
    pub(crate) position: Option<i64>,
    /// What was redacted: a JSON object of rule id to count.
    pub(crate) redactions: Option<String>,
    /// Type of the one credential that was redacted.
    token_type: Option<TokenType>,
}

impl Standing {
    /// Of a request that could not be told apart into records.
    pub(super) fn whole(custody: &Custody) -> Self {
        Self { position: custody.journal_position, ..Self::default() }
    }

    /// A sender that does not say what it signed in with may still have shown it.
    pub(crate) fn fill_token_type(&self, event: &mut Event) {
        if let (None, Some(found)) = (&event.token_type, self.token_type) {
            event.token_type = Some(found.as_str().to_owned());
        }
    }
}

/// Goes through the records of a request.
#[derive(Debug)]
pub(crate) struct Standings<'a> {
    position: Option<i64>,
    records: Records<'a>,
}

impl<'a> Standings<'a> {
    pub(crate) fn new(custody: &'a Custody) -> Self {
        Self { position: custody.journal_position, records: Records::new(&custody.redacted) }
    }

    /// Of the next record.
    pub(crate) fn take_next(&mut self) -> Standing {
        let position = self.position;
        self.position = position.map(|position| position.saturating_add(1));
        let found = self.records.take_next();
        Standing { position, redactions: found.redactions, token_type: found.token_type }
    }
}

/// Writes the custody columns, which all rows have under the same names.
macro_rules! stamp_custody {
    ($row:expr, $custody:expr, $standing:expr) => {{
        $row.received_time = Some($custody.received_time_unix_nano.div_euclid(1000));
        $row.collector_id.clone_from(&$custody.collector_id);
        $row.journal_position = $standing.position;
        $row.redaction_version = Some(i64::from($custody.redacted.version)).filter(|it| *it != 0);
        if $standing.redactions.is_some() {
            $row.redactions.clone_from(&$standing.redactions);
            $row.key_id = Some($custody.redacted.key_id.clone()).filter(|it| !it.is_empty());
        }
        $row.sender.clone_from(&$custody.sender);
        $row.peer.clone_from(&$custody.peer);
        $row.tenant.clone_from(&$custody.tenant);
    }};
}
pub(crate) use stamp_custody;
