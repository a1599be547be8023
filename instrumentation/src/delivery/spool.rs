//! Batches on disk, first in, first out, until the collector has them.
//!
//! A segment is an append-only file: eight bytes that say what it is, then frames, each with its length, its
//! checksum, its signal and an export request. It is deleted when all of it is delivered. The process that
//! writes it holds its lock, so that another one takes up only what a process left behind that is gone. What
//! was delivered from such a segment before is sent again; the collector drops an equal request.

pub(crate) mod fuzzing;

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use blotter_disk::{Access, Disk, DiskFile, durable};
use bytes::Bytes;

use super::encode::{Batch, Signal};
use super::queue::Lost;

/// How a segment begins.
const MAGIC: &[u8; 8] = b"BLSPOOL1";
/// Bytes before the request in a frame: length, checksum, signal.
const HEAD: usize = 9;
/// At how many bytes the next segment is begun.
const SEGMENT: u64 = 1 << 20;
/// Longest request that is read back.
const LONGEST: usize = 64 << 20;
/// What segments are named, and what one is named before it is locked.
const NAME: &str = "spool";
const NEW: &str = "new";
const APPEND: &str = "spool.append";
const REMOVE: &str = "spool.remove";

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    length: AtomicU64,
}

#[derive(Debug)]
struct Entry {
    segment: Arc<Segment>,
    offset: u64,
    length: usize,
    checksum: u32,
    signal: Signal,
    of: Vec<Lost>,
}

/// The spool of one process in a folder that several may share.
#[derive(Debug)]
pub(crate) struct Spool {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    limit: u64,
    bytes: u64,
    current: Option<Arc<Segment>>,
    entries: VecDeque<Entry>,
}

impl Spool {
    /// Opens the folder, which is made if it is not there, and takes up what processes left behind that are
    /// gone.
    pub(crate) fn open(disk: Arc<dyn Disk>, folder: &Path, limit: u64) -> io::Result<Self> {
        durable::create_folder(disk.as_ref(), "spool.folder", folder)?;
        if !disk.is_in_memory() {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
        }
        let mut spool = Self {
            disk,
            folder: folder.to_path_buf(),
            limit,
            bytes: 0,
            current: None,
            entries: VecDeque::new(),
        };
        for listed in spool.disk.list(folder)? {
            let path = folder.join(&listed.name);
            if !listed.is_folder && path.extension().is_some_and(|it| it == NAME) {
                spool.adopt(path)?;
            }
        }
        Ok(spool)
    }

