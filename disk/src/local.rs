//! The disk of this machine.

use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::SystemTime;

use rustix::fs::{FallocateFlags, FlockOperation, Mode, OFlags};

use crate::{Access, Disk, DiskFile, Listed, Metadata};

/// The disk of this machine: every method is a system call or a few.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalDisk;

/// Most slices that one system call takes.
const SLICES: usize = 1024;

impl Disk for LocalDisk {
    fn open(
        &self,
        _step: &'static str,
        path: &Path,
        access: Access,
    ) -> io::Result<Box<dyn DiskFile>> {
        let mut options = File::options();
        options.read(true).write(access != Access::Read);
        match access {
            Access::Read | Access::Write => {}
            Access::Create => {
                options.create(true);
            }
            Access::CreateNew => {
                options.create_new(true);
            }
        }
        Ok(Box::new(LocalFile { file: options.open(path)? }))
    }

    fn rename(&self, _step: &'static str, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, _step: &'static str, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&self, _step: &'static str, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn create_folder(&self, _step: &'static str, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn sync_folder(&self, _step: &'static str, path: &Path) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(rustix::fs::fsync(folder)?)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Listed>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let is_folder = entry.file_type()?.is_dir();
            names.push(Listed { name: entry.file_name(), is_folder });
        }
        names.sort();
        Ok(names)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let metadata = fs::metadata(path)?;
        Ok(Metadata {
            length: metadata.len(),
            modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            is_folder: metadata.is_dir(),
        })
    }
}

#[derive(Debug)]
struct LocalFile {
    file: File,
}

impl DiskFile for LocalFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(
        &self,
        _step: &'static str,
        slices: &mut [IoSlice<'_>],
        mut offset: u64,
    ) -> io::Result<()> {
        let mut rest = slices;
        while !rest.is_empty() {
            let some = rest.get(..rest.len().min(SLICES)).unwrap_or_default();
            let written = match rustix::io::pwritev(&self.file, some, offset) {
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

    fn allocate(&self, _step: &'static str, length: u64) -> io::Result<()> {
        match rustix::fs::fallocate(&self.file, FallocateFlags::empty(), 0, length) {
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn set_len(&self, _step: &'static str, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn write_out(&self, _step: &'static str) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync(&self, _step: &'static str) -> io::Result<()> {
        self.file.sync_data()
    }

    fn try_lock(&self) -> io::Result<bool> {
        match rustix::fs::flock(&self.file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
