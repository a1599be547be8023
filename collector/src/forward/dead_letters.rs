//! Requests that a destination will never take, set aside in a folder: the request as a file of OTLP,
//! and beside it a small JSON that says why.
//!
//! `<folder>/<destination>/<journal>-<from>-<to>-<part>.<signal>.pb` can be read by whatever reads OTLP;
//! `….<signal>.why.json` is written after it. The same request set aside again, after a crash, has the
//! same name.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blotter_disk::{Disk, durable};
use blotter_schemas::otlp::Signal;
use serde::{Deserialize, Serialize};

use super::batch::Parcel;
use super::destination::WhenSpent;
use crate::Error;

/// Name of what is done to the disk here.
const STEP: &str = "forward.dead-letter";
/// Ending of a file that says why.
const WHY: &str = ".why.json";
/// Name of the folder in the data folder.
const FOLDER: &str = "dead-letters";

/// Why a request was set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Destination it was for.
    pub destination: String,
    /// What it holds.
    pub signal: String,
    /// Records in it.
    pub records: u64,
    /// Position in the journal of the first record of the batch it was in.
    pub from: u64,
    /// Position after the last one.
    pub to: u64,
    /// How the destination refused it.
    pub status: String,
    /// What it said.
    pub reason: String,
    /// When, in UTC.
    pub time: String,
    /// Name of the file with the request as Protobuf, beside this one.
    pub file: String,
    /// Bytes of that file.
    pub bytes: u64,
}

/// The dead letters of one destination.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetters {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    destination: String,
    /// Tells journals apart whose positions are the same.
    journal: String,
    budget: u64,
    when_spent: WhenSpent,
}

/// What came of setting a request aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SetAside {
    /// It is there, under this name; older ones may have been removed for it.
    Done { file: String, removed: Vec<DeadLetter> },
    /// There is no room, and nothing may be removed.
    NoRoom,
}

/// The folder with the dead letters of all destinations.
#[must_use]
pub fn folder(data: &Path) -> PathBuf {
    data.join(FOLDER)
}

impl DeadLetters {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        data: &Path,
        destination: &str,
        journal: &str,
        budget: u64,
        when_spent: WhenSpent,
    ) -> Self {
        let folder = folder(data).join(destination);
        let journal = journal.chars().take(8).collect();
        Self { disk, folder, destination: destination.to_owned(), journal, budget, when_spent }
    }

    /// Sets a request aside; when this returns, it is durable.
    pub(super) fn put(
        &self,
        parcel: &Parcel,
        (from, to): (u64, u64),
        status: &str,
        reason: &str,
    ) -> Result<SetAside, Error> {
        let folder = &self.folder;
        durable::create_folder(&*self.disk, STEP, folder).map_err(Error::file("create", folder))?;
        let Parcel { signal, part, records, .. } = parcel;
        let name = format!("{}-{from:020}-{to:020}-{part}.{}", self.journal, signal.name());
        let file = format!("{name}.pb");
        let bytes = u64::try_from(parcel.body.len()).unwrap_or(u64::MAX);
        let Some(removed) = self.make_room(bytes, &file)? else { return Ok(SetAside::NoRoom) };
        let letter = DeadLetter {
            destination: self.destination.clone(),
            signal: signal.name().to_owned(),
            records: *records,
            from,
            to,
            status: status.to_owned(),
            reason: reason.to_owned(),
            time: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            file: file.clone(),
            bytes,
        };
        let why = folder.join(format!("{name}{WHY}"));
        let text = serde_json::to_vec_pretty(&letter).map_err(io::Error::other);
        let text = text.map_err(Error::file("write", &why))?;
        // The request before its reason: a reason is never without its request.
        for (path, content) in [(folder.join(&file), &*parcel.body), (why, &text)] {
            durable::replace(&*self.disk, STEP, &path, content)
                .map_err(Error::file("write", &path))?;
        }
        Ok(SetAside::Done { file, removed })
    }

    /// Removes the oldest until there is room for `bytes` more, if that is allowed; those that went.
    fn make_room(&self, bytes: u64, but: &str) -> Result<Option<Vec<DeadLetter>>, Error> {
        let mut letters = list(&*self.disk, &self.folder)?;
        letters.retain(|letter| letter.file != but);
        letters.sort_by(|a, b| (&a.time, &a.file).cmp(&(&b.time, &b.file)));
        let mut held: u64 = letters.iter().map(|letter| letter.bytes).sum();
        let mut removed = Vec::new();
        for letter in letters {
            if held.saturating_add(bytes) <= self.budget {
                break;
            }
            if self.when_spent == WhenSpent::Hold {
                return Ok(None);
            }
            held = held.saturating_sub(letter.bytes);
            drop_one(&*self.disk, &self.folder, &letter)?;
            removed.push(letter);
        }
        Ok(Some(removed))
    }
}

