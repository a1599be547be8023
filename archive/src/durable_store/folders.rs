//! What makes a name durable: the file before the name, then every folder on the way to it.

use std::collections::HashSet;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use blotter_disk::{Access, Disk, DiskFile};
use bytes::Bytes;
use object_store::{PutMode, Result};

use super::store_error;

/// The folders above a name.
const FOLDER: &str = "store.folder";
/// A folder whose sync failed before.
const AGAIN: &str = "store.settle-again";

/// Which folders are durable.
#[derive(Debug)]
pub(super) struct Folders {
    pub disk: Arc<dyn Disk>,
    /// Folders whose own names were synced since this process began.
    settled: Mutex<HashSet<PathBuf>>,
    /// Folders with a name in them whose sync failed: until one succeeds, nobody may take the name
    /// for durable.
    unsettled: Mutex<HashSet<PathBuf>>,
}

/// A file that is not in its place yet.
#[derive(Debug)]
pub(super) struct Staged {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    /// What it is staged for.
    step: &'static str,
}

impl Staged {
    /// Writes `parts`, one after the other, from `offset` on.
    pub(super) fn write<'a>(
        &self,
        parts: impl IntoIterator<Item = &'a Bytes>,
        offset: u64,
    ) -> io::Result<()> {
        let mut slices: Vec<_> = parts.into_iter().map(|part| IoSlice::new(part)).collect();
        self.file.write_at(self.step, &mut slices, offset)
    }
}

/// A new name beside `path`, of the form that listings hide.
pub(super) fn staged_name(path: &Path) -> PathBuf {
    let mut staged = path.as_os_str().to_owned();
    staged.push(format!("#{}", uuid::Uuid::new_v4().as_u128()));
    PathBuf::from(staged)
}

/// Whether a file of this name is one that was never finished.
pub(super) fn is_staged(name: &str) -> bool {
    name.split_once('#').is_some_and(|(_, number)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

impl Folders {
    pub(super) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, settled: Mutex::default(), unsettled: Mutex::default() }
    }

    /// Opens a staging file beside `path`, creating the folders that lack.
    pub(super) fn stage(&self, step: &'static str, path: &Path) -> io::Result<Staged> {
        let path = staged_name(path);
        let open = || self.disk.open(step, &path, Access::CreateNew);
        let file = self.with_folder(&path, open)?;
        Ok(Staged { file, path, step })
    }

    /// Another name for a file; it must not be taken.
    pub(super) fn link(&self, step: &'static str, from: &Path, to: &Path) -> io::Result<()> {
        self.with_folder(to, || self.disk.link(step, from, to))
    }

    /// A new name for a file, whether or not it is taken.
    pub(super) fn rename(&self, step: &'static str, from: &Path, to: &Path) -> io::Result<()> {
        self.with_folder(to, || self.disk.rename(step, from, to))
    }

    /// Gives the staged file its final name, durably.
    pub(super) fn publish(&self, staged: &Staged, path: &Path, mode: &PutMode) -> Result<()> {
        let Staged { file, path: from, step } = staged;
        let named = file.sync(step).and_then(|()| match mode {
            PutMode::Create => self.disk.link(step, from, path),
            PutMode::Overwrite | PutMode::Update(_) => self.disk.rename(step, from, path),
        });
        if named.is_err() || matches!(mode, PutMode::Create) {
            self.discard(staged);
        }
        named.map_err(|error| store_error(path, error))?;
        self.settle(step, path)
    }

    /// Removes a staging file. One that stays behind is hidden and costs only its space.
    pub(super) fn discard(&self, staged: &Staged) {
        let _ = self.disk.remove(staged.step, &staged.path);
    }

    /// Makes the name of `path` durable, and those of the folders above it.
    pub(super) fn settle(&self, step: &'static str, path: &Path) -> Result<()> {
        let Some(parent) = path.parent() else { return Ok(()) };
        if let Err(error) = self.disk.sync_folder(step, parent) {
            lock(&self.unsettled).insert(parent.to_owned());
            return Err(store_error(parent, error));
        }
        for (folder, above) in parent.ancestors().zip(parent.ancestors().skip(1)) {
            if lock(&self.settled).contains(folder) {
                break;
            }
            match self.disk.sync_folder(FOLDER, above) {
                // Whoever may not read a folder did not create anything in it either.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                Err(error) => {
                    lock(&self.unsettled).insert(above.to_owned());
                    return Err(store_error(above, error));
                }
                Ok(()) => {}
            }
            lock(&self.settled).insert(folder.to_owned());
        }
        Ok(())
    }

    /// Syncs again what could not be synced; fails while that fails, so that a name which is not
    /// durable is never read as a commit.
    pub(super) fn settle_again(&self) -> Result<()> {
        let waiting: Vec<_> = lock(&self.unsettled).iter().cloned().collect();
        for folder in waiting {
            self.disk.sync_folder(AGAIN, &folder).map_err(|error| store_error(&folder, error))?;
            lock(&self.unsettled).remove(&folder);
        }
        Ok(())
    }

    /// Tries again with the folder of `path` made where it lacks.
    fn with_folder<T>(&self, path: &Path, work: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match (work(), path.parent()) {
            (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => {
                self.create_folders(parent)?;
                work()
            }
            (done, _) => done,
        }
    }

    fn create_folders(&self, folder: &Path) -> io::Result<()> {
        match (self.disk.create_folder(FOLDER, folder), folder.parent()) {
            (Err(error), _) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => {
                self.create_folders(parent)?;
                match self.disk.create_folder(FOLDER, folder) {
                    // Another process made it meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                    created => created,
                }
            }
            (created, _) => created,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
