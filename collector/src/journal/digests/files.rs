//! Digests of requests whose segments are deleted.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use blotter_disk::{Access, Disk, durable};

use super::format::{self, LARGEST};
use super::{Digests, ROOM, Taken};
use crate::Error;
use crate::journal::entry::Incarnation;

/// Extension of these files.
const EXTENSION: &str = "digests";
/// Extension of a file that is not whole yet.
const NEW: &str = "new";
/// Name of what is done to the disk here.
const STEP: &str = "journal.digests";
/// Most files; when there are more, they become one.
pub(in crate::journal) const MOST: usize = 16;

/// The files of digests in a journal's folder.
#[derive(Debug)]
pub(in crate::journal) struct DigestFiles {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    incarnation: Incarnation,
    /// With the position of the last digest in it; none where it cannot be read.
    files: Vec<(PathBuf, Option<u64>)>,
    /// What lies before this position is in the files.
    until: u64,
}

impl DigestFiles {
    /// Reads the files of `folder`. One that is damaged is left out: a request that is sent again may
    /// then be written again, and is found to be the same when it is read.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub(in crate::journal) fn open(
        disk: &Arc<dyn Disk>,
        folder: &Path,
        incarnation: &Incarnation,
    ) -> Result<(Self, Digests), Error> {
        let mut found = Self {
            disk: Arc::clone(disk),
            folder: folder.to_owned(),
            incarnation: *incarnation,
            files: Vec::new(),
            until: 0,
        };
        let mut all: Vec<Taken> = Vec::new();
        for path in list(&**disk, folder).map_err(Error::file("list", folder))? {
            match read(&**disk, &path, incarnation) {
                Ok(mut taken) => {
                    found.files.push((path, taken.last().map(|last| last.position)));
                    all.append(&mut taken);
                    all.sort_by_key(|taken| taken.position);
                    all.dedup_by_key(|taken| taken.position);
                    all.drain(..all.len().saturating_sub(ROOM));
                }
                Err(reason) => {
                    tracing::warn!(
                        file = %path.display(),
                        "ignoring a file of request digests: {reason}; a request of the last day that is sent again may be \
                         stored twice, with the same event_id"
                    );
                    found.files.push((path, None));
                }
            }
        }
        found.until = all.last().map_or(0, |last| last.position.saturating_add(1));
        let mut digests = Digests::new(ROOM);
        all.into_iter().for_each(|taken| digests.add(taken));
        Ok((found, digests))
    }

    /// Writes, durably, what `digests` knows before position `until` and the files do not have, and
    /// removes the files that hold nothing any more that is remembered.
    ///
    /// What it is called for goes on when this fails, and the next call makes up for it: deleting
    /// segments is what makes space again on a full disk.
    pub(in crate::journal) fn keep_or_warn(&mut self, digests: &Mutex<Digests>, until: u64) {
        if until <= self.until {
            return;
        }
        if let Err(error) = self.keep(digests, until) {
            tracing::warn!(
                folder = %self.folder.display(),
                "cannot write the digests of requests whose segments are deleted: {error}; if the collector is restarted \
                 before it can, one of them that is sent again may be stored twice, with the same event_id"
            );
        }
    }

    fn keep(&mut self, digests: &Mutex<Digests>, until: u64) -> io::Result<()> {
        let all = self.files.len() >= MOST;
        let (oldest, new) = {
            let digests = digests.lock().unwrap_or_else(PoisonError::into_inner);
            let from = if all { 0 } else { self.until };
            (digests.first(), digests.between(from, until))
        };
        let is_passed = |last: Option<u64>| all || last.is_none() || last < oldest;
        let mut passed: Vec<PathBuf> = self
            .files
            .iter()
            .filter(|(_, last)| is_passed(*last))
            .map(|(path, _)| path.clone())
            .collect();
        if let (Some(first), Some(last)) = (new.first(), new.last()) {
            let path = self.folder.join(format!("{:020}.{EXTENSION}", first.position));
            let content = format::encode(&new, &self.incarnation);
            durable::replace(&*self.disk, STEP, &path, &content)?;
            passed.retain(|other| *other != path);
            self.files.retain(|(other, _)| *other != path);
            self.files.push((path, Some(last.position)));
        }
        self.until = until;
        for path in passed {
            remove(&*self.disk, &path)?;
            self.files.retain(|(other, _)| *other != path);
        }
        Ok(())
    }
}

/// The files of digests in a folder; those that a dead process left half written are removed.
fn list(disk: &dyn Disk, folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for listed in disk.list(folder)? {
        let path = folder.join(listed.name);
        let is_numbered = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .is_some_and(|stem| stem.len() == 20 && stem.bytes().all(|it| it.is_ascii_digit()));
        match path.extension().and_then(|extension| extension.to_str()) {
            Some(EXTENSION) if is_numbered => paths.push(path),
            Some(NEW) if is_numbered => remove(disk, &path)?,
            _ => {}
        }
    }
    Ok(paths)
}

fn remove(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.remove(STEP, path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What a file holds, or why it is none of ours.
fn read(disk: &dyn Disk, path: &Path, incarnation: &Incarnation) -> Result<Vec<Taken>, String> {
    let content = || {
        let file = disk.open(STEP, path, Access::Read)?;
        let length = file.length()?.min(LARGEST + 1);
        let mut content = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        let read = file.read_up_to(&mut content, 0)?;
        content.truncate(read);
        Ok(content)
    };
    let content = content().map_err(|error: io::Error| error.to_string())?;
    format::parse(&content, incarnation)
        .ok_or_else(|| "it is damaged, or of another journal".to_owned())
}
