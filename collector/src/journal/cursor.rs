//! How far a consumer has come, durably.

use std::io;
use std::path::{Path, PathBuf};

use blotter_disk::{Disk, durable};

use super::entry::{Incarnation, take};
use crate::Error;

/// How a cursor file begins.
const MAGIC: [u8; 8] = *b"BLTCURS1";

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
    let mut content = Vec::new();
    content.extend(MAGIC);
    content.extend(incarnation);
    content.extend(position.to_le_bytes());
    let crc = crc32c::crc32c(&content);
    content.extend(crc.to_le_bytes());
    let path = path(folder, consumer);
    durable::replace(disk, "journal.cursor", &path, &content).map_err(Error::file("write", &path))
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
    let content = match durable::read(disk, &path) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file("read", &path)(error)),
    };
    let position = parse(&content, incarnation);
    if position.is_none() {
        tracing::warn!(
            file = %path.display(),
            "not a cursor of this journal; starting at its oldest entry"
        );
    }
    Ok(position)
}

fn parse(content: &[u8], incarnation: &Incarnation) -> Option<u64> {
    let (checked, crc) = content.split_last_chunk::<4>()?;
    let mut rest = checked;
    let known = take(&mut rest) == Some(MAGIC) && take(&mut rest).as_ref() == Some(incarnation);
    let position = u64::from_le_bytes(take(&mut rest)?);
    let whole = rest.is_empty() && crc32c::crc32c(checked) == u32::from_le_bytes(*crc);
    (known && whole).then_some(position)
}
