//! Snapshots as bytes and as files. A file may come from anybody: it is read within limits.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Snapshot;
use super::model::{FORMAT, FORMAT_NAME};
use crate::Error;

/// Longest snapshot that is read or written, in bytes.
pub const LIMIT: u64 = 64 << 20;
/// How much of what a file says is repeated in an error, in characters.
const REPEATED: usize = 200;
/// How much of a file is looked at to see whether it is a snapshot, in bytes.
const BEGINNING: u64 = 4_096;

/// The snapshot as canonical JSON: keys in the order of the format, two spaces of indentation, a line end.
///
/// # Errors
/// [`Error::SnapshotUnreadable`] where it would be larger than what is read back.
pub fn write(snapshot: &Snapshot) -> Result<String, Error> {
    const NAME: &str = "the snapshot";
    let mut text = serde_json::to_string_pretty(snapshot)
        .map_err(|error| unreadable(NAME, &error.to_string()))?;
    text.push('\n');
    if read(NAME, text.as_bytes())? != *snapshot {
        return Err(unreadable(NAME, "it would be read back as another"));
    }
    Ok(text)
}

/// Reads a snapshot. `name` is what an error calls it.
///
/// # Errors
/// [`Error::SnapshotVersion`] for one of another version, [`Error::SnapshotUnreadable`] for anything else
/// that is no snapshot.
pub fn read(name: &str, bytes: &[u8]) -> Result<Snapshot, Error> {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LIMIT {
        return Err(unreadable(name, &format!("it is larger than {} MiB", LIMIT >> 20)));
    }
    let Named { format } = serde_json::from_slice(bytes).map_err(|error| {
        unreadable(name, &format!("it is no JSON object with a `format` ({error})"))
    })?;
    if format != FORMAT {
        let found: String = format.chars().take(REPEATED).collect();
        return Err(match found.strip_prefix(FORMAT_NAME) {
            Some(_) => Error::SnapshotVersion { name: name.to_owned(), found },
            None => unreadable(name, &format!("its format is `{found}`, not `{FORMAT}`")),
        });
    }
    serde_json::from_slice(bytes).map_err(|error| unreadable(name, &error.to_string()))
}

fn unreadable(name: &str, why: &str) -> Error {
    Error::SnapshotUnreadable { name: name.to_owned(), why: why.chars().take(REPEATED).collect() }
}

/// The part of a snapshot that every version has.
#[derive(Deserialize)]
struct Named {
    format: String,
}

/// Reads a snapshot from a file.
///
/// # Errors
/// [`Error::Read`] where the file cannot be read, else as [`read`].
pub fn open(path: &Path) -> Result<Snapshot, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(LIMIT.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    read(&path.display().to_string(), &bytes)
}

/// Writes a snapshot's text to a file, whole or not at all. A file that is there is replaced when it is a
/// snapshot, or when `force` says so.
///
/// # Errors
/// [`Error::NotOverwritten`] for a file that is something else, [`Error::Write`] when writing fails.
pub fn save(path: &Path, text: &str, force: bool) -> Result<(), Error> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    if !force && !may_be_replaced(path).map_err(failed)? {
        return Err(Error::NotOverwritten { path: path.to_owned() });
    }
    // What a link leads to is replaced, not the link.
    let path = match path.canonicalize() {
        Ok(path) => path,
        Err(_) => path.to_owned(),
    };
    let new = beside(&path);
    let written = replace(&path, &new, text);
    if written.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    written.map_err(failed)
}

/// Whether nothing is there, or a snapshot of any version.
fn may_be_replaced(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        file => file?,
    };
    let mut beginning = Vec::new();
    file.take(BEGINNING).read_to_end(&mut beginning)?;
    let beginning: Vec<u8> =
        beginning.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
    Ok(beginning.starts_with(format!("{{\"format\":\"{FORMAT_NAME}").as_bytes()))
}

/// A name in the same folder that only this process uses.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

fn replace(path: &Path, new: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(new, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}
