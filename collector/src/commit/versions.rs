//! What the archive says it has already.

use blotter_archive::{Archive, Location};
use blotter_schemas::tables::Table;

use crate::Error;

/// Position after the last committed record, per table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Versions {
    pub events: u64,
    pub spans: u64,
    pub metrics: u64,
}

impl Versions {
    /// Reads what every table has of `app_id`, from fresh snapshots. A table may lie behind the
    /// others: it had no rows lately, or the last commit did not get that far.
    pub(super) async fn read(
        archive: &Archive,
        location: &Location,
        app_id: &str,
        journal_end: u64,
    ) -> Result<Self, Error> {
        let mut versions = [0; Table::ALL.len()];
        for (version, table) in versions.iter_mut().zip(Table::ALL) {
            *version = committed(archive, table, app_id)
                .await
                .map_err(|error| Error::archive(location, error))?;
            if *version > journal_end {
                return Err(Error::Mismatch(format!(
                    "table {table} of the archive {location} holds this journal's records up to {version}, \
                     but the journal ends at {journal_end}: it is an older copy, or it lost its end. \
                     Move the journal's folder away and start again: a new journal counts anew, \
                     and nothing is mixed up"
                )));
            }
        }
        let [events, spans, metrics] = versions;
        Ok(Self { events, spans, metrics })
    }
}

/// Position after the last record of `app_id` that `table` holds; 0 where it holds none.
pub(super) async fn committed(
    archive: &Archive,
    table: Table,
    app_id: &str,
) -> Result<u64, blotter_archive::Error> {
    let version = archive.transaction_version(table, app_id).await?;
    Ok(version.and_then(|version| u64::try_from(version).ok()).unwrap_or(0))
}
