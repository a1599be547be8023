//! Takes up spools of any bytes, for the fuzzer and its corpus.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use blotter_disk::simulated::SimulatedDisk;
use blotter_disk::{Access, Disk as _};

use super::{HEAD, MAGIC, NAME, Signal, Spool, checksum};

const FOLDER: &str = "/spool";
const STEP: &str = "fuzz";
/// First byte of the input: the checksums are made to match.
const WITH_CHECKSUMS: u8 = 1;
/// What follows stands at the beginning of the file, over what says that it is a segment.
const WITH_MAGIC: u8 = 2;

/// Lays the bytes where a segment's frames stand and takes up the folder: how many requests are found,
/// each of which can be read. Then it is empty, and so is the folder.
///
/// # Errors
/// With what is wrong.
pub fn take_up(input: &[u8]) -> Result<usize, String> {
    let (&[flags], rest) = input.split_first_chunk().unwrap_or((&[0], &[]));
    let mut rest = rest.to_vec();
    if flags & WITH_CHECKSUMS != 0 {
        mend(&mut rest);
    }
    let disk = SimulatedDisk::new();
    let failed = |error: io::Error| format!("the disk fails: {error}");
    let magic: &[u8] = if flags & WITH_MAGIC == 0 { MAGIC } else { &[] };
    let folder = Path::new(FOLDER);
    let laid = || {
        disk.create_folder(STEP, folder)?;
        let path = folder.join("1").with_extension(NAME);
        let file = disk.open(STEP, &path, Access::CreateNew)?;
        file.write_at(STEP, &mut [IoSlice::new(magic), IoSlice::new(&rest)], 0)
    };
    laid().map_err(failed)?;
    let mut spool = Spool::open(Arc::new(disk.clone()), folder, 1 << 20).map_err(failed)?;
    let found = spool.len();
    for _ in 0..found {
        let front = spool.front().ok_or("fewer wait than it says")?;
        front.map_err(|error| format!("taken up, and cannot be read: {error}"))?;
        spool.pop();
    }
    match disk.list(folder).map_err(failed)?.len() {
        0 if spool.is_empty() && spool.bytes == 0 => Ok(found),
        files => Err(format!("{files} files and {} bytes are left", spool.bytes)),
    }
}

/// Makes the checksum of each frame match, for a fuzzer never guesses one.
fn mend(bytes: &mut [u8]) {
    let mut at = 0;
    while let Some(rest) = bytes.get_mut(at..) {
        let Some((head, body)) = rest.split_at_mut_checked(HEAD) else { return };
        let (Some(length), Some(signal)) = (head.first_chunk(), head.last()) else { return };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some(body) = body.get(..length) else { return };
        let signal = if *signal == 0 { Signal::Logs } else { Signal::Traces };
        let sum = checksum(signal, body).to_le_bytes();
        head.iter_mut().skip(4).zip(sum).for_each(|(to, byte)| *to = byte);
        at = at.saturating_add(HEAD + length);
    }
}
