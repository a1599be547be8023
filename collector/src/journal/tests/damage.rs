//! Writes cut short are forgotten; damage to what was acknowledged is told.

use super::*;
use crate::journal::entry;
use crate::journal::segment::ENTRIES;

/// A closed journal of one segment with these records, each synced by itself; with the offsets at
/// which they begin and the last one ends.
fn journal_of(sent: &[Record]) -> (tempfile::TempDir, Vec<u64>) {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    assert!(append(&journal, sent).iter().all(Result::is_ok));
    drop(journal);
    assert_eq!(segments(folder.path()).len(), 1);
    let mut offsets = vec![ENTRIES];
    for record in sent {
        let stride = entry::stride(entry::length(record).unwrap());
        offsets.push(offsets.last().unwrap() + stride);
    }
    (folder, offsets)
}

fn sent() -> Vec<Record> {
    vec![record(1, 40, 1), record(130, 3, 5), record(7, 77, 2)]
}

fn segment(folder: &tempfile::TempDir) -> PathBuf {
    segments(folder.path()).remove(0)
}

#[test]
fn a_tail_torn_at_any_byte_leaves_what_lies_wholly_before_it() {
    let (folder, offsets) = journal_of(&sent());
    let end = *offsets.last().unwrap();
    for cut in ENTRIES..end {
        let torn = copy(folder.path());
        let rest = vec![0; usize::try_from(end - cut).unwrap()];
        overwrite(&segment(&torn), cut, &rest);
        let journal = open(torn.path()).unwrap();
        // The padding of an entry is zero anyway.
        let lengths = sent().iter().map(|it| entry::length(it).unwrap()).collect::<Vec<_>>();
        let whole =
            offsets.iter().zip(&lengths).filter(|(at, length)| **at + u64::from(**length) <= cut);
        let whole = whole.count();
        assert_eq!(records(&read(&journal)), sent()[..whole], "cut at {cut}");
        // And what is written then is found behind it.
        let position = sent()[..whole].iter().map(|it| u64::from(it.count)).sum();
        assert_eq!(append(&journal, &[record(9, 50, 1)]), [Ok(position)], "cut at {cut}");
        drop(journal);
        assert_eq!(read(&open(torn.path()).unwrap()).len(), whole + 1, "cut at {cut}");
    }
}

#[test]
fn a_file_cut_off_at_any_byte_leaves_what_lies_wholly_before_it() {
    let (folder, offsets) = journal_of(&sent());
    let end = *offsets.last().unwrap();
    for cut in (ENTRIES..end).step_by(7) {
        let torn = copy(folder.path());
        File::options().write(true).open(segment(&torn)).unwrap().set_len(cut).unwrap();
        let journal = open(torn.path()).unwrap();
        let whole = records(&read(&journal)).len();
        assert!(sent().starts_with(&records(&read(&journal))), "cut at {cut}");
        append(&journal, &[record(9, 50, 1)]);
        drop(journal);
        assert_eq!(read(&open(torn.path()).unwrap()).len(), whole + 1, "cut at {cut}");
    }
}

#[test]
fn a_flipped_bit_in_what_was_acknowledged_is_told_with_file_and_offset() {
    let (folder, offsets) = journal_of(&sent());
    let content = fs::read(segment(&folder)).unwrap();
    for byte in ENTRIES..*offsets.last().unwrap() {
        let flipped = copy(folder.path());
        let path = segment(&flipped);
        let old = content[usize::try_from(byte).unwrap()];
        overwrite(&path, byte, &[old ^ (1 << (byte % 8))]);
        let hit = offsets.iter().rposition(|at| *at <= byte).unwrap();
        match open(flipped.path()) {
            // Padding is nobody's; and of the last write nothing says whether it was acknowledged.
            Ok(journal) => {
                let found = records(&read(&journal));
                let padding =
                    byte >= offsets[hit] + u64::from(entry::length(&sent()[hit]).unwrap());
                assert!(padding || hit + 1 == sent().len(), "byte {byte}");
                assert_eq!(found, sent()[..if padding { sent().len() } else { hit }]);
            }
            Err(Error::Damaged { path: named, offset, .. }) => {
                assert_eq!((named, offset), (path, offsets[hit]), "byte {byte}");
            }
            Err(error) => panic!("byte {byte}: {error}"),
        }
    }
}

#[test]
fn damage_before_the_last_segment_is_told_with_file_and_offset() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    append(&journal, &vec![record(1, 1800, 1); 5]);
    drop(journal);
    let paths = segments(folder.path());
    assert_eq!(paths.len(), 3);
    let second = ENTRIES + entry::stride(entry::length(&record(1, 1800, 1)).unwrap());
    overwrite(&paths[1], second + 60, b"damage");
    match open(folder.path()) {
        Err(Error::Damaged { path, offset, .. }) => {
            assert_eq!((&path, offset), (&paths[1], second))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_damaged_header_is_told_and_nothing_is_overwritten() {
    let (folder, _) = journal_of(&sent());
    for byte in [0, 9, 13, 20, 33, 41] {
        let flipped = copy(folder.path());
        let place = segment(&flipped);
        let at = usize::try_from(byte).unwrap();
        // Some of the bytes are random.
        let other = !fs::read(&place).unwrap()[at];
        overwrite(&place, byte, &[other]);
        let error = open(flipped.path()).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
        assert_eq!(segments(flipped.path()).len(), 1);
    }
}

#[test]
fn damage_while_running_is_told_by_the_reader() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    append(&journal, &sent());
    overwrite(&segments(folder.path())[0], ENTRIES + 60, b"damage");
    let error = journal.reader(0).next().unwrap_err();
    assert!(matches!(error, Error::Damaged { offset: ENTRIES, .. }), "{error}");
}

#[test]
fn a_segment_that_is_missing_in_the_middle_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    append(&journal, &vec![record(1, 3000, 1); 3]);
    drop(journal);
    fs::remove_file(&segments(folder.path())[1]).unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}

#[test]
fn a_segment_that_is_missing_at_the_front_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    append(&journal, &vec![record(1, 3000, 1); 3]);
    journal.advance(CONSUMER, 0).unwrap();
    drop(journal);
    fs::remove_file(&segments(folder.path())[0]).unwrap();
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("records 0 to 1 are missing"), "{error}");
}

/// Two entries written together, of which only the second reached the disk before the power went:
/// it was never acknowledged, and must not come back behind what is written later in its place.
#[test]
fn what_a_torn_group_left_behind_is_not_found_later() {
    let (folder, offsets) = journal_of(&sent());
    let journal = open(folder.path()).unwrap();
    let position = journal.end();
    let incarnation = journal.shared.incarnation;
    drop(journal);
    let lost = record(11, 50, 1);
    let left = record(13, 50, 1);
    let length = entry::length(&lost).unwrap();
    let mut bytes = entry::prefix(&left, length, position + 1, position, &incarnation);
    bytes.extend(&left.body);
    overwrite(&segment(&folder), offsets.last().unwrap() + entry::stride(length), &bytes);

    let journal = open(folder.path()).unwrap();
    assert_eq!(append(&journal, &[record(15, 50, 1)]), [Ok(position)]);
    drop(journal);
    let journal = open(folder.path()).unwrap();
    assert_eq!(read(&journal).len(), sent().len() + 1);
    assert_eq!(journal.end(), position + 1);
}
