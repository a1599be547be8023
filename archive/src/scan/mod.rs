//! Reading rows back: only the bytes that can matter, in a total order, each event once.

pub(crate) mod predicate;
pub(crate) mod request;
pub(crate) mod statistics;

use arrow_array::RecordBatch;

use crate::{Error, ScanStatistics};

/// Rows of a scan, in order of `session_id`, `time_unix_nano`, `observed_time_unix_nano`,
/// `sequence`, `event_id` (absent values first), equal event ids of a session once.
#[derive(Debug, Default)]
pub struct Scan {
    statistics: ScanStatistics,
}

impl Scan {
    /// The next rows; `None` at the end. A batch has the columns of the request, in its order.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        Ok(None)
    }

    /// All remaining rows, for a scan whose result is known to be small.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub async fn collect(&mut self) -> Result<Vec<RecordBatch>, Error> {
        let mut batches = Vec::new();
        while let Some(batch) = self.next().await? {
            batches.push(batch);
        }
        Ok(batches)
    }

    /// What was read so far.
    #[must_use]
    pub fn statistics(&self) -> ScanStatistics {
        self.statistics
    }
}
