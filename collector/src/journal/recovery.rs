//! What a journal holds after the process that wrote it has ended, however it ended.

use std::io::{self, IoSlice};
use std::path::Path;

use blotter_disk::{Access, Disk, DiskFile, durable};

use super::entry::{ALIGNMENT, Entry, Incarnation, Invalid, MARKER};
use super::segment::{self, ENTRIES, NotASegment, Segment};
use crate::Error;

/// What is said about a damaged segment.
const ADVICE: &str = "the archive is not affected; to go on without what this journal still holds, \
                      move the journal's folder away and start again";

/// Name of what is done to the disk here.
const STEP: &str = "journal.recover";

/// The segments of a folder, before their entries have been looked at.
#[derive(Debug)]
pub(super) struct Found {
    pub incarnation: Incarnation,
    pub segments: Vec<Segment>,
}

/// Where the next entry goes.
#[derive(Debug)]
pub(super) struct Tail {
    pub file: Box<dyn DiskFile>,
    pub offset: u64,
    pub position: u64,
}

/// Reads the headers of all segments; none where there is no segment.
pub(super) fn find(disk: &dyn Disk, folder: &Path) -> Result<Option<Found>, Error> {
    let mut found: Option<Found> = None;
    for path in segment::list(disk, folder).map_err(Error::file("list", folder))? {
        let file = open(disk, &path)?;
        let (segment, incarnation) = segment::open(&path, &*file).map_err(|error| match error {
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

/// Reads the entries of a segment that no consumer needs any more, up to damage, if there is any.
pub(super) fn read_passed(
    disk: &dyn Disk,
    segment: &Segment,
    incarnation: &Incarnation,
    each: &mut dyn FnMut(&Entry),
) {
    let file = open(disk, &segment.path);
    let walked = file.and_then(|file| walk(&*file, segment, incarnation, u64::MAX, each));
    if let Err(error) = walked {
        tracing::warn!("{error}; its records are in the archive");
    }
}

/// Checks every entry of a segment that is not the last: it must reach the first position of `next`.
pub(super) fn verify(
    disk: &dyn Disk,
    segment: &Segment,
    next: &Segment,
    incarnation: &Incarnation,
    each: &mut dyn FnMut(&Entry),
) -> Result<(), Error> {
    let file = open(disk, &segment.path)?;
    let Walked { offset, position, invalid, .. } =
        walk(&*file, segment, incarnation, next.first, each)?;
    if position == next.first {
        return Ok(());
    }
    let reason = format!("{invalid}, and records {position} to {} are missing", next.first);
    Err(damaged(&segment.path, offset, reason))
}

/// Finds the end of the last segment and clears what a write that was cut short left behind it.
///
/// What is found may lie in the page cache alone: its writer died before its sync, or the sync failed.
/// From here on it is read as durable and goes into the archive, so it is synced first; and because the
/// kernel takes a page whose sync failed for clean, what no later entry proves durable is written again
/// before that.
pub(super) fn recover_tail(
    disk: &dyn Disk,
    segment: &Segment,
    incarnation: &Incarnation,
    each: &mut dyn FnMut(&Entry),
) -> Result<Tail, Error> {
    let path = &segment.path;
    let file = disk.open(STEP, path, Access::Write).map_err(Error::file("open", path))?;
    let Walked { offset, position, invalid, group } =
        walk(&*file, segment, incarnation, u64::MAX, each)?;
    let read = Error::file("read", path);
    if let Some(later) =
        acknowledged_after(&*file, segment, incarnation, offset, position).map_err(read)?
    {
        let reason = format!(
            "{invalid}, yet the entry at byte {later} was written when record {position} was durable"
        );
        return Err(damaged(path, offset, reason));
    }
    rewrite(&*file, group, offset).map_err(Error::file("write", path))?;
    clear(&*file, offset, segment.size).map_err(Error::file("clear the end of", path))?;
    file.sync(STEP).map_err(Error::file("sync", path))?;
    Ok(Tail { file, offset, position })
}

/// How far the entries of a segment go.
#[derive(Debug)]
struct Walked {
    /// Where the one after the last would begin.
    offset: u64,
    /// Its position.
    position: u64,
    /// Why it is none.
    invalid: Invalid,
    /// Where the entries begin that were written last, with one write: nothing shows that they were
    /// synced.
    group: u64,
}

/// Walks the entries up to the first invalid one or up to the position `until`. `each` is
/// shown every one on the way.
fn walk(
    file: &dyn DiskFile,
    segment: &Segment,
    incarnation: &Incarnation,
    until: u64,
    each: &mut dyn FnMut(&Entry),
) -> Result<Walked, Error> {
    let (mut offset, mut position) = (ENTRIES, segment.first);
    let mut group = offset;
    let mut invalid = Invalid::Content;
    while position < until {
        let read = segment::read_entry(file, offset, segment.size, incarnation)
            .map_err(Error::file("read", &segment.path))?;
        match read {
            Ok((entry, next)) if entry.first == position => {
                if entry.durable == entry.first {
                    group = offset;
                }
                offset = next;
                position = entry.end();
                each(&entry);
            }
            Ok(_) => break,
            Err(why) => {
                invalid = why;
                break;
            }
        }
    }
    Ok(Walked { offset, position, invalid, group })
}

/// Offset of a whole entry behind `offset` which proves that record `position` had been durable, and
/// so acknowledged: then the end at `offset` is damage and not a write that was cut short.
fn acknowledged_after(
    file: &dyn DiskFile,
    segment: &Segment,
    incarnation: &Incarnation,
    offset: u64,
    position: u64,
) -> io::Result<Option<u64>> {
    let mut at = offset;
    let mut window = vec![0; 1 << 20];
    while at < segment.size {
        let read = file.read_up_to(&mut window, at)?;
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

/// Writes what is read from `from` up to `to` to the same place.
fn rewrite(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
    let mut at = from;
    let mut window = vec![0; 1 << 20];
    while at < to {
        let room = usize::try_from(to - at).unwrap_or(usize::MAX).min(window.len());
        let read = file.read_up_to(window.get_mut(..room).unwrap_or_default(), at)?;
        if read == 0 {
            break;
        }
        let bytes = window.get(..read).unwrap_or_default();
        file.write_at(STEP, &mut [IoSlice::new(bytes)], at)?;
        at += read as u64;
    }
    Ok(())
}

/// Makes everything from `offset` on zero again, so that no entry that was never acknowledged can be
/// found behind a later one.
fn clear(file: &dyn DiskFile, offset: u64, size: u64) -> io::Result<()> {
    if file.length()? < size {
        file.set_len(STEP, size)?;
    }
    let mut at = offset;
    let mut window = vec![0; 1 << 20];
    while at < size {
        let room = usize::try_from(size - at).unwrap_or(usize::MAX).min(window.len());
        let read = file.read_up_to(window.get_mut(..room).unwrap_or_default(), at)?;
        if read == 0 {
            break;
        }
        let end = at + read as u64;
        if window.iter().take(read).any(|byte| *byte != 0) {
            durable::zero(file, STEP, at, end)?;
        }
        at = end;
    }
    Ok(())
}

/// Opens a segment to read it.
pub(super) fn open(disk: &dyn Disk, path: &Path) -> Result<Box<dyn DiskFile>, Error> {
    disk.open("journal.read", path, Access::Read).map_err(Error::file("open", path))
}

pub(super) fn damaged(path: &Path, offset: u64, reason: String) -> Error {
    Error::Damaged { path: path.to_owned(), offset, reason, advice: ADVICE }
}
