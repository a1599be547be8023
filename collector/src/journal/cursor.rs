//! How far a consumer has come, durably.
//!
//! The file has two places, [`APART`] bytes from each other, which are written in turn: one that is
//! torn leaves the other. They are written where they are, because a full disk has no room for a new
//! file, and it is the cursor that lets segments be deleted.
//!
//! | bytes of a place | content (integers little-endian) |
//! |---|---|
//! | 0..8 | magic |
//! | 8..24 | incarnation of the journal |
//! | 24..32 | position |
//! | 32..36 | CRC-32C of everything before |

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

use blotter_disk::{Access, Disk, DiskFile, durable};

use super::entry::{Incarnation, take};
use crate::Error;

/// How a cursor begins.
const MAGIC: [u8; 8] = *b"BLTCURS1";
/// Length of a place.
const LENGTH: usize = 36;
/// Bytes from one place to the other: no disk tears both with one write.
const APART: u64 = 4096;
/// Where the places are.
const PLACES: [u64; 2] = [0, APART];
/// Name of what is done to the disk here.
const STEP: &str = "journal.cursor";

/// File of the cursor of `consumer`.
pub(super) fn path(folder: &Path, consumer: &str) -> PathBuf {
    folder.join(format!("{consumer}.cursor"))
}

/// Writes a cursor; when this returns, it is durable.
pub(super) fn write(
    disk: &dyn Disk,
    folder: &Path,
    consumer: &str,
    incarnation: &Incarnation,
    position: u64,
) -> Result<(), Error> {
    let mut content = Vec::with_capacity(LENGTH);
    content.extend(MAGIC);
    content.extend(incarnation);
    content.extend(position.to_le_bytes());
    let crc = crc32c::crc32c(&content);
    content.extend(crc.to_le_bytes());
    let path = path(folder, consumer);
    put(disk, &path, &content, incarnation).map_err(Error::file("write", &path))
}

fn put(disk: &dyn Disk, path: &Path, content: &[u8], incarnation: &Incarnation) -> io::Result<()> {
    let file = disk.open(STEP, path, Access::Create)?;
    let length = file.length()?;
    let is_new = length < 2 * APART;
    if is_new {
        // Both places get their space now.
        durable::zero(&*file, STEP, length, 2 * APART)?;
    }
    let [first, second] = positions(&*file, incarnation)?;
    let place = if first > second { PLACES[1] } else { PLACES[0] };
    file.write_at(STEP, &mut [IoSlice::new(content)], place)?;
    file.sync(STEP)?;
    if is_new {
        path.parent().map_or(Ok(()), |folder| disk.sync_folder(STEP, folder))?;
    }
    Ok(())
}

/// Reads a cursor. None where there is none, where it is damaged, or where it belongs to a journal
/// that is gone: the consumer then starts at the oldest entry, and the versions stored in the archive
/// keep it from doing anything twice.
pub(super) fn read(
    disk: &dyn Disk,
    folder: &Path,
    consumer: &str,
    incarnation: &Incarnation,
) -> Result<Option<u64>, Error> {
    let path = path(folder, consumer);
    let positions =
        disk.open(STEP, &path, Access::Read).and_then(|file| positions(&*file, incarnation));
    let position = match positions {
        Ok(positions) => positions.into_iter().max().flatten(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file("read", &path)(error)),
    };
    if position.is_none() {
        tracing::warn!(
            file = %path.display(),
            "not a cursor of this journal; starting at its oldest entry"
        );
    }
    Ok(position)
}

/// The positions in both places; none in one that holds no cursor of this journal.
fn positions(file: &dyn DiskFile, incarnation: &Incarnation) -> io::Result<[Option<u64>; 2]> {
    let mut positions = [None; 2];
    for (position, place) in positions.iter_mut().zip(PLACES) {
        let mut content = [0; LENGTH];
        if file.read_up_to(&mut content, place)? == LENGTH {
            *position = parse(&content, incarnation);
        }
    }
    Ok(positions)
}
fn parse(content: &[u8], incarnation: &Incarnation) -> Option<u64> {
    let (checked, crc) = content.split_last_chunk::<4>()?;
    let mut rest = checked;
    let known = take(&mut rest) == Some(MAGIC) && take(&mut rest).as_ref() == Some(incarnation);
    let position = u64::from_le_bytes(take(&mut rest)?);
    let whole = rest.is_empty() && crc32c::crc32c(checked) == u32::from_le_bytes(*crc);
    (known && whole).then_some(position)
}
