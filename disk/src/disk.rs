//! The trait.
//!
//! Every operation that changes something is told its `step`: a short name that says what it is done
//! for (`journal.append`). Together with the [`Operation`] it names a place in the program, so that a
//! test can fail, skip or stop at exactly that place. The real disk ignores it.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, IoSlice};
use std::path::Path;
use std::time::SystemTime;

/// How a file is opened. All but [`Access::Read`] may be read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It must be there, and is only read.
    Read,
    /// It must be there.
    Write,
    /// It is created, empty, if it is not there.
    Create,
    /// It must not be there yet, and is created: otherwise [`io::ErrorKind::AlreadyExists`].
    CreateNew,
}

/// An operation that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// [`Disk::open`] with [`Access::Create`] or [`Access::CreateNew`].
    Create,
    /// [`DiskFile::write_at`].
    Write,
    /// [`DiskFile::allocate`].
    Allocate,
    /// [`DiskFile::set_len`].
    SetLength,
    /// [`DiskFile::write_out`].
    WriteOut,
    /// [`DiskFile::sync`].
    SyncFile,
    /// [`Disk::rename`].
    Rename,
    /// [`Disk::link`].
    Link,
    /// [`Disk::remove`].
    Remove,
    /// [`Disk::create_folder`].
    CreateFolder,
    /// [`Disk::sync_folder`].
    SyncFolder,
}

impl Operation {
    /// Whether it makes something durable.
    #[must_use]
    pub const fn is_sync(self) -> bool {
        matches!(self, Self::SyncFile | Self::SyncFolder)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Write => "write",
            Self::Allocate => "allocate",
            Self::SetLength => "set length",
            Self::WriteOut => "write out",
            Self::SyncFile => "sync file",
            Self::Rename => "rename",
            Self::Link => "link",
            Self::Remove => "remove",
            Self::CreateFolder => "create folder",
            Self::SyncFolder => "sync folder",
        })
    }
}

/// A place in the program that changes something on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    /// What it is done for.
    pub step: &'static str,
    /// What is done.
    pub operation: Operation,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.operation)
    }
}

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The name, without the folder's.
    pub name: OsString,
    /// Whether it is a folder itself.
    pub is_folder: bool,
}

/// What is known of a name without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// Bytes of a file.
    pub length: u64,
    /// When the content was last changed.
    pub modified: SystemTime,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// Files and folders by name.
///
/// A name that is created, renamed, linked or removed stays so over a power cut only after
/// [`Disk::sync_folder`] of the folder it is in, and of those above it that are new. That a file was
/// synced says nothing about its name.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Opens a file.
    ///
    /// # Errors
    /// As the system says; [`io::ErrorKind::AlreadyExists`] with [`Access::CreateNew`].
    fn open(
        &self,
        step: &'static str,
        path: &Path,
        access: Access,
    ) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, as one step, replacing a file that has it; does nothing where both
    /// are names of one file.
    ///
    /// # Errors
    /// As the system says.
    fn rename(&self, step: &'static str, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a second name, as one step.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] when something has that name.
    fn link(&self, step: &'static str, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes the name of a file; who has it open can go on.
    ///
    /// # Errors
    /// As the system says.
    fn remove(&self, step: &'static str, path: &Path) -> io::Result<()>;

    /// Creates a folder in one that is there.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] when something has that name.
    fn create_folder(&self, step: &'static str, path: &Path) -> io::Result<()>;

    /// Returns once the names in a folder, not those in the folders below it, would survive a power
    /// cut.
    ///
    /// # Errors
    /// As the system says.
    fn sync_folder(&self, step: &'static str, path: &Path) -> io::Result<()>;

    /// The names in a folder, sorted.
    ///
    /// # Errors
    /// As the system says.
    fn list(&self, path: &Path) -> io::Result<Vec<Listed>>;

    /// What a name stands for.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when it stands for nothing.
    fn metadata(&self, path: &Path) -> io::Result<Metadata>;

    /// Whether it lies in the memory of this process: then nobody else knows its paths, and no operation
    /// takes long enough to need a thread of its own.
    fn is_in_memory(&self) -> bool {
        false
    }
}

/// An open file.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Reads what there is at `offset`, up to the length of `buffer`; 0 at the end of the file.
    ///
    /// # Errors
    /// As the system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `slices`, one after the other, from `offset` on.
    ///
    /// # Errors
    /// As the system says; any part may have been written then.
    fn write_at(
        &self,
        step: &'static str,
        slices: &mut [IoSlice<'_>],
        offset: u64,
    ) -> io::Result<()>;

    /// Sets space aside for the first `length` bytes, which read as zeros where nothing was written.
    /// Does nothing on a disk that cannot.
    ///
    /// # Errors
    /// As the system says: this is where a full disk is told early.
    fn allocate(&self, step: &'static str, length: u64) -> io::Result<()>;

    /// Cuts the file off at `length`, or fills it up with zeros.
    ///
    /// # Errors
    /// As the system says.
    fn set_len(&self, step: &'static str, length: u64) -> io::Result<()>;

    /// Length of the file in bytes.
    ///
    /// # Errors
    /// As the system says.
    fn length(&self) -> io::Result<u64>;

    /// Has what is in memory written to the disk, so that a later [`DiskFile::sync`] has less to do.
    /// It promises nothing.
    ///
    /// # Errors
    /// As the system says.
    fn write_out(&self, step: &'static str) -> io::Result<()>;

    /// Returns once content and length, but not the name, would survive a power cut.
    ///
    /// # Errors
    /// As the system says. What was not synced before may be lost then, and a later call that
    /// succeeds says nothing about it.
    fn sync(&self, step: &'static str) -> io::Result<()>;

    /// Takes the one lock on the file, which is held until this is dropped or the process ends, or
    /// says false when somebody else has it.
    ///
    /// # Errors
    /// As the system says.
    fn try_lock(&self) -> io::Result<bool>;

    /// Fills as much of `buffer` as the file has from `offset` on; how much that was.
    ///
    /// # Errors
    /// As the system says.
    fn read_up_to(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut read = 0;
        while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, offset.saturating_add(read as u64)) {
                Ok(0) => break,
                Ok(some) => read += some,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    /// Fills `buffer`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when the file ends before that.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        if self.read_up_to(buffer, offset)? == buffer.len() {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}
