//! Writing sorted rows as Parquet.

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use blotter_schemas::tables::Table;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{KeyValue, ParquetMetaData, SortingColumn};
use parquet::file::properties::{BloomFilterPosition, EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::Error;
use crate::order::options;
use crate::table_definition::{
    SCHEMA_VERSION, has_bloom_filter, has_dictionary, has_statistics, is_steady, order,
};

/// Rows of a row group at most.
pub(crate) const ROW_GROUP_ROWS: usize = 65_536;
/// Bytes of a row group before compression, roughly: what is read from one into an Arrow batch stays far
/// below the 2 GiB that a column of it can hold.
const ROW_GROUP_BYTES: usize = 256 << 20;
/// Rows of a page at most: reading one session decodes little more than its rows.
pub(crate) const PAGE_ROWS: usize = 2_048;
/// Bytes of a page before compression, roughly: only long text reaches it.
const PAGE_BYTES: usize = 64 * 1024;
/// Rows that are written between two looks at the size of the page or file.
pub(crate) const STEP_ROWS: usize = 256;
/// A file is closed once it has this many bytes.
pub(crate) const FILE_BYTES: usize = 128 * 1024 * 1024;
/// Part of absent values that a Bloom filter takes for present.
const FALSE_POSITIVES: f64 = 0.01;

/// File metadata: the table that the file belongs to.
const TABLE_KEY: &str = "blotter.table";
/// File metadata: version of the layout.
const SCHEMA_VERSION_KEY: &str = "blotter.schema_version";
/// File metadata: the columns in whose order all rows of the file are.
pub(crate) const SORTED_BY_KEY: &str = "blotter.sorted_by";

/// A Parquet file in memory.
pub(crate) struct ParquetFile {
    /// The whole file.
    pub(crate) bytes: Bytes,
    /// Its footer.
    pub(crate) metadata: ParquetMetaData,
}

/// Value of [`SORTED_BY_KEY`] for files of `table`.
pub(crate) fn sorted_by(table: Table) -> String {
    order(table).collect::<Vec<_>>().join(",")
}

/// Writes sorted rows as one or, where they are many, several files.
pub(crate) fn encode(table: Table, rows: &RecordBatch) -> Result<Vec<ParquetFile>, Error> {
    let mut files = Vec::new();
    let mut start = 0;
    while start < rows.num_rows() {
        let options = ArrowWriterOptions::new()
            .with_properties(properties(table, rows.num_rows() - start)?)
            // Without it every engine sees plain strings where we see dictionaries.
            .with_skip_arrow_metadata(true);
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new_with_options(&mut bytes, rows.schema(), options)?;
        while start < rows.num_rows()
            && writer.bytes_written() + writer.in_progress_size() < FILE_BYTES
        {
            let length = (rows.num_rows() - start).min(STEP_ROWS);
            writer.write(&rows.slice(start, length))?;
            start += length;
        }
        let metadata = writer.close()?;
        files.push(ParquetFile { bytes: bytes.into(), metadata });
    }
    Ok(files)
}

pub(crate) fn properties(table: Table, rows: usize) -> Result<WriterProperties, Error> {
    let schema = table.schema();
    let note = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("blotter {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_write_batch_size(STEP_ROWS)
        .set_bloom_filter_position(BloomFilterPosition::End)
        .set_sorting_columns(Some(sorting_columns(table, &schema)))
        .set_key_value_metadata(Some(vec![
            note(TABLE_KEY, table.name().to_owned()),
            note(SCHEMA_VERSION_KEY, SCHEMA_VERSION.to_owned()),
            note(SORTED_BY_KEY, sorted_by(table)),
        ]));
    for field in schema.fields() {
        let column = ColumnPath::from(field.name().as_str());
        if !has_statistics(field.name()) {
            builder =
                builder.set_column_statistics_enabled(column.clone(), EnabledStatistics::None);
        }
        if !has_dictionary(field) {
            builder = builder.set_column_dictionary_enabled(column.clone(), false);
        }
        if is_steady(field) {
            builder = builder.set_column_encoding(column.clone(), Encoding::DELTA_BINARY_PACKED);
        }
        if has_bloom_filter(field.name()) {
            let values = rows.min(ROW_GROUP_ROWS) as u64;
            builder = builder
                .set_column_bloom_filter_fpp(column.clone(), FALSE_POSITIVES)
                .set_column_bloom_filter_max_ndv(column, values);
        }
    }
    Ok(builder.build())
}

/// The order as the format can say it; other engines may use it.
fn sorting_columns(table: Table, schema: &Schema) -> Vec<SortingColumn> {
    let column = |name| {
        let (index, _) = schema.column_with_name(name)?;
        let nulls_first = options(name).nulls_first;
        Some(SortingColumn {
            column_idx: i32::try_from(index).ok()?,
            descending: false,
            nulls_first,
        })
    };
    order(table).filter_map(column).collect()
}
