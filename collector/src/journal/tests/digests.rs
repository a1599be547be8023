//! A request that comes again is acknowledged again and not written again.

use blotter_disk::simulated::SimulatedDisk;
use blotter_disk::{Operation, Site};

use super::*;
use crate::journal::cursor;
use crate::journal::digests::files::MOST;

/// The sync of the folder that a file of digests is in.
pub(super) const FOLDER_SYNC: Site =
    Site { step: "journal.digests", operation: Operation::SyncFolder };

/// Hands requests in as senders do, one after the other.
fn send(journal: &Journal, requests: &[Record]) -> Vec<Result<u64, Refused>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let one = |record: &Record| runtime.block_on(journal.append(record.clone(), None));
    requests.iter().map(one).collect()
}

/// A request unlike those of other numbers.
fn request(number: u16) -> Record {
    Record { body: Bytes::from(format!("{number:05}").repeat(500)), ..record(1, 0, 2) }
}

fn digest_files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "digests"));
    paths.sort();
    paths
}

#[test]
fn what_comes_again_is_acknowledged_and_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    let later = Record {
        received_unix_nano: request(1).received_unix_nano + 1_000_000_000,
        peer: Some("127.0.0.1:9".to_owned()),
        ..request(1)
    };
    let answers = send(&journal, &[request(1), request(2), later, request(2)]);
    assert_eq!(answers, [Ok(0), Ok(2), Ok(0), Ok(2)]);
    assert_eq!(records(&read(&journal)), [request(1), request(2)]);
    assert_eq!(journal.shared.digests().take_counts().again, 2);
}

#[test]
fn another_sender_with_the_same_bytes_is_not_kept_out() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    let other = Record { sender: Some("other".to_owned()), ..request(1) };
    assert_eq!(send(&journal, &[request(1), other.clone()]), [Ok(0), Ok(2)]);
    assert_eq!(records(&read(&journal)), [request(1), other]);
}

#[test]
fn what_was_refused_is_not_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let config = JournalConfig { max_bytes: 2 * SMALL, ..config() };
    let journal = open_with(folder.path(), &config, Arc::new(LocalDisk)).unwrap();
    assert_eq!(send(&journal, &[request(1), request(2)]), [Ok(0), Ok(2)]);
    assert!(matches!(send(&journal, &[request(3)])[..], [Err(Refused::Full(_))]));
    // What is durable is acknowledged again however full the journal is.
    assert_eq!(send(&journal, &[request(1)]), [Ok(0)]);
    journal.advance(CONSUMER, 2).unwrap();
    assert_eq!(send(&journal, &[request(3)]), [Ok(4)]);
}

#[test]
fn what_comes_again_after_a_restart_is_known_from_its_entry() {
    let folder = tempfile::tempdir().unwrap();
    send(&open(folder.path()).unwrap(), &[request(1), request(2), request(3)]);
    let journal = open(folder.path()).unwrap();
    assert_eq!(send(&journal, &[request(3), request(1)]), [Ok(4), Ok(0)]);
    assert_eq!(read(&journal).len(), 3);
}

#[test]
fn what_comes_again_after_its_segment_was_deleted_is_known_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    let sent: Vec<_> = (0..4).map(request).collect();
    send(&journal, &sent);
    journal.advance(CONSUMER, 8).unwrap();
    assert_eq!(segments(folder.path()).len(), 1);
    assert_eq!(digest_files(folder.path()).len(), 1);
    drop(journal);
    drop(open(folder.path()).unwrap());
    let journal = open(folder.path()).unwrap();
    assert_eq!(send(&journal, &sent), [Ok(0), Ok(2), Ok(4), Ok(6)]);
    assert_eq!(journal.end(), 8);
}

#[test]
fn digests_of_segments_that_are_deleted_at_the_start_are_kept_too() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    let sent: Vec<_> = (0..3).map(request).collect();
    send(&journal, &sent);
    // As if the process had died between the cursor and the deletion.
    let Journal { shared, .. } = &journal;
    cursor::write(&LocalDisk, folder.path(), CONSUMER, &shared.incarnation, 6).unwrap();
    drop(journal);
    drop(open(folder.path()).unwrap());
    assert_eq!(segments(folder.path()).len(), 1);
    let journal = open(folder.path()).unwrap();
    assert_eq!(send(&journal, &sent), [Ok(0), Ok(2), Ok(4)]);
}

#[test]
fn a_damaged_file_of_digests_is_left_out_and_later_removed() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    let sent: Vec<_> = (0..4).map(request).collect();
    send(&journal, &sent);
    journal.advance(CONSUMER, 8).unwrap();
    drop(journal);
    let damaged = digest_files(folder.path()).remove(0);
    overwrite(&damaged, 40, b"damage");
    let journal = open(folder.path()).unwrap();
    // The last one is in a segment still.
    assert_eq!(send(&journal, &sent), [Ok(8), Ok(10), Ok(12), Ok(6)]);
    journal.advance(CONSUMER, 14).unwrap();
    assert!(!digest_files(folder.path()).contains(&damaged));
    drop(journal);
    let journal = open(folder.path()).unwrap();
    assert_eq!(send(&journal, &sent), [Ok(8), Ok(10), Ok(12), Ok(6)]);
}

#[test]
fn files_of_digests_become_one_before_they_are_many() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    let sent: Vec<_> = (0..60).map(request).collect();
    for (position, request) in (2..).step_by(2).zip(&sent) {
        send(&journal, std::slice::from_ref(request));
        journal.advance(CONSUMER, position).unwrap();
        assert!(digest_files(folder.path()).len() <= MOST);
    }
    drop(journal);
    fs::write(folder.path().join(format!("{:020}.new", 3)), b"half").unwrap();
    let journal = open(folder.path()).unwrap();
    assert!(!folder.path().join(format!("{:020}.new", 3)).exists());
    let expected: Vec<_> = (0..120).step_by(2).map(Ok).collect();
    assert_eq!(send(&journal, &sent), expected);
}

#[test]
fn a_long_request_that_comes_again_is_known_too() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    let long = record(1, 3 << 20, 1);
    assert_eq!(send(&journal, &[long.clone(), long]), [Ok(0), Ok(0)]);
}

/// How many of many power cuts leave a journal that takes a request of a deleted segment for a new one.
fn forgotten_after_power_cuts(without: Option<Site>) -> usize {
    let folder = Path::new("/srv/journal");
    let disk = SimulatedDisk::new();
    if let Some(site) = without {
        disk.ignore(site);
    }
    let open = |disk: &SimulatedDisk| open_with(folder, &config(), Arc::new(disk.clone())).unwrap();
    let journal = open(&disk);
    assert_eq!(send(&journal, &[request(1), request(2), request(3)]), [Ok(0), Ok(2), Ok(4)]);
    journal.advance(CONSUMER, 4).unwrap();
    let forgets = |seed: &u64| {
        let journal = open(&disk.after_power_cut(*seed));
        send(&journal, &[request(1)]) != [Ok(0)]
    };
    (0..100).filter(forgets).count()
}

#[test]
fn without_the_sync_of_their_folder_digests_of_deleted_segments_are_lost_in_a_power_cut() {
    assert_eq!(forgotten_after_power_cuts(None), 0);
    assert!(forgotten_after_power_cuts(Some(FOLDER_SYNC)) > 0);
}
