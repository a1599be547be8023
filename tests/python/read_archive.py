"""Reads an archive with the Delta and Parquet readers that others use, and says what they see.

Usage: read_archive.py ARCHIVE

Prints one JSON line a row: [reader, table, event_id in hex, {column: value}], where times are
microseconds since the epoch and a column without a value is left out. Every column of every row is
read, so one that a reader cannot decode fails here.
"""

import datetime
import json
import math
import pathlib
import sys

import deltalake
import duckdb
import polars
import pyarrow

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)


def plain(value):
    """The value as JSON says it, the same whichever reader it came from."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, datetime.datetime):
        return (value.astimezone(datetime.timezone.utc) - EPOCH) // MICROSECOND
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value


def with_deltalake(table):
    return pyarrow.table(deltalake.DeltaTable(table).to_pyarrow_dataset().to_table()).to_pylist()


def with_duckdb(table):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    # DuckDB's own reader of Delta logs is an extension that it downloads: give it the live files.
    files = deltalake.DeltaTable(table).file_uris()
    rows = connection.execute("SELECT * FROM read_parquet(?, hive_partitioning = true)", [files])
    return rows.to_arrow_table().to_pylist()


def with_polars(table):
    return polars.read_delta(table).to_dicts()


READERS = {"deltalake": with_deltalake, "duckdb": with_duckdb, "polars": with_polars}


def main():
    archive = pathlib.Path(sys.argv[1])
    for reader, read in READERS.items():
        for table in ("events", "spans", "metrics"):
            for row in read(str(archive / table)):
                columns = {name: plain(value) for name, value in row.items() if value is not None}
                print(json.dumps([reader, table, columns.pop("event_id"), columns], sort_keys=True))


main()
