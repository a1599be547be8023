//! What the tables look like to Delta Lake: columns, partitions, properties.

use std::sync::Arc;

use arrow_schema::{DataType as ArrowType, Field, Schema};
use blotter_schemas::tables::Table;
use deltalake_core::DeltaTableError;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel as _;
use deltalake_core::kernel::{DataType, StructField, StructType};
use deltalake_core::logstore::LogStoreRef;
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::SaveMode;
use deltalake_core::table::config::TableProperty;

use crate::Error;

/// Column that the tables are partitioned by: the UTC date on which a row was received. It lies in
/// the table's log only, not in [`Table::schema`] and not in the files.
pub(crate) const PARTITION: &str = "received_date";

/// Version of the layout of files and tables.
pub(crate) const SCHEMA_VERSION: &str = "1";

/// Commits between two checkpoints of the log.
pub(crate) const CHECKPOINT_INTERVAL: u64 = 100;

/// How long log entries that a checkpoint covers are kept: every commit looks at all that are there.
const LOG_RETENTION: &str = "interval 1 hours";
/// How long a replaced file is kept, for readers of an older snapshot.
const TOMBSTONE_RETENTION: &str = "interval 1 days";

/// Columns in whose order every file is sorted and every scan answers.
const ORDER: [&str; 5] =
    ["session_id", "time_unix_nano", "observed_time_unix_nano", "sequence", "event_id"];
/// Decides which of two copies of one event is kept: the one that a collector vouches for.
pub(crate) const TIE: &str = "journal_position";

/// Text columns that can be long or are as good as random: no statistics and no dictionary.
const CONTENT: [&str; 13] = [
    "event_id",
    "origin_id",
    "span_id",
    "parent_span_id",
    "text",
    "arguments",
    "output",
    "decision_reason",
    "error_message",
    "status_message",
    "redactions",
    "normalise_error",
    "record",
];
/// Columns that are looked up by a value found elsewhere.
const LOOKED_UP: [&str; 6] = [
    "session_id",
    "parent_session_id",
    "receiver_session_id",
    "call_id",
    "trace_id",
    "server_address",
];

/// Columns whose statistics are in the log, where they rule out whole files: what questions are asked
/// by. All of a log's statistics are read before a file is, so that each column has its price.
const LOGGED: [&str; 28] = [
    "time",
    "time_unix_nano",
    "received_time",
    "session_id",
    "parent_session_id",
    "receiver_session_id",
    "turn_id",
    "call_id",
    "trace_id",
    "agent_name",
    "model",
    "user_id",
    "host_name",
    "service_name",
    "kind",
    "name",
    "tool_name",
    "mcp_server",
    "success",
    "decision",
    "profile_name",
    "sandbox_outcome",
    "server_address",
    "error_type",
    "error_class",
    "collector_id",
    "journal_position",
    "tenant",
];

/// Columns of the order that the table has, and last the one that decides between copies.
pub(crate) fn order(table: Table) -> impl Iterator<Item = &'static str> {
    let schema = table.schema();
    ORDER.into_iter().chain([TIE]).filter(move |name| schema.column_with_name(name).is_some())
}

/// Whether `column` has minimum, maximum and number of nulls in footers and page indexes.
pub(crate) fn has_statistics(column: &str) -> bool {
    !CONTENT.contains(&column)
}

/// Whether `column` has them in the log too.
pub(crate) fn has_logged_statistics(column: &str) -> bool {
    LOGGED.contains(&column)
}

/// Whether `column` repeats itself enough for a dictionary to pay.
pub(crate) fn has_dictionary(field: &Field) -> bool {
    !CONTENT.contains(&field.name().as_str()) && !is_steady(field)
}

/// Whether `column` is best written as differences between neighbours.
pub(crate) fn is_steady(field: &Field) -> bool {
    let name = field.name();
    name.ends_with("_unix_nano")
        || matches!(field.data_type(), ArrowType::Timestamp(..))
        || name == TIE
        || name == "log_index"
}

/// Whether `column` has a Bloom filter.
pub(crate) fn has_bloom_filter(column: &str) -> bool {
    LOOKED_UP.contains(&column)
}

/// Columns of `table` as other engines see them: labels are strings.
pub(crate) fn columns(table: Table) -> Result<Vec<StructField>, Error> {
    let schema = table.schema();
    let plain = schema.fields().iter().map(|field| match field.data_type() {
        ArrowType::Dictionary(_, values) => {
            Arc::new(field.as_ref().clone().with_data_type(values.as_ref().clone()))
        }
        _ => Arc::clone(field),
    });
    let plain = Schema::new(plain.collect::<Vec<_>>());
    let delta: StructType = (&plain).try_into_kernel()?;
    let mut columns: Vec<_> = delta.fields().cloned().collect();
    columns.push(StructField::nullable(PARTITION, DataType::DATE));
    Ok(columns)
}

/// Names of the columns of `table` whose statistics are in the log, as the table's property says them.
pub(crate) fn logged_columns(table: Table) -> String {
    let schema = table.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str());
    names.filter(|name| has_logged_statistics(name)).collect::<Vec<_>>().join(",")
}

/// Creates `table` behind `log_store`; nothing happens where it is already there.
pub(crate) async fn create(table: Table, log_store: LogStoreRef) -> Result<(), Error> {
    let properties = [
        (TableProperty::LogRetentionDuration, LOG_RETENTION.to_owned()),
        (TableProperty::DeletedFileRetentionDuration, TOMBSTONE_RETENTION.to_owned()),
        (TableProperty::CheckpointInterval, CHECKPOINT_INTERVAL.to_string()),
        (TableProperty::DataSkippingStatsColumns, logged_columns(table)),
    ];
    let mut builder = CreateBuilder::new()
        .with_log_store(Arc::clone(&log_store))
        .with_table_name(table.name())
        .with_columns(columns(table)?)
        .with_partition_columns([PARTITION])
        .with_save_mode(SaveMode::Ignore);
    for (property, value) in properties {
        builder = builder.with_configuration_property(property, Some(value));
    }
    match builder.await {
        Ok(_) => Ok(()),
        // Another process created it at the same moment: then it is there.
        Err(error) if exists(&log_store).await? => {
            tracing::debug!(%table, %error, "the table was created by someone else");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether there is a table behind `log_store`.
pub(crate) async fn exists(log_store: &LogStoreRef) -> Result<bool, DeltaTableError> {
    log_store.is_delta_table_location().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_named_here_is_one_of_some_table() {
        let all: Vec<_> = Table::ALL
            .into_iter()
            .flat_map(|table| table.schema().fields().iter().cloned().collect::<Vec<_>>())
            .collect();
        for name in CONTENT.into_iter().chain(LOGGED).chain(LOOKED_UP).chain(ORDER).chain([TIE]) {
            assert!(all.iter().any(|field| field.name() == name), "{name}");
        }
    }

    #[test]
    fn no_statistics_repeat_what_people_and_tools_said() {
        for name in ["text", "arguments", "output", "record", "error_message", "decision_reason"] {
            assert!(!has_statistics(name) && !has_logged_statistics(name), "{name}");
        }
    }

    #[test]
    fn labels_are_strings_and_ids_are_binary_to_other_engines() {
        let columns = columns(Table::Events).unwrap();
        let of = |name: &str| {
            columns.iter().find(|column| column.name() == name).unwrap().data_type().clone()
        };
        assert_eq!(of("kind"), DataType::STRING);
        assert_eq!(of("event_id"), DataType::BINARY);
        assert_eq!(of("time"), DataType::TIMESTAMP);
        assert_eq!(of(PARTITION), DataType::DATE);
    }
}
