//! Opens journals of any bytes and reads them back.

use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

use blotter_disk::simulated::SimulatedDisk;
use blotter_disk::{Access, Disk};

use super::entry::{self, Entry, HEADER, Incarnation};
use super::prepare::Preparer;
use super::segment::{self, ENTRIES};
use super::{Journal, begin};
use crate::Error;
use crate::config::JournalConfig;

const FOLDER: &str = "/journal";
const STEP: &str = "fuzz";
const CONSUMER: &str = "archive";
/// First byte of the input: the checksums are made to match.
const WITH_CHECKSUMS: u8 = 1;
/// And the positions.
const WITH_POSITIONS: u8 = 2;
/// What follows stands at the beginning of the file, over the header of the segment.
const WITH_HEADER: u8 = 4;

/// Lays the bytes where a segment's entries stand, opens the journal and reads it twice: how many entries
/// and records were found, or none where it is said to be damaged.
///
/// # Errors
/// With what is wrong: an order of positions that cannot be, or a second reading that differs.
pub fn read_back(input: &[u8]) -> Result<Option<(usize, u64)>, String> {
    let disk = SimulatedDisk::new();
    let refused = |error: Error| format!("the disk fails: {error}");
    lay(&disk, input).map_err(refused)?;
    let first = match read(&disk) {
        Err(error @ Error::File { .. }) => return Err(refused(error)),
        Err(_) => return Ok(None),
        Ok(first) => first,
    };
    let again = read(&disk).map_err(|error| format!("read once, it is damaged: {error}"))?;
    if again != first {
        return Err("read again, it says something else".to_owned());
    }
    let (entries, end) = first;
    let mut position = 0;
    for it in &entries {
        if it.first != position || it.end() <= position {
            return Err(format!("an entry at {} where {position} comes", it.first));
        }
        position = it.end();
    }
    if position != end {
        return Err(format!("the journal ends at {end} and its entries at {position}"));
    }
    Ok(Some((entries.len(), end)))
}

fn lay(disk: &SimulatedDisk, input: &[u8]) -> Result<(), Error> {
    let (&[flags], rest) = input.split_first_chunk().unwrap_or((&[0], &[]));
    let folder = Path::new(FOLDER);
    let bytes = u64::try_from(rest.len()).unwrap_or(u64::MAX).saturating_add(2 * ENTRIES);
    let config = JournalConfig {
        segment_bytes: bytes.next_multiple_of(ENTRIES),
        ..JournalConfig::default()
    };
    disk.create_folder(STEP, folder).map_err(Error::file("create", folder))?;
    let found = begin(disk, folder, &config)?;
    let mut rest = rest.to_vec();
    if flags & WITH_CHECKSUMS != 0 {
        mend(&mut rest, flags & WITH_POSITIONS != 0, &found.incarnation);
    }
    let at = if flags & WITH_HEADER == 0 { ENTRIES } else { 0 };
    let path = segment::path(folder, 0);
    let wrong = Error::file("write", &path);
    let file = disk.open(STEP, &path, Access::Write);
    file.and_then(|file| file.write_at(STEP, &mut [IoSlice::new(&rest)], at)).map_err(wrong)
}

/// Makes the checksum of each entry match, for a fuzzer never guesses one; and its position, if wanted.
fn mend(bytes: &mut [u8], positions: bool, incarnation: &Incarnation) {
    let (mut at, mut position) = (0, 0_u64);
    while let Some(rest) = bytes.get_mut(at..) {
        let Ok(length) = entry::parse_length(rest) else { return };
        let Some(it) = usize::try_from(length).ok().and_then(|length| rest.get_mut(..length))
        else {
            return;
        };
        if positions && let Some(first) = it.get_mut(16..24) {
            first.copy_from_slice(&position.to_le_bytes());
        }
        let count: [u8; 4] = it.get(12..16).and_then(|it| it.try_into().ok()).unwrap_or_default();
        position = position.saturating_add(u64::from(u32::from_le_bytes(count)));
        let crc = entry::crc(incarnation, it.get(8..).unwrap_or_default(), &[]);
        if let Some(written) = it.get_mut(4..8) {
            written.copy_from_slice(&crc.to_le_bytes());
        }
        at += usize::try_from(entry::stride(length)).unwrap_or(HEADER);
    }
}

/// Every entry, and the position after the last.
fn read(disk: &SimulatedDisk) -> Result<(Vec<Entry>, u64), Error> {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let config = JournalConfig { segment_bytes: 1, ..JournalConfig::default() };
    let preparer = |disk: &Arc<dyn Disk>, folder: &Path| Ok(Preparer::by_hand(disk, folder));
    let (journal, _writer, _queue) =
        Journal::recover(Path::new(FOLDER), &config, &[CONSUMER], shared, preparer)?;
    let mut reader = journal.reader(0);
    let mut entries = Vec::new();
    while let Some(entry) = reader.next()? {
        entries.push(entry);
    }
    Ok((entries, journal.end()))
}
