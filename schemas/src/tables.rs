//! The three tables of the archive and their rows.

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};

pub use crate::generated::events::Event;
pub use crate::generated::metrics::MetricPoint;
pub use crate::generated::spans::Span;

/// A table of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Normalised facts.
    Events,
    /// Spans, whole.
    Spans,
    /// Metric points, whole.
    Metrics,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 3] = [Self::Events, Self::Spans, Self::Metrics];

    /// Name of the table, which is also its folder in an archive.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Spans => "spans",
            Self::Metrics => "metrics",
        }
    }

    /// Arrow schema of the table, without the partition column `received_date`.
    #[must_use]
    pub fn schema(self) -> SchemaRef {
        match self {
            Self::Events => Event::schema(),
            Self::Spans => Span::schema(),
            Self::Metrics => MetricPoint::schema(),
        }
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A row of a table.
pub trait Row: Sized {
    /// Table the row belongs to.
    const TABLE: Table;

    /// Arrow schema of the table.
    fn schema() -> SchemaRef;

    /// Rows as a batch with the whole schema.
    ///
    /// # Errors
    /// When a column cannot be built (more distinct labels than a dictionary holds).
    fn to_batch(rows: &[Self]) -> Result<RecordBatch, ArrowError>;

    /// Rows of a batch. A column that the batch lacks (a projection, an older table) is left empty.
    ///
    /// # Errors
    /// When a column has a type it should not have.
    fn from_batch(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError>;

    /// Identity of the row.
    fn event_id(&self) -> [u8; 16];
}
