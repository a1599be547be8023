//! The journal's promises.

mod damage;
mod digests;
mod faults;
mod lifecycle;
pub(crate) mod simulation;

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use blotter_disk::{Disk, LocalDisk};
use blotter_schemas::otlp::{Encoding, Signal};
use bytes::Bytes;

use super::digests::Digest;
use super::{Entry, Journal, Record, Refused};
use crate::Error;
use crate::config::JournalConfig;

/// The one consumer of these journals.
const CONSUMER: &str = "archive";
/// Smallest segment there is: a page of header, a page of entries.
const SMALL: u64 = 8192;

fn config() -> JournalConfig {
    JournalConfig { segment_bytes: SMALL, max_bytes: 1 << 30, group_bytes: 1 << 20 }
}

fn open(folder: &Path) -> Result<Journal, Error> {
    open_with(folder, &config(), Arc::new(LocalDisk))
}

fn open_with(folder: &Path, config: &JournalConfig, disk: Arc<dyn Disk>) -> Result<Journal, Error> {
    Journal::open(folder, config, &[CONSUMER], disk)
}

/// A request of `count` records whose body has `length` bytes that are all `fill`, but never zero.
fn record(fill: u8, length: usize, count: u32) -> Record {
    Record {
        received_unix_nano: 1_700_000_000_000_000_000 + i64::from(fill),
        signal: if fill.is_multiple_of(2) { Signal::Logs } else { Signal::Metrics },
        encoding: if fill.is_multiple_of(3) { Encoding::Json } else { Encoding::Protobuf },
        peer: Some(format!("127.0.0.1:{fill}")),
        sender: (fill > 100).then(|| "laptop".to_owned()),
        tenant: None,
        count,
        redaction_version: 0,
        redactions: Bytes::new(),
        body: Bytes::from(vec![fill | 1; length]),
    }
}

/// Hands records in, one after the other, and waits for each. No two are taken for the same request,
/// even where they are alike.
fn append(journal: &Journal, records: &[Record]) -> Vec<Result<u64, Refused>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let one = |record: &Record| runtime.block_on(hand_in(journal, record.clone()));
    records.iter().map(one).collect()
}

fn hand_in(journal: &Journal, record: Record) -> impl Future<Output = Result<u64, Refused>> {
    journal.hand_in(record, unlike_any(), None)
}

/// The digest of a request like no other.
fn unlike_any() -> Digest {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    Digest::of(&Record { sender: Some(format!("test {number}")), ..record(0, 0, 1) })
}

/// Everything durable from the archive's cursor on.
fn read(journal: &Journal) -> Vec<Entry> {
    let mut reader = journal.reader(journal.cursor(CONSUMER));
    std::iter::from_fn(|| reader.next().unwrap()).collect()
}

/// Only what was handed in.
fn records(entries: &[Entry]) -> Vec<Record> {
    entries.iter().map(|entry| entry.record.clone()).collect()
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    super::segment::list(&LocalDisk, folder).unwrap()
}

/// A copy of a closed journal's folder.
fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.path().join(file.file_name())).unwrap();
    }
    to
}

fn overwrite(path: &Path, offset: u64, bytes: &[u8]) {
    File::options().write(true).open(path).unwrap().write_all_at(bytes, offset).unwrap();
}
