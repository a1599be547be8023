//! What a scan is asked for.

use blotter_schemas::tables::Table;

use crate::Predicate;

/// What a scan is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanRequest {
    /// Table to read.
    pub table: Table,
    /// Which rows; all without one.
    pub predicate: Option<Predicate>,
    /// Which columns, in this order; those of [`Table::schema`] without.
    pub columns: Option<Vec<String>>,
}

impl ScanRequest {
    /// All rows and columns of `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, predicate: None, columns: None }
    }

    /// Only rows that match `predicate` too.
    #[must_use]
    pub fn filter(mut self, predicate: Predicate) -> Self {
        self.predicate = Some(match self.predicate.take() {
            Some(earlier) => earlier.and(predicate),
            None => predicate,
        });
        self
    }

    /// Only these columns.
    #[must_use]
    pub fn columns<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }
}
