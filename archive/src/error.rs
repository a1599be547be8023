//! The errors of this crate.

use blotter_schemas::tables::Table;

/// What can go wrong with an archive.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no archive at the place.
    #[error(
        "no archive at {location}; a collector or an import creates one, or name another place"
    )]
    NotFound {
        /// The place, as it was named.
        location: String,
    },
    /// The place cannot be understood.
    #[error("`{location}` is not a place for an archive: {reason}")]
    Location {
        /// The place, as it was named.
        location: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A request names a column that the table does not have.
    #[error("table {table} has no column `{column}`")]
    UnknownColumn {
        /// Table that was asked.
        table: Table,
        /// Column that it lacks.
        column: String,
    },
    /// A predicate compares a column with a value of another type.
    #[error("column `{column}` is {data_type}, which cannot be compared with {value}")]
    Comparison {
        /// Column of the predicate.
        column: String,
        /// Type of the column.
        data_type: String,
        /// Value of the predicate.
        value: String,
    },
    /// A batch does not have the schema of its table.
    #[error("the batch is not one of table {table}: {reason}")]
    NotOfTable {
        /// Table it was meant for.
        table: Table,
        /// What differs.
        reason: String,
    },
    /// The commit failed and it cannot be told whether it will still appear: read
    /// [`crate::Archive::transaction_version`] before appending the same rows again.
    #[error("it is not certain whether the commit to table {table} was made: {source}")]
    Ambiguous {
        /// Table of the commit.
        table: Table,
        /// What the commit said.
        source: Box<Error>,
    },
    /// Files that were rewritten do not hold the rows that they should; nothing was changed.
    #[error(
        "rewriting files of table {table} was abandoned: they should hold {expected} rows, and {written} were read and {copies} left out as copies; `triage archive check` finds damaged files"
    )]
    Miscounted {
        /// Table.
        table: Table,
        /// Rows by the footers of the files.
        expected: u64,
        /// Rows that were written.
        written: u64,
        /// Rows that were left out as copies.
        copies: u64,
    },
    /// Others changed the table again and again while this was being done.
    #[error(
        "other changes of table {table} were faster several times; nothing was done, try again when they have ended"
    )]
    Overtaken {
        /// Table.
        table: Table,
    },
    /// The table has columns that this program would lose by rewriting files.
    #[error(
        "table {table} has columns that this version does not know ({columns}): a newer version wrote them and must do the compaction"
    )]
    NewerColumns {
        /// Table.
        table: Table,
        /// The columns.
        columns: String,
    },
    /// The table's log could not be read or written.
    #[error(transparent)]
    Delta(#[from] deltalake_core::DeltaTableError),
    /// A Parquet file could not be read or written.
    #[error(transparent)]
    Parquet(#[from] parquet::errors::ParquetError),
    /// Rows could not be computed with.
    #[error(transparent)]
    Arrow(#[from] arrow_schema::ArrowError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] object_store::Error),
    /// A task of the runtime ended before its result was there.
    #[error("the work was interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}
