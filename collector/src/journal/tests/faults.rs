//! A disk that fails: nothing is acknowledged that could be lost.

use std::io::{self, IoSlice};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, channel};

use blotter_disk::{Access, DiskFile, Listed, Metadata};

use super::*;

/// The disk of this machine, but it can be made to fail.
#[derive(Debug, Default, Clone)]
struct FaultyDisk {
    faults: Arc<Faults>,
}

#[derive(Debug, Default)]
struct Faults {
    /// The error that the next writes give after half of the bytes.
    write: Mutex<Option<io::ErrorKind>>,
    sync_fails: AtomicBool,
    /// When there: a sync says that it has begun and waits until it may go on.
    gate: Mutex<Option<(Sender<()>, Receiver<()>)>>,
}

#[derive(Debug)]
struct FaultyFile {
    file: Box<dyn DiskFile>,
    faults: Arc<Faults>,
}

impl Disk for FaultyDisk {
    fn open(
        &self,
        step: &'static str,
        path: &Path,
        access: Access,
    ) -> io::Result<Box<dyn DiskFile>> {
        let file = LocalDisk.open(step, path, access)?;
        Ok(Box::new(FaultyFile { file, faults: Arc::clone(&self.faults) }))
    }

    fn rename(&self, step: &'static str, from: &Path, to: &Path) -> io::Result<()> {
        LocalDisk.rename(step, from, to)
    }

    fn link(&self, step: &'static str, from: &Path, to: &Path) -> io::Result<()> {
        LocalDisk.link(step, from, to)
    }

    fn remove(&self, step: &'static str, path: &Path) -> io::Result<()> {
        LocalDisk.remove(step, path)
    }

    fn create_folder(&self, step: &'static str, path: &Path) -> io::Result<()> {
        LocalDisk.create_folder(step, path)
    }

    fn sync_folder(&self, step: &'static str, path: &Path) -> io::Result<()> {
        LocalDisk.sync_folder(step, path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Listed>> {
        LocalDisk.list(path)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        LocalDisk.metadata(path)
    }
}

impl DiskFile for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(
        &self,
        step: &'static str,
        slices: &mut [IoSlice<'_>],
        offset: u64,
    ) -> io::Result<()> {
        let Some(kind) = *self.faults.write.lock().unwrap() else {
            return self.file.write_at(step, slices, offset);
        };
        let bytes = slices.iter().flat_map(|slice| slice.iter().copied()).collect::<Vec<_>>();
        // The second half of a group arrives, the first does not: disks reorder.
        let half = bytes.len() / 2;
        self.file.write_at(step, &mut [IoSlice::new(&bytes[half..])], offset + half as u64)?;
        Err(kind.into())
    }

    fn allocate(&self, step: &'static str, length: u64) -> io::Result<()> {
        self.file.allocate(step, length)
    }

    fn set_len(&self, step: &'static str, length: u64) -> io::Result<()> {
        self.file.set_len(step, length)
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn write_out(&self, step: &'static str) -> io::Result<()> {
        self.file.write_out(step)
    }

    fn sync(&self, step: &'static str) -> io::Result<()> {
        if self.faults.sync_fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk is gone"));
        }
        if let Some((begun, go_on)) = &*self.faults.gate.lock().unwrap() {
            begun.send(()).unwrap();
            let _ = go_on.recv();
        }
        self.file.sync(step)
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.file.try_lock()
    }
}

fn open_on(folder: &Path, disk: &FaultyDisk) -> Journal {
    open_with(folder, &config(), Arc::new(disk.clone())).unwrap()
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_until_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let journal = open_on(folder.path(), &disk);
    assert_eq!(append(&journal, &[record(1, 10, 1)]), [Ok(0)]);
    disk.faults.sync_fails.store(true, Ordering::SeqCst);
    let answers = append(&journal, &[record(2, 10, 1)]);
    assert!(matches!(answers[..], [Err(Refused::Failed(_))]), "{answers:?}");
    // A later sync that succeeds says nothing about the pages that the failed one lost.
    disk.faults.sync_fails.store(false, Ordering::SeqCst);
    let answers = append(&journal, &[record(3, 10, 1)]);
    assert!(matches!(answers[..], [Err(Refused::Failed(_))]), "{answers:?}");
    assert_eq!(read(&journal).len(), 1);
    drop(journal);
    let journal = open(folder.path()).unwrap();
    assert!(append(&journal, &[record(4, 10, 1)])[0].is_ok());
}

#[test]
fn what_a_restart_finds_is_synced_before_it_counts_as_durable() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(append(&open(folder.path()).unwrap(), &[record(1, 10, 1)]), [Ok(0)]);
    let disk = FaultyDisk::default();
    disk.faults.sync_fails.store(true, Ordering::SeqCst);
    let error = open_with(folder.path(), &config(), Arc::new(disk.clone()));
    assert!(matches!(error, Err(Error::File { .. })), "{error:?}");
}

#[test]
fn after_a_failed_write_nothing_is_acknowledged_until_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let journal = open_on(folder.path(), &disk);
    *disk.faults.write.lock().unwrap() = Some(io::ErrorKind::Other);
    assert!(matches!(append(&journal, &[record(2, 10, 1)])[..], [Err(Refused::Failed(_))]));
    *disk.faults.write.lock().unwrap() = None;
    assert!(matches!(append(&journal, &[record(2, 10, 1)])[..], [Err(Refused::Failed(_))]));
    drop(journal);
    assert_eq!(read(&open(folder.path()).unwrap()).len(), 0);
}

