//! Appending rows to a table in one commit.

/// Idempotency mark of an append: the table remembers the last version of every application.
///
/// The mark alone prevents nothing: the caller skips what lies at or below
/// [`crate::Archive::transaction_version`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Who appends: collector id and journal incarnation.
    pub app_id: String,
    /// Position after the last record of a contiguous prefix.
    pub version: i64,
}

/// What became of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// The rows are in the table, durably.
    Committed {
        /// Version of the table that holds them.
        table_version: u64,
        /// Rows written.
        rows: u64,
        /// Files written.
        files: u64,
        /// Bytes of those files.
        bytes: u64,
    },
    /// The table already holds this transaction's version or a later one; nothing was added.
    AlreadyCommitted {
        /// Version of the application that the table holds.
        transaction_version: i64,
    },
    /// There was no row to append; no commit was made.
    Nothing,
}
