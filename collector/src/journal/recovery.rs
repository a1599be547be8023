//! What a journal holds after the process that wrote it has ended, however it ended.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::disk::Disk;
use super::entry::{ALIGNMENT, Incarnation, Invalid, MARKER};
use super::segment::{self, ENTRIES, NotASegment, Segment};
use crate::Error;

/// What is said about a damaged segment.
const ADVICE: &str = "the archive is not affected; to go on without what this journal still holds, \
                      move the journal's folder away and start again";

/// The segments of a folder, before their entries have been looked at.
#[derive(Debug)]
pub(super) struct Found {
    pub incarnation: Incarnation,
    pub segments: Vec<Segment>,
}

/// Where the next entry goes.
#[derive(Debug)]
pub(super) struct Tail {
    pub file: File,
    pub offset: u64,
    pub position: u64,
}

/// Reads the headers of all segments; none where there is no segment.
pub(super) fn find(folder: &Path) -> Result<Option<Found>, Error> {
    let mut found: Option<Found> = None;
    for path in segment::list(folder).map_err(Error::file("list", folder))? {
        let file = File::open(&path).map_err(Error::file("open", &path))?;
        let (segment, incarnation) = segment::open(&path, &file).map_err(|error| match error {
            NotASegment::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                Error::file("read", &path)(error)
            }
            NotASegment::Io(_) => damaged(&path, 0, "its header is cut short".to_owned()),
            NotASegment::Header(reason) => damaged(&path, 0, reason.to_owned()),
        })?;
        match &mut found {
            None => found = Some(Found { incarnation, segments: vec![segment] }),
            Some(found) if found.incarnation == incarnation => found.segments.push(segment),
            Some(_) => {
                return Err(damaged(&path, 16, "it belongs to another journal".to_owned()));
            }
        }
    }
    Ok(found)
}

/// Checks every entry of a segment that is not the last: it must reach the first position of `next`.
pub(super) fn verify(
    segment: &Segment,
    next: &Segment,
    incarnation: &Incarnation,
) -> Result<(), Error> {
    let file = File::open(&segment.path).map_err(Error::file("open", &segment.path))?;
    let (offset, position, invalid) = walk(&file, segment, incarnation, next.first)?;
    if position == next.first {
        return Ok(());
    }
    let reason = format!("{invalid}, and records {position} to {} are missing", next.first);
    Err(damaged(&segment.path, offset, reason))
}

/// Finds the end of the last segment and clears what a write that was cut short left behind it.
///
/// What is found may lie in the page cache alone: its writer died before its sync. From here on it is
/// read as durable and goes into the archive, so it is synced first.
pub(super) fn recover_tail(
    segment: &Segment,
    incarnation: &Incarnation,
    disk: &dyn Disk,
) -> Result<Tail, Error> {
    let path = &segment.path;
    let file =
        File::options().read(true).write(true).open(path).map_err(Error::file("open", path))?;
    let (offset, position, invalid) = walk(&file, segment, incarnation, u64::MAX)?;
    let read = Error::file("read", path);
    if let Some(later) =
        acknowledged_after(&file, segment, incarnation, offset, position).map_err(read)?
    {
        let reason = format!(
            "{invalid}, yet the entry at byte {later} was written when record {position} was durable"
        );
        return Err(damaged(path, offset, reason));
    }
    clear(&file, offset, segment.size).map_err(Error::file("clear the end of", path))?;
    disk.sync(&file).map_err(Error::file("sync", path))?;
    Ok(Tail { file, offset, position })
}

/// Walks the entries up to the first invalid one or up to the position `until`: the offset and
/// position reached, and why it ended.
fn walk(
    file: &File,
    segment: &Segment,
    incarnation: &Incarnation,
    until: u64,
) -> Result<(u64, u64, Invalid), Error> {
    let mut offset = ENTRIES;
    let mut position = segment.first;
    while position < until {
        let read = segment::read_entry(file, offset, segment.size, incarnation)
            .map_err(Error::file("read", &segment.path))?;
        match read {
            Ok((entry, next)) if entry.first == position => {
                offset = next;
                position = entry.end();
            }
            Ok(_) => return Ok((offset, position, Invalid::Content)),
            Err(invalid) => return Ok((offset, position, invalid)),
        }
    }
    Ok((offset, position, Invalid::Content))
}

/// Offset of a whole entry behind `offset` which proves that record `position` had been durable, and
/// so acknowledged: then the end at `offset` is damage and not a write that was cut short.
fn acknowledged_after(
    file: &File,
    segment: &Segment,
    incarnation: &Incarnation,
    offset: u64,
    position: u64,
) -> io::Result<Option<u64>> {
    let mut at = offset;
    let mut window = vec![0; 1 << 20];
    while at < segment.size {
        let read = read_some(file, &mut window, at)?;
        if read == 0 {
            break;
        }
        let window = window.get(..read).unwrap_or_default();
        let step = usize::try_from(ALIGNMENT).unwrap_or(1);
        for (index, bytes) in window.chunks(step).enumerate() {
            if !bytes.starts_with(&MARKER) {
                continue;
            }
            let candidate = at + (index * step) as u64;
            let entry = segment::read_entry(file, candidate, segment.size, incarnation)?;
            if entry.is_ok_and(|(entry, _)| entry.durable > position) {
                return Ok(Some(candidate));
            }
        }
        at += read as u64;
    }
    Ok(None)
}

/// Makes everything from `offset` on zero again, durably, so that no entry that was never
/// acknowledged can be found behind a later one.
fn clear(file: &File, offset: u64, size: u64) -> io::Result<()> {
    let mut changed = file.metadata()?.len() < size;
    if changed {
        file.set_len(size)?;
    }
    let mut at = offset;
    let mut window = vec![0; 1 << 20];
    while at < size {
        let room = usize::try_from(size - at).unwrap_or(usize::MAX).min(window.len());
        let read = read_some(file, window.get_mut(..room).unwrap_or_default(), at)?;
        if read == 0 {
            break;
        }
        let end = at + read as u64;
        if window.iter().take(read).any(|byte| *byte != 0) {
            segment::zero(file, at, end)?;
            changed = true;
        }
        at = end;
    }
    if changed { file.sync_all() } else { Ok(()) }
}

/// Fills as much of `window` as the file has from `offset` on.
fn read_some(file: &File, window: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut read = 0;
    while let Some(rest) = window.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + read as u64) {
            Ok(0) => break,
            Ok(some) => read += some,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

pub(super) fn damaged(path: &Path, offset: u64, reason: String) -> Error {
    Error::Damaged { path: path.to_owned(), offset, reason, advice: ADVICE }
}
