//! What the journal asks of the disk while it runs.

use std::fs::File;
use std::io::{self, IoSlice};

/// Writing and syncing. A seam, so that a test can put a failing disk here.
pub(crate) trait Disk: Send + Sync + std::fmt::Debug {
    /// Writes all of `slices`, one after the other, from `offset` on.
    fn write(&self, file: &File, slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()>;

    /// Returns once everything written to `file` would survive a power cut.
    fn sync(&self, file: &File) -> io::Result<()>;
}

/// The disk of this machine.
#[derive(Debug)]
pub(crate) struct LocalDisk;

/// Most slices that one system call takes.
const SLICES: usize = 1024;

impl Disk for LocalDisk {
    fn write(&self, file: &File, slices: &mut [IoSlice<'_>], mut offset: u64) -> io::Result<()> {
        let mut rest = slices;
        while !rest.is_empty() {
            let some = rest.get(..rest.len().min(SLICES)).unwrap_or_default();
            let written = match rustix::io::pwritev(file, some, offset) {
                Ok(0) if some.iter().any(|slice| !slice.is_empty()) => {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                Ok(written) => written,
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            offset = offset.saturating_add(written as u64);
            IoSlice::advance_slices(&mut rest, written);
        }
        Ok(())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}

/// Whether more space on the disk would have helped.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
