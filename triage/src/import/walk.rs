//! The files of a folder, in an order that does not depend on the disk.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::FILE_LIMIT;

/// Deepest folder that is entered.
const DEPTH: usize = 32;

/// What a walk came upon.
pub(super) enum Found {
    /// A file.
    File {
        /// Where it lies.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// Whether the caller named it.
        named: bool,
    },
    /// Something that cannot be read.
    Unreadable {
        /// Where it lies.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// `path` itself where it is a file, else every file below it in sorted order. Links below a folder
/// are not followed.
pub(super) fn files(path: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => folder(path, 0, &mut found),
        Ok(metadata) => {
            found.push(Found::File { path: path.to_owned(), size: metadata.len(), named: true });
        }
        Err(error) => found.push(unreadable(path, &error)),
    }
    found
}

fn folder(path: &Path, depth: usize, found: &mut Vec<Found>) {
    if depth > DEPTH {
        let reason = format!("more than {DEPTH} folders deep");
        found.push(Found::Unreadable { path: path.to_owned(), reason });
        return;
    }
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => {
            found.push(unreadable(path, &error));
            return;
        }
    };
    let mut inner = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => inner.push(entry.path()),
            Err(error) => found.push(unreadable(path, &error)),
        }
    }
    inner.sort();
    for path in inner {
        match std::fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => folder(&path, depth + 1, found),
            Ok(metadata) if metadata.is_file() => {
                found.push(Found::File { path, size: metadata.len(), named: false });
            }
            Ok(_) => {}
            Err(error) => found.push(unreadable(&path, &error)),
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Found {
    Found::Unreadable { path: path.to_owned(), reason: error.to_string() }
}

/// Reads a file, [`FILE_LIMIT`] bytes at most.
pub(super) fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    File::open(path)?.take(FILE_LIMIT + 1).read_to_end(&mut body)?;
    if u64::try_from(body.len()).unwrap_or(u64::MAX) > FILE_LIMIT {
        return Err(std::io::Error::other(format!("more than {FILE_LIMIT} bytes")));
    }
    Ok(body)
}
