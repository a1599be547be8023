//! Other readers of Delta tables see the rows that our own scan sees, column by column.

#![allow(clippy::indexing_slicing, reason = "a missing value fails the test")]

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use blotter_archive::{Archive, Location, ScanRequest};
use blotter_schemas::tables::Table;
use blotter_tests::captures;
use blotter_tests::guests::{installed, workspace};
use blotter_tests::processes::triage;
use blotter_tests::records::batches;
use serde_json::{Map, Value, json};
use tokio::process::Command;

/// Rows of one table: event id in hex, and the columns that have a value.
type Rows = BTreeMap<String, Map<String, Value>>;

#[tokio::test]
async fn deltalake_duckdb_and_polars_read_the_same_rows_as_our_scan() -> anyhow::Result<()> {
    let Some(python) = installed("venv/bin/python")? else { return Ok(()) };
    let data = tempfile::tempdir()?;
    let folder = data.path().join("archive");
    // Two imports, so that there are several files and, with the SDK's capture, every metric type.
    for capture in ["codex/12-grpc", "codex/90-pysdk-http-gzip", "claude-code/02-ok-full-traces"] {
        let capture = captures::named(capture)?.folder;
        let finished = triage(&folder, ["import".as_ref(), capture.as_os_str()]).await?;
        assert_eq!(finished.exit_code, Some(0), "{}", finished.stderr);
    }
    let output = Command::new(python)
        .arg(workspace().join("tests/python/read_archive.py"))
        .arg(&folder)
        .output()
        .await?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut theirs = read(&output.stdout)?;

    let archive = Archive::open(&Location::parse(&folder.to_string_lossy())?).await?;
    for table in Table::ALL {
        let ours = scan(&archive, table).await?;
        assert!(ours.len() > 10, "too few rows of {table} to prove anything: {}", ours.len());
        for reader in ["deltalake", "duckdb", "polars"] {
            let key = (reader.to_owned(), table.name().to_owned());
            let rows = theirs.remove(&key).with_context(|| format!("{key:?} read nothing"))?;
            assert_eq!(rows.len(), ours.len(), "{reader} and our scan count {table} differently");
            for (id, columns) in &ours {
                assert_eq!(
                    rows.get(id),
                    Some(columns),
                    "{reader} reads {id} of {table} differently"
                );
            }
        }
    }
    Ok(())
}

/// What the script printed: rows by reader and table.
fn read(stdout: &[u8]) -> anyhow::Result<BTreeMap<(String, String), Rows>> {
    let mut read: BTreeMap<_, Rows> = BTreeMap::new();
    for line in std::str::from_utf8(stdout)?.lines() {
        let (reader, table, id, mut columns): (String, String, String, Map<String, Value>) =
            serde_json::from_str(line)?;
        let partition = columns.remove("received_date");
        assert!(partition.is_some(), "{reader} gives no received_date for a row of {table}");
        let twice = read.entry((reader, table)).or_default().insert(id, columns);
        assert!(twice.is_none(), "a row was read twice: {line}");
    }
    Ok(read)
}

async fn scan(archive: &Archive, table: Table) -> anyhow::Result<Rows> {
    let mut rows = Rows::new();
    for batch in batches(archive, ScanRequest::new(table)).await? {
        for row in 0..batch.num_rows() {
            let mut columns = columns(&batch, row)?;
            let id = columns.remove("event_id").context("a row without event_id")?;
            rows.insert(id.as_str().unwrap_or_default().to_owned(), columns);
        }
    }
    Ok(rows)
}

/// The columns of a row that have a value, as the script says them.
fn columns(batch: &RecordBatch, row: usize) -> anyhow::Result<Map<String, Value>> {
    let mut columns = Map::new();
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        if array.is_valid(row) {
            columns.insert(field.name().clone(), plain(array, row)?);
        }
    }
    Ok(columns)
}

fn plain(array: &dyn Array, row: usize) -> anyhow::Result<Value> {
    Ok(match array.data_type() {
        DataType::Binary => json!(hex::encode(array.as_binary::<i32>().value(row))),
        DataType::Utf8 => json!(array.as_string::<i32>().value(row)),
        DataType::Boolean => json!(array.as_boolean().value(row)),
        DataType::Int64 => json!(array.as_primitive::<Int64Type>().value(row)),
        DataType::Timestamp(..) => {
            json!(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Float64 => match array.as_primitive::<Float64Type>().value(row) {
            value if value.is_finite() => json!(value),
            value => json!(value.to_string().to_lowercase()),
        },
        DataType::Dictionary(..) => {
            let labels = array.as_dictionary::<Int32Type>();
            let key = labels.key(row).context("a label without a key")?;
            return plain(labels.values(), key);
        }
        other => bail!("no column has the type {other}"),
    })
}
