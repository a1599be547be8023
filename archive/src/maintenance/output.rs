//! Writing a large file in parts, so that it is never in memory as a whole.

use std::sync::Arc;

use arrow_array::RecordBatch;
use blotter_schemas::tables::Table;
use chrono::{NaiveDate, Utc};
use deltalake_core::kernel::Add;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt as _};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::file::metadata::KeyValue;

use crate::Error;
use crate::append::{add_action, new_path};
use crate::write::{FILE_BYTES, properties};

/// Bytes of a part at least; object stores want 5 MiB.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// A row group is closed once its encoded rows and dictionaries take this much memory.
const ROW_GROUP_BYTES: usize = 24 * 1024 * 1024;

/// A file that is being written.
pub(super) struct Output {
    table: Table,
    date: NaiveDate,
    store: Arc<dyn ObjectStore>,
    path: String,
    writer: ArrowWriter<Vec<u8>>,
    /// Bytes that are not a part yet.
    buffer: Vec<u8>,
    size: usize,
    upload: Option<Box<dyn MultipartUpload>>,
}

impl Output {
    /// Begins a file that will have about `rows` rows.
    pub(super) fn new(
        table: Table,
        date: NaiveDate,
        store: Arc<dyn ObjectStore>,
        rows: usize,
    ) -> Result<Self, Error> {
        let options = ArrowWriterOptions::new()
            .with_properties(properties(table, rows)?)
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(Vec::new(), table.schema(), options)?;
        let (path, buffer) = (new_path(date), Vec::new());
        Ok(Self { table, date, store, path, writer, buffer, size: 0, upload: None })
    }

    /// Whether the file has its size.
    pub(super) fn is_full(&self) -> bool {
        self.writer.bytes_written() + self.writer.in_progress_size() >= FILE_BYTES
    }

    /// Adds rows, which follow those before in the order of the table.
    pub(super) async fn write(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        self.writer.write(rows)?;
        if self.writer.memory_size() >= ROW_GROUP_BYTES {
            self.writer.flush()?;
        }
        self.take_encoded();
        if self.buffer.len() >= PART_BYTES { self.put_part().await } else { Ok(()) }
    }

    /// Writes what is left; when this returns the file is durable, and how the log will name it.
    pub(super) async fn finish(mut self, note: Option<KeyValue>) -> Result<Add, Error> {
        match self.write_rest(note).await {
            Ok(add) => Ok(add),
            Err(error) => {
                self.abort().await;
                Err(error)
            }
        }
    }

    /// Leaves nothing of the file.
    pub(super) async fn abort(mut self) {
        if let Some(upload) = &mut self.upload
            && let Err(error) = upload.abort().await
        {
            tracing::debug!(path = self.path, %error, "aborting a file");
        }
    }

    async fn write_rest(&mut self, note: Option<KeyValue>) -> Result<Add, Error> {
        if let Some(note) = note {
            self.writer.append_key_value_metadata(note);
        }
        let metadata = self.writer.finish()?;
        self.take_encoded();
        let path = Path::from(self.path.as_str());
        match &mut self.upload {
            None => {
                self.store.put(&path, std::mem::take(&mut self.buffer).into()).await?;
            }
            Some(upload) => {
                if !self.buffer.is_empty() {
                    upload.put_part(std::mem::take(&mut self.buffer).into()).await?;
                }
                upload.complete().await?;
                self.upload = None;
            }
        }
        let size = i64::try_from(self.size).unwrap_or(i64::MAX);
        add_action(self.table, self.date, &self.path, size, Utc::now(), &metadata, false)
    }

    fn take_encoded(&mut self) {
        // The writer counts its bytes itself, so that they can be taken away as they come.
        let encoded = std::mem::take(self.writer.inner_mut());
        self.size += encoded.len();
        if self.buffer.is_empty() {
            self.buffer = encoded;
        } else {
            self.buffer.extend_from_slice(&encoded);
        }
    }

    async fn put_part(&mut self) -> Result<(), Error> {
        let path = Path::from(self.path.as_str());
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none => none.insert(self.store.put_multipart(&path).await?),
        };
        upload.put_part(std::mem::take(&mut self.buffer).into()).await?;
        Ok(())
    }
}