#[test]
fn a_full_disk_refuses_and_recovers_without_a_trace_of_what_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let journal = open_on(folder.path(), &disk);
    assert_eq!(append(&journal, &[record(1, 10, 1)]), [Ok(0)]);
    *disk.faults.write.lock().unwrap() = Some(io::ErrorKind::StorageFull);
    let refused = append(&journal, &[record(3, 500, 1)]);
    assert!(matches!(refused[..], [Err(Refused::Full(_))]), "{refused:?}");
    *disk.faults.write.lock().unwrap() = None;
    let accepted = loop {
        match &append(&journal, &[record(5, 20, 1)])[..] {
            [Err(Refused::Full(_))] => std::thread::sleep(std::time::Duration::from_millis(50)),
            other => break other.to_vec(),
        }
    };
    assert_eq!(accepted, [Ok(1)]);
    drop(journal);
    let content = fs::read(&segments(folder.path())[0]).unwrap();
    let left = content.windows(4).filter(|bytes| *bytes == [3; 4]).count();
    assert_eq!(left, 0, "bytes of the refused request are still there");
    let journal = open(folder.path()).unwrap();
    assert_eq!(records(&read(&journal)), [record(1, 10, 1), record(5, 20, 1)]);
}

#[test]
fn the_reader_sees_nothing_before_it_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let journal = Arc::new(open_on(folder.path(), &disk));
    let (begun, has_begun) = channel();
    let (go_on, may_go_on) = channel();
    *disk.faults.gate.lock().unwrap() = Some((begun, may_go_on));
    let appending = {
        let journal = Arc::clone(&journal);
        std::thread::spawn(move || append(&journal, &[record(1, 10, 1)]))
    };
    has_begun.recv().unwrap();
    assert_eq!(journal.reader(0).next().unwrap(), None);
    assert_eq!(journal.end(), 0);
    go_on.send(()).unwrap();
    assert_eq!(appending.join().unwrap(), [Ok(0)]);
    assert!(journal.reader(0).next().unwrap().is_some());
}

#[test]
fn the_same_request_twice_before_it_is_durable_waits_for_one_entry() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let journal = Arc::new(open_on(folder.path(), &disk));
    let (begun, has_begun) = channel();
    let (go_on, may_go_on) = channel();
    *disk.faults.gate.lock().unwrap() = Some((begun, may_go_on));
    let send = |fill| {
        let (done, answer) = tokio::sync::oneshot::channel();
        let record = record(fill, 10, 2);
        let digest = Digest::of(&record);
        let append = super::super::writer::Append { record, digest, done, ticket: None };
        journal.queue.send(super::super::writer::Message::Append(Box::new(append))).unwrap();
        answer
    };
    let first = send(1);
    has_begun.recv().unwrap();
    // In the group that is being synced, and twice in the next one.
    let again = send(1);
    let mut others = [send(2), send(3), send(2)];
    go_on.send(()).unwrap();
    has_begun.recv().unwrap();
    assert_eq!((first.blocking_recv().unwrap(), again.blocking_recv().unwrap()), (Ok(0), Ok(0)));
    for other in &mut others {
        assert!(other.try_recv().is_err(), "acknowledged before it was durable");
    }
    go_on.send(()).unwrap();
    let answers = others.map(|answer| answer.blocking_recv().unwrap());
    assert_eq!(answers, [Ok(2), Ok(4), Ok(2)]);
    assert_eq!(read(&journal).len(), 3);
    assert_eq!(journal.shared.digests().take_counts().again, 2);
}

#[test]
fn the_same_request_twice_of_which_the_sync_fails_is_refused_twice() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let journal = open_on(folder.path(), &disk);
    disk.faults.sync_fails.store(true, Ordering::SeqCst);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for _ in 0..2 {
        let answer = runtime.block_on(journal.append(record(2, 10, 1), None));
        assert!(matches!(answer, Err(Refused::Failed(_))), "{answer:?}");
    }
}

#[test]
fn requests_that_wait_while_a_sync_runs_share_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let journal = Arc::new(open_on(folder.path(), &disk));
    let (begun, has_begun) = channel();
    let (go_on, may_go_on) = channel();
    *disk.faults.gate.lock().unwrap() = Some((begun, may_go_on));
    let send = |fill| {
        let (done, answer) = tokio::sync::oneshot::channel();
        let (record, digest) = (record(fill, 10, 1), unlike_any());
        let append = super::super::writer::Append { record, digest, done, ticket: None };
        journal.queue.send(super::super::writer::Message::Append(Box::new(append))).unwrap();
        answer
    };
    let first = send(1);
    has_begun.recv().unwrap();
    let others: Vec<_> = (2..10).map(send).collect();
    go_on.send(()).unwrap();
    has_begun.recv().unwrap();
    go_on.send(()).unwrap();
    assert_eq!(first.blocking_recv().unwrap(), Ok(0));
    for (position, answer) in (1..).zip(others) {
        assert_eq!(answer.blocking_recv().unwrap(), Ok(position));
    }
    // Both syncs are accounted for: a third would wait for ever.
    assert!(has_begun.try_recv().is_err());
}
