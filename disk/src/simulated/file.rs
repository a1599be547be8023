//! An open file of a simulated disk.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::mood::Moods;
use super::names::Inode;
use super::{SimulatedDisk, Verdict};
use crate::{DiskFile, Operation};

#[derive(Debug)]
pub(super) struct SimulatedFile {
    disk: SimulatedDisk,
    inode: Inode,
    /// As it was opened: for who reads what was done.
    path: PathBuf,
    writable: bool,
    has_lock: AtomicBool,
}

impl SimulatedFile {
    pub(super) fn new(disk: SimulatedDisk, inode: Inode, path: &Path, writable: bool) -> Self {
        Self { disk, inode, path: path.to_owned(), writable, has_lock: AtomicBool::new(false) }
    }

    fn may_write(&self) -> io::Result<()> {
        if self.writable { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }

    fn change_length(
        &self,
        step: &'static str,
        operation: Operation,
        change: impl FnOnce(usize) -> Option<usize>,
    ) -> io::Result<()> {
        self.may_write()?;
        let mut state = self.disk.state();
        state.perform_whole(step, operation, &self.path)?;
        let file = state.file(self.inode)?;
        if let Some(length) = change(file.cached().len()) {
            file.set_len(length);
            state.touch(self.inode);
        }
        Ok(())
    }
}

impl DiskFile for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        state.powered()?;
        let rest = state.file(self.inode)?.cached().get(index(offset)?..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        Ok(length)
    }

    fn write_at(
        &self,
        step: &'static str,
        slices: &mut [IoSlice<'_>],
        offset: u64,
    ) -> io::Result<()> {
        self.may_write()?;
        let mut state = self.disk.state();
        let verdict = state.perform(step, Operation::Write, &self.path)?;
        let offset = index(offset)?;
        let mut bytes = slices.iter().flat_map(|slice| slice.iter().copied()).collect::<Vec<_>>();
        let file = state.file(self.inode)?;
        if let Verdict::Fail(failure) = verdict {
            // The second half, so that nobody counts on the order.
            let half = bytes.len() / 2;
            file.write(offset + half, bytes.split_off(half));
            return Err(failure.error());
        }
        file.write(offset, bytes);
        state.touch(self.inode);
        Ok(())
    }

    fn allocate(&self, step: &'static str, length: u64) -> io::Result<()> {
        let length = index(length)?;
        let grow = |now: usize| (now < length).then_some(length);
        self.change_length(step, Operation::Allocate, grow)
    }

    fn set_len(&self, step: &'static str, length: u64) -> io::Result<()> {
        let length = index(length)?;
        self.change_length(step, Operation::SetLength, |_| Some(length))
    }

    fn length(&self) -> io::Result<u64> {
        let mut state = self.disk.state();
        state.powered()?;
        Ok(state.file(self.inode)?.cached().len() as u64)
    }

    fn write_out(&self, step: &'static str) -> io::Result<()> {
        self.disk.state().perform_whole(step, Operation::WriteOut, &self.path)
    }

    fn sync(&self, step: &'static str) -> io::Result<()> {
        let mut state = self.disk.state();
        let seed = state.performed.len() as u64;
        match state.perform(step, Operation::SyncFile, &self.path)? {
            Verdict::Do => state.file(self.inode)?.sync(),
            Verdict::Ignore => {}
            Verdict::Fail(failure) => {
                state.file(self.inode)?.fail_to_sync(&mut Moods::new(seed));
                return Err(failure.error());
            }
        }
        Ok(())
    }

    fn try_lock(&self) -> io::Result<bool> {
        let mut state = self.disk.state();
        state.powered()?;
        let taken = state.locked.insert(self.inode);
        self.has_lock.fetch_or(taken, Ordering::SeqCst);
        Ok(self.has_lock.load(Ordering::SeqCst))
    }
}

impl Drop for SimulatedFile {
    fn drop(&mut self) {
        if self.has_lock.load(Ordering::SeqCst) {
            self.disk.state().locked.remove(&self.inode);
        }
    }
}

fn index(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}
