//! A disk that fails: nothing is acknowledged that could be lost.

use std::io::{self, IoSlice};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// A disk that can be made to fail.
#[derive(Debug, Default)]
struct FaultyDisk {
    /// The error that the next writes give after half of the bytes.
    write: Mutex<Option<io::ErrorKind>>,
    sync_fails: AtomicBool,
    /// When there: a sync says that it has begun and waits until it may go on.
    gate: Mutex<Option<(Sender<()>, Receiver<()>)>>,
}

impl Disk for FaultyDisk {
    fn write(&self, file: &File, slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        let Some(kind) = *self.write.lock().unwrap() else {
            return LocalDisk.write(file, slices, offset);
        };
        let bytes = slices.iter().flat_map(|slice| slice.iter().copied()).collect::<Vec<_>>();
        // The second half of a group arrives, the first does not: disks reorder.
        let half = bytes.len() / 2;
        file.write_all_at(&bytes[half..], offset + half as u64)?;
        Err(kind.into())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        if self.sync_fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk is gone"));
        }
        if let Some((begun, go_on)) = &*self.gate.lock().unwrap() {
            begun.send(()).unwrap();
            let _ = go_on.recv();
        }
        LocalDisk.sync(file)
    }
}

fn open_on(folder: &Path, disk: &Arc<FaultyDisk>) -> Journal {
    open_with(folder, &config(), Arc::clone(disk) as Arc<dyn Disk>).unwrap()
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_until_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(FaultyDisk::default());
    let journal = open_on(folder.path(), &disk);
    assert_eq!(append(&journal, &[record(1, 10, 1)]), [Ok(0)]);
    disk.sync_fails.store(true, Ordering::SeqCst);
    let answers = append(&journal, &[record(2, 10, 1)]);
    assert!(matches!(answers[..], [Err(Refused::Failed(_))]), "{answers:?}");
    // A later sync that succeeds says nothing about the pages that the failed one lost.
    disk.sync_fails.store(false, Ordering::SeqCst);
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
    let disk = Arc::new(FaultyDisk::default());
    disk.sync_fails.store(true, Ordering::SeqCst);
    let error = open_with(folder.path(), &config(), Arc::clone(&disk) as Arc<dyn Disk>);
    assert!(matches!(error, Err(Error::File { .. })), "{error:?}");
}

#[test]
fn after_a_failed_write_nothing_is_acknowledged_until_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(FaultyDisk::default());
    let journal = open_on(folder.path(), &disk);
    *disk.write.lock().unwrap() = Some(io::ErrorKind::Other);
    assert!(matches!(append(&journal, &[record(2, 10, 1)])[..], [Err(Refused::Failed(_))]));
    *disk.write.lock().unwrap() = None;
    assert!(matches!(append(&journal, &[record(2, 10, 1)])[..], [Err(Refused::Failed(_))]));
    drop(journal);
    assert_eq!(read(&open(folder.path()).unwrap()).len(), 0);
}

#[test]
fn a_full_disk_refuses_and_recovers_without_a_trace_of_what_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(FaultyDisk::default());
    let journal = open_on(folder.path(), &disk);
    assert_eq!(append(&journal, &[record(1, 10, 1)]), [Ok(0)]);
    *disk.write.lock().unwrap() = Some(io::ErrorKind::StorageFull);
    let refused = append(&journal, &[record(3, 500, 1)]);
    assert!(matches!(refused[..], [Err(Refused::Full(_))]), "{refused:?}");
    *disk.write.lock().unwrap() = None;
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
    let disk = Arc::new(FaultyDisk::default());
    let journal = Arc::new(open_on(folder.path(), &disk));
    let (begun, has_begun) = channel();
    let (go_on, may_go_on) = channel();
    *disk.gate.lock().unwrap() = Some((begun, may_go_on));
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
fn requests_that_wait_while_a_sync_runs_share_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(FaultyDisk::default());
    let journal = Arc::new(open_on(folder.path(), &disk));
    let (begun, has_begun) = channel();
    let (go_on, may_go_on) = channel();
    *disk.gate.lock().unwrap() = Some((begun, may_go_on));
    let send = |fill| {
        let (done, answer) = tokio::sync::oneshot::channel();
        let append =
            super::super::writer::Append { record: record(fill, 10, 1), done, ticket: None };
        journal.queue.send(super::super::writer::Message::Append(append)).unwrap();
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
