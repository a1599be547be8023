//! Who vouches for a row, and where its request lies.

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
}

/// Writes the custody columns, which all rows have under the same names.
macro_rules! stamp_custody {
    ($row:expr, $custody:expr, $position:expr) => {{
        $row.received_time = Some($custody.received_time_unix_nano.div_euclid(1000));
        $row.collector_id.clone_from(&$custody.collector_id);
        $row.journal_position = $position;
        $row.sender.clone_from(&$custody.sender);
        $row.peer.clone_from(&$custody.peer);
        $row.tenant.clone_from(&$custody.tenant);
    }};
}
pub(super) use stamp_custody;
