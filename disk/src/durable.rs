//! What is built from several operations, so that it survives a power cut, whole or not at all.

use std::io::{self, IoSlice};
use std::path::Path;

use crate::{Access, Disk, DiskFile};

/// Replaces the content of `path` as one step. When this returns, it is durable, provided that the
/// folder is.
///
/// # Errors
/// As the disk says; `path` then has its old content or the new one.
pub fn replace(disk: &dyn Disk, step: &'static str, path: &Path, content: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let file = disk.open(step, &new, Access::Create)?;
    file.set_len(step, 0)?;
    file.write_at(step, &mut [IoSlice::new(content)], 0)?;
    file.sync(step)?;
    drop(file);
    disk.rename(step, &new, path)?;
    path.parent().map_or(Ok(()), |folder| disk.sync_folder(step, folder))
}

/// All of a file.
///
/// # Errors
/// As the disk says.
pub fn read(disk: &dyn Disk, path: &Path) -> io::Result<Vec<u8>> {
    let file = disk.open("read", path, Access::Read)?;
    let length = usize::try_from(file.length()?).unwrap_or(usize::MAX);
    let mut content = vec![0; length];
    let read = file.read_up_to(&mut content, 0)?;
    content.truncate(read);
    Ok(content)
}

/// Creates a folder and those above it that are not there, durably.
///
/// A folder that is there may owe its name to a process that died before it could sync it, so the
/// folders above it are synced too.
///
/// # Errors
/// As the disk says.
pub fn create_folder(disk: &dyn Disk, step: &'static str, folder: &Path) -> io::Result<()> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    let is_there = |path: &Path| disk.metadata(path).is_ok_and(|found| found.is_folder);
    let found = is_there(folder);
    if let Some(parent) = parent {
        create_folder(disk, step, parent)?;
    }
    if !found {
        match disk.create_folder(step, folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_there(folder) => {}
            created => created?,
        }
    }
    if folder.file_name().is_none() {
        // The root, or a path that ends in `..`, is nobody's to make durable.
        return Ok(());
    }
    match disk.sync_folder(step, parent.unwrap_or_else(|| Path::new("."))) {
        // Whoever may not read a folder did not create anything in it either; and some folders far
        // above cannot be synced at all.
        Err(error)
            if found
                && matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput
                ) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

/// Writes zeros from `offset` up to `end`.
///
/// # Errors
/// As the disk says.
pub fn zero(file: &dyn DiskFile, step: &'static str, mut offset: u64, end: u64) -> io::Result<()> {
    static ZEROS: [u8; 1 << 20] = [0; 1 << 20];
    while offset < end {
        let length = usize::try_from(end - offset).unwrap_or(usize::MAX).min(ZEROS.len());
        let some = ZEROS.get(..length).unwrap_or_default();
        file.write_at(step, &mut [IoSlice::new(some)], offset)?;
        offset += some.len() as u64;
    }
    Ok(())
}
