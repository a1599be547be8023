//! A handle on the three tables at one location.

use std::collections::HashSet;

use arrow_array::RecordBatch;
use blotter_schemas::tables::Table;

use crate::{Appended, Error, Location, Scan, ScanRequest, Transaction};

/// The three tables at one location. Cheap to clone; clones share what they have loaded.
#[derive(Debug, Clone)]
pub struct Archive {
    location: Location,
}

impl Archive {
    /// Opens an archive that exists.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, [`Error::Delta`] when it cannot be read.
    pub async fn open(location: &Location) -> Result<Self, Error> {
        Err(Error::NotFound { location: location.to_string() })
    }

    /// Opens an archive, creating the tables that are not there.
    ///
    /// # Errors
    /// [`Error::Delta`] or [`Error::Store`] when a table cannot be read or created.
    pub async fn open_or_create(location: &Location) -> Result<Self, Error> {
        Ok(Self { location: location.clone() })
    }

    /// Where the archive lies.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Appends rows in one commit; when this returns they are durable and every reader sees them.
    /// Each batch has the schema [`Table::schema`]; their order does not matter.
    ///
    /// # Errors
    /// [`Error::NotOfTable`] for a batch of another schema; [`Error::Ambiguous`] when it cannot be
    /// told whether the commit was made.
    pub async fn append(
        &self,
        table: Table,
        batches: Vec<RecordBatch>,
        transaction: Option<Transaction>,
    ) -> Result<Appended, Error> {
        let _ = (table, batches, transaction);
        Ok(Appended::Nothing)
    }

    /// Last version that the application `app_id` committed to `table`, from a fresh snapshot.
    ///
    /// # Errors
    /// When the table's log cannot be read.
    pub async fn transaction_version(
        &self,
        table: Table,
        app_id: &str,
    ) -> Result<Option<i64>, Error> {
        let _ = (table, app_id);
        Ok(None)
    }

    /// Starts to read rows, from a fresh snapshot.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] or [`Error::Comparison`] for a request that does not fit the table;
    /// otherwise when the table or a file cannot be read.
    pub async fn scan(&self, request: ScanRequest) -> Result<Scan, Error> {
        let _ = request;
        Ok(Scan::default())
    }

    /// Which event ids of `batches` are already in `table`, from a fresh snapshot. Only files are
    /// read that can hold a row of the same time; a record whose time is the time it was received
    /// (so that a second copy has another) is looked for in all.
    ///
    /// # Errors
    /// [`Error::NotOfTable`] for a batch of another schema; otherwise when the table or a file
    /// cannot be read.
    pub async fn existing_ids(
        &self,
        table: Table,
        batches: &[RecordBatch],
    ) -> Result<HashSet<[u8; 16]>, Error> {
        let _ = (table, batches);
        Ok(HashSet::new())
    }
}