/// The dead letters in the folder of a destination, oldest first by their positions. Files that are none
/// are left alone.
pub(crate) fn list(disk: &dyn Disk, folder: &Path) -> Result<Vec<DeadLetter>, Error> {
    let listed = match disk.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(Error::file("list", folder))?,
    };
    let mut letters = Vec::new();
    for found in listed {
        let Some(name) = found.name.to_str().filter(|name| name.ends_with(WHY)) else { continue };
        let path = folder.join(name);
        let content = durable::read(disk, &path).map_err(Error::file("read", &path))?;
        match serde_json::from_slice::<DeadLetter>(&content) {
            // Nothing outside the folder is to be read or removed because a file says so.
            Ok(letter) if letter.file == expected_file(name) => letters.push(letter),
            _ => tracing::warn!("{} is no dead letter's reason", path.display()),
        }
    }
    Ok(letters)
}

/// The request of a dead letter.
pub(crate) fn read(disk: &dyn Disk, folder: &Path, letter: &DeadLetter) -> Result<Vec<u8>, Error> {
    let path = folder.join(&letter.file);
    durable::read(disk, &path).map_err(Error::file("read", &path))
}

/// Removes a dead letter: its reason first, so that none is ever without its request.
pub(crate) fn drop_one(disk: &dyn Disk, folder: &Path, letter: &DeadLetter) -> Result<(), Error> {
    let why = letter.file.strip_suffix(".pb").unwrap_or(&letter.file);
    for name in [format!("{why}{WHY}"), letter.file.clone()] {
        let path = folder.join(name);
        match disk.remove(STEP, &path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file("remove", &path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn expected_file(why: &str) -> String {
    format!("{}.pb", why.strip_suffix(WHY).unwrap_or(why))
}

impl DeadLetter {
    /// Its signal; none where the file was changed.
    pub(crate) fn signal(&self) -> Option<Signal> {
        Signal::from_name(&self.signal)
    }
}

impl fmt::Display for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { destination, signal, records, status, reason, time, file, .. } = self;
        write!(f, "{destination}/{file}: {records} records of {signal}, {time}, {status}: {reason}")
    }
}

#[cfg(test)]
mod tests {
    use blotter_disk::LocalDisk;
    use bytes::Bytes;

    use super::*;

    fn letters(data: &Path, budget: u64, when_spent: WhenSpent) -> DeadLetters {
        DeadLetters::new(Arc::new(LocalDisk), data, "tempo", "0123456789ab", budget, when_spent)
    }

    fn parcel(part: u64) -> Parcel {
        let body = Bytes::from(vec![1; 100]);
        Parcel { signal: Signal::Traces, body, records: 3, part, unfit: None }
    }

    fn names(data: &Path) -> Vec<String> {
        let found = list(&LocalDisk, &folder(data).join("tempo")).unwrap();
        found.into_iter().map(|letter| letter.file).collect()
    }

    #[test]
    fn a_letter_is_there_with_its_reason_and_can_be_dropped() {
        let data = tempfile::tempdir().unwrap();
        let letters = letters(data.path(), 1 << 20, WhenSpent::Shed);
        for _ in 0..2 {
            letters.put(&parcel(1), (7, 12), "413", "too large").unwrap();
        }
        let at = folder(data.path()).join("tempo");
        let found = list(&LocalDisk, &at).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].file, format!("01234567-{:020}-{:020}-1.traces.pb", 7, 12));
        assert_eq!((found[0].records, found[0].status.as_str()), (3, "413"));
        assert_eq!(read(&LocalDisk, &at, &found[0]).unwrap(), vec![1; 100]);
        drop_one(&LocalDisk, &at, &found[0]).unwrap();
        assert_eq!(std::fs::read_dir(at).unwrap().count(), 0);
    }

    #[test]
    fn where_the_budget_is_spent_the_oldest_go_or_nothing_is_set_aside() {
        let data = tempfile::tempdir().unwrap();
        let shedding = letters(data.path(), 250, WhenSpent::Shed);
        for from in 0..2 {
            shedding.put(&parcel(1), (from, from + 1), "400", "").unwrap();
        }
        let SetAside::Done { removed, .. } = shedding.put(&parcel(1), (2, 3), "400", "").unwrap()
        else {
            panic!("there is room");
        };
        assert_eq!(removed.iter().map(|letter| letter.from).collect::<Vec<_>>(), [0]);
        assert_eq!(names(data.path()).len(), 2);
        let holding = letters(data.path(), 250, WhenSpent::Hold);
        assert_eq!(holding.put(&parcel(1), (3, 4), "400", "").unwrap(), SetAside::NoRoom);
        // The same one again needs no room of its own.
        assert_ne!(holding.put(&parcel(1), (2, 3), "400", "").unwrap(), SetAside::NoRoom);
    }

    #[test]
    fn a_reason_that_names_a_file_elsewhere_is_none() {
        let data = tempfile::tempdir().unwrap();
        letters(data.path(), 1 << 20, WhenSpent::Shed).put(&parcel(1), (0, 1), "400", "").unwrap();
        let at = folder(data.path()).join("tempo");
        for file in std::fs::read_dir(&at).unwrap() {
            let path = file.unwrap().path();
            if path.to_string_lossy().ends_with(WHY) {
                let text = std::fs::read_to_string(&path).unwrap();
                std::fs::write(&path, text.replace("01234567-", "../../01234567-")).unwrap();
            }
        }
        assert!(names(data.path()).is_empty());
    }
}