    fn adopt(&mut self, path: PathBuf) -> io::Result<()> {
        let file = match self.disk.open("spool.adopt", &path, Access::Write) {
            Ok(file) => file,
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if !file.try_lock()? {
            return Ok(());
        }
        let length = file.length()?;
        let segment = Arc::new(Segment { path, file, length: AtomicU64::new(length) });
        self.bytes += length;
        let before = self.entries.len();
        let mut offset = MAGIC.len() as u64;
        let mut magic = [0; MAGIC.len()];
        if segment.file.read_up_to(&mut magic, 0)? == magic.len() && magic == *MAGIC {
            while let Some(entry) = frame(&segment, offset)? {
                offset = entry.offset + entry.length as u64;
                self.entries.push_back(entry);
            }
        }
        if self.entries.len() == before {
            self.remove(&segment)?;
        }
        Ok(())
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many batches wait.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds batches. When this returns, they are durable; else none of them is there.
    pub(crate) fn append(&mut self, batches: &[Batch]) -> io::Result<()> {
        let frames: Vec<([u8; HEAD], &Batch, u32)> =
            batches.iter().map(|batch| head(batch)).collect::<io::Result<_>>()?;
        let size: usize = frames.iter().map(|(head, batch, _)| head.len() + batch.body.len()).sum();
        if self.bytes + size as u64 > self.limit {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the spool is full"));
        }
        let segment = self.segment()?;
        let start = segment.length.load(Ordering::Relaxed);
        let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(frames.len() * 2);
        for (head, batch, _) in &frames {
            slices.push(IoSlice::new(head));
            slices.push(IoSlice::new(&batch.body));
        }
        let written = segment.file.write_at(APPEND, &mut slices, start);
        if let Err(error) = written.and_then(|()| segment.file.sync(APPEND)) {
            // What was written may be there or not: nothing is added behind it, and it is cut off so that
            // it is not sent as well as kept in memory.
            self.current = None;
            let _ = segment.file.set_len(APPEND, start);
            return Err(error);
        }
        let mut offset = start;
        for (head, batch, checksum) in &frames {
            offset += head.len() as u64;
            self.entries.push_back(Entry {
                segment: Arc::clone(&segment),
                offset,
                length: batch.body.len(),
                checksum: *checksum,
                signal: batch.signal,
                of: batch.of.clone(),
            });
            offset += batch.body.len() as u64;
        }
        segment.length.store(offset, Ordering::Relaxed);
        self.bytes += offset - start;
        Ok(())
    }

    /// The segment that is written to.
    fn segment(&mut self) -> io::Result<Arc<Segment>> {
        if let Some(segment) = &self.current
            && segment.length.load(Ordering::Relaxed) < SEGMENT
        {
            return Ok(Arc::clone(segment));
        }
        let time = crate::record::now();
        let name = format!("{time:020}-{:08x}", fastrand::u32(..));
        let new = self.folder.join(&name).with_extension(NEW);
        let path = self.folder.join(&name).with_extension(NAME);
        let file = self.disk.open("spool.segment", &new, Access::CreateNew)?;
        // Nobody looks at it under this name, so that the lock is free.
        file.try_lock()?;
        file.write_at("spool.segment", &mut [IoSlice::new(MAGIC)], 0)?;
        self.disk.rename("spool.segment", &new, &path)?;
        self.disk.sync_folder("spool.segment", &self.folder)?;
        let length = MAGIC.len() as u64;
        let segment = Arc::new(Segment { path, file, length: AtomicU64::new(length) });
        self.bytes += length;
        self.current = Some(Arc::clone(&segment));
        Ok(segment)
    }

    /// The batch that waits longest. One that cannot be read any more is an error: drop it.
    pub(crate) fn front(&self) -> Option<io::Result<(Signal, Bytes)>> {
        let entry = self.entries.front()?;
        let mut body = vec![0; entry.length];
        let read = entry.segment.file.read_exact_at(&mut body, entry.offset);
        Some(read.and_then(|()| {
            if checksum(entry.signal, &body) != entry.checksum {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame has changed"));
            }
            Ok((entry.signal, body.into()))
        }))
    }

    /// Forgets the batch that waited longest; whose records they were, where this process wrote it.
    pub(crate) fn pop(&mut self) -> Vec<Lost> {
        let Some(entry) = self.entries.pop_front() else { return Vec::new() };
        let next = self.entries.front();
        let over = next.is_none_or(|next| !Arc::ptr_eq(&next.segment, &entry.segment));
        if over {
            // Kept by mistake, it is sent again some day, and dropped by the collector.
            let _ = self.remove(&entry.segment);
        }
        entry.of
    }

    fn remove(&mut self, segment: &Arc<Segment>) -> io::Result<()> {
        if self.current.as_ref().is_some_and(|current| Arc::ptr_eq(current, segment)) {
            self.current = None;
        }
        self.bytes = self.bytes.saturating_sub(segment.length.load(Ordering::Relaxed));
        self.disk.remove(REMOVE, &segment.path)?;
        self.disk.sync_folder(REMOVE, &self.folder)
    }
}

fn head(batch: &Batch) -> io::Result<([u8; HEAD], &Batch, u32)> {
    let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "the batch is too long");
    let length = u32::try_from(batch.body.len()).map_err(|_| too_long())?;
    let checksum = checksum(batch.signal, &batch.body);
    let mut head = [0; HEAD];
    let bytes = length.to_le_bytes().into_iter().chain(checksum.to_le_bytes());
    for (to, byte) in head.iter_mut().zip(bytes.chain([code(batch.signal)])) {
        *to = byte;
    }
    Ok((head, batch, checksum))
}

/// The frame at `offset`; none where there is no whole one.
fn frame(segment: &Arc<Segment>, offset: u64) -> io::Result<Option<Entry>> {
    let mut head = [0; HEAD];
    if segment.file.read_up_to(&mut head, offset)? < HEAD {
        return Ok(None);
    }
    let [a, b, c, d, e, f, g, h, signal] = head;
    let length = u32::from_le_bytes([a, b, c, d]);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let signal = match signal {
        0 => Signal::Logs,
        1 => Signal::Traces,
        _ => return Ok(None),
    };
    let left = segment.length.load(Ordering::Relaxed).saturating_sub(offset + HEAD as u64);
    if length > LONGEST || length as u64 > left {
        return Ok(None);
    }
    let entry = Entry {
        segment: Arc::clone(segment),
        offset: offset + HEAD as u64,
        length,
        checksum: u32::from_le_bytes([e, f, g, h]),
        signal,
        of: Vec::new(),
    };
    let mut body = vec![0; length];
    segment.file.read_exact_at(&mut body, entry.offset)?;
    Ok((checksum(signal, &body) == entry.checksum).then_some(entry))
}

fn code(signal: Signal) -> u8 {
    match signal {
        Signal::Logs => 0,
        Signal::Traces => 1,
    }
}

fn checksum(signal: Signal, body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&[code(signal)]), body)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests {
    use blotter_disk::simulated::SimulatedDisk;
    use blotter_disk::{Operation, Site};
    use proptest::prelude::*;

    use super::*;

    const LIMIT: u64 = 1 << 20;

    fn batch(number: u8) -> Batch {
        let body = Bytes::from(vec![number; 100]);
        let signal = if number.is_multiple_of(2) { Signal::Logs } else { Signal::Traces };
        Batch { signal, body, of: Vec::new() }
    }

    fn open(disk: SimulatedDisk) -> io::Result<Spool> {
        Spool::open(Arc::new(disk), Path::new("/a/spool"), LIMIT)
    }

    /// What waits, first to last.
    fn drain(spool: &mut Spool) -> Vec<u8> {
        let mut found = Vec::new();
        while let Some(front) = spool.front() {
            found.push(front.unwrap().1[0]);
            spool.pop();
        }
        found
    }

    #[test]
    fn what_was_appended_survives_a_power_cut_at_any_operation() {
        for number in 1.. {
            let disk = SimulatedDisk::new();
            disk.cut_power_at(number);
            let mut appended = Vec::new();
            let mut tried = 0;
            if let Ok(mut spool) = open(disk.clone()) {
                for number in 0..6 {
                    tried = number + 1;
                    if spool.append(&[batch(number)]).is_err() {
                        break;
                    }
                    appended.push(number);
                }
            }
            for seed in 0..8 {
                let found = drain(&mut open(disk.after_power_cut(seed)).unwrap());
                // At the end there may be one that was written, although nobody was told so.
                assert!(found.starts_with(&appended), "{number}: {found:?}, {appended:?}");
                let all: Vec<u8> = (0..tried).collect();
                assert!(all.starts_with(&found), "{number}: {found:?}");
            }
            if !disk.is_off() {
                assert!(number > 10, "the power was never cut");
                return;
            }
        }
    }

    #[test]
    fn without_any_one_of_its_syncs_something_would_be_lost() {
        let file = Site { step: APPEND, operation: Operation::SyncFile };
        let name = Site { step: "spool.segment", operation: Operation::SyncFolder };
        for site in [file, name] {
            let lost = |seed| {
                let disk = SimulatedDisk::new();
                disk.ignore(site);
                open(disk.clone()).unwrap().append(&[batch(0)]).unwrap();
                drain(&mut open(disk.after_power_cut(seed)).unwrap()) != [0]
            };
            assert!((0..64).any(lost), "{site} is not needed");
        }
    }

    #[test]
    fn what_was_delivered_is_gone_and_its_file_with_it() {
        let disk = SimulatedDisk::new();
        let mut spool = open(disk.clone()).unwrap();
        spool.append(&[batch(0), batch(1)]).unwrap();
        spool.append(&[batch(2)]).unwrap();
        assert_eq!(drain(&mut spool), [0, 1, 2]);
        assert_eq!(spool.bytes, 0);
        spool.append(&[batch(3)]).unwrap();
        drop(spool);
        let disk = disk.after_process_death(1);
        assert_eq!(drain(&mut open(disk).unwrap()), [3]);
    }

    #[test]
    fn another_process_leaves_alone_what_is_being_written() {
        let disk = SimulatedDisk::new();
        let mut one = open(disk.clone()).unwrap();
        one.append(&[batch(0)]).unwrap();
        let mut other = open(disk).unwrap();
        assert!(drain(&mut other).is_empty());
        assert_eq!(drain(&mut one), [0]);
    }

    #[test]
    fn a_full_spool_takes_nothing_and_keeps_what_it_has() {
        let mut spool =
            Spool::open(Arc::new(SimulatedDisk::new()), Path::new("/spool"), 250).unwrap();
        spool.append(&[batch(0), batch(1)]).unwrap();
        let full = spool.append(&[batch(2)]).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        assert_eq!(drain(&mut spool), [0, 1]);
    }

    proptest! {
        #[test]
        fn whatever_lies_in_the_folder_is_read_without_a_panic(
            mut bytes in prop::collection::vec(any::<u8>(), 0..200),
            magic in any::<bool>(),
        ) {
            let folder = tempfile::tempdir().unwrap();
            if magic {
                bytes = [MAGIC.as_slice(), &bytes].concat();
            }
            std::fs::write(folder.path().join("1.spool"), bytes).unwrap();
            let disk = Arc::new(blotter_disk::LocalDisk);
            let mut spool = Spool::open(disk, folder.path(), LIMIT).unwrap();
            drain(&mut spool);
        }
    }
}
