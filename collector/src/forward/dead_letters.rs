//! Requests that a destination will never take, set aside in a folder: the request as a file of OTLP,
//! and beside it a small JSON that says why.
//!
//! `<folder>/<destination>/<journal>-<from>-<to>-<part>.<signal>.pb` can be read by whatever reads OTLP;
//! `….<signal>.why.json` is written after it. The same request set aside again, after a crash, has the
//! same name. `<part>` is 1 for all of a batch's signal, 2 and 3 for its halves and so on, and
//! `u<position>` for one request of the journal that cannot be sent.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use blotter_disk::{Disk, durable};
use blotter_schemas::otlp::Signal;
use serde::{Deserialize, Serialize};

use super::batch::Parcel;
use super::destination::WhenSpent;
use super::letter_index::{Held, KeptLetters, LetterIndex, allocated};
use super::outcome::joined;
use crate::Error;

/// Name of what is done to the disk here.
const STEP: &str = "forward.dead-letter";
/// Ending of a file that says why.
pub(super) const WHY: &str = ".why.json";
/// Longest one that is read.
const WHY_LIMIT: u64 = 64 << 10;
/// The most letters of a destination: nobody looks at more, and every folder gets slow.
const MOST_LETTERS: u64 = 10_000;
/// Pause between looks at whether somebody else has changed the folder.
const LOOK: Duration = Duration::from_secs(2);
/// A folder that was changed before that long is not changed again at the same time.
const SETTLED: Duration = Duration::from_secs(2);
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
#[derive(Debug)]
pub(crate) struct DeadLetters {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    destination: String,
    /// Tells journals apart whose positions are the same.
    journal: String,
    budget: u64,
    when_spent: WhenSpent,
    index: LetterIndex,
    looked: Option<Looked>,
}

/// When the folder was looked at.
#[derive(Debug, Clone, Copy)]
struct Looked {
    at: Instant,
    /// When it was last changed by then; none where that says nothing.
    modified: Option<SystemTime>,
}

/// A dead letter that was removed to make room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Removed {
    pub file: String,
    pub records: u64,
}

/// What a file is that should say why.
#[derive(Debug)]
pub(super) enum Reason {
    /// It says so, in so many bytes.
    Letter { letter: Box<DeadLetter>, length: u64 },
    /// It is something else.
    Strange,
    /// It is not there any more.
    Gone,
}

/// What came of setting a request aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SetAside {
    /// It is there, under this name; older ones may have been removed for it.
    Done { file: String, removed: Vec<Removed> },
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
        let (index, looked) = (LetterIndex::default(), None);
        let destination = destination.to_owned();
        Self { disk, folder, destination, journal, budget, when_spent, index, looked }
    }

    /// What lies there, as far as is known without looking.
    pub(super) const fn kept(&self) -> KeptLetters {
        self.index.kept()
    }

    /// Looks at what lies there, unless that was done just now: an operator sends some again, or drops
    /// them, in another process.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub(super) fn look(&mut self) -> Result<(), Error> {
        if let Some(looked) = &mut self.looked {
            if looked.at.elapsed() < LOOK {
                return Ok(());
            }
            if looked.modified.is_some() && looked.modified == modified(&*self.disk, &self.folder) {
                looked.at = Instant::now();
                return Ok(());
            }
        }
        self.refresh()
    }

    fn refresh(&mut self) -> Result<(), Error> {
        let modified = modified(&*self.disk, &self.folder)
            .filter(|it| it.elapsed().is_ok_and(|age| age >= SETTLED));
        self.index.refresh(&*self.disk, &self.folder)?;
        self.looked = Some(Looked { at: Instant::now(), modified });
        Ok(())
    }

    /// Sets a request aside; when this returns, it is durable.
    pub(super) fn put(
        &mut self,
        parcel: &Parcel,
        (from, to): (u64, u64),
        status: &str,
        reason: &str,
    ) -> Result<SetAside, Error> {
        let folder = self.folder.clone();
        durable::create_folder(&*self.disk, STEP, &folder)
            .map_err(Error::file("create", &folder))?;
        if self.looked.is_none() {
            self.refresh()?;
        }
        let Parcel { signal, part, records, unfit, .. } = parcel;
        let unfit = if unfit.is_some() { "u" } else { "" };
        let name = format!("{}-{from:020}-{to:020}-{unfit}{part}.{}", self.journal, signal.name());
        let file = format!("{name}.pb");
        let length = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
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
            bytes: length(&parcel.body),
        };
        let why = folder.join(format!("{name}{WHY}"));
        let text = serde_json::to_vec_pretty(&letter).map_err(io::Error::other);
        let text = text.map_err(Error::file("write", &why))?;
        let bytes = allocated(letter.bytes, length(&text));
        let Some(removed) = self.make_room(bytes, &file)? else { return Ok(SetAside::NoRoom) };
        // The request before its reason: a reason is never without its request.
        for (path, content) in [(folder.join(&file), &*parcel.body), (why, &text)] {
            durable::replace(&*self.disk, STEP, &path, content)
                .map_err(Error::file("write", &path))?;
        }
        self.index.insert(file.clone(), Held { time: letter.time, records: *records, bytes });
        Ok(SetAside::Done { file, removed })
    }

    /// Removes the oldest until there is room for a letter of `bytes` more, if that is allowed; those
    /// that went. One alone always has room.
    fn make_room(&mut self, bytes: u64, but: &str) -> Result<Option<Vec<Removed>>, Error> {
        let (mut removed, mut is_sure) = (Vec::new(), false);
        loop {
            let KeptLetters { letters, bytes: held, .. } = self.index.kept();
            // The same one again takes its own place.
            let own = self.index.get(but);
            let (letters, held) =
                own.map_or((letters, held), |own| (letters - 1, held.saturating_sub(own.bytes)));
            let fits = held.saturating_add(bytes) <= self.budget && letters < MOST_LETTERS;
            let Some(oldest) = self.index.oldest_but(but).filter(|_| !fits) else {
                return Ok(Some(removed));
            };
            // Somebody else may have made room meanwhile.
            if !is_sure && self.looked.is_none_or(|it| it.at.elapsed() >= LOOK) {
                self.refresh()?;
                is_sure = true;
                continue;
            }
            if self.when_spent == WhenSpent::Hold {
                return Ok(None);
            }
            let was_there = drop_file(&*self.disk, &self.folder, &oldest)?;
            let records = self.index.remove(&oldest).map_or(0, |held| held.records);
            if was_there {
                removed.push(Removed { file: oldest, records });
            }
        }
    }
}

fn modified(disk: &dyn Disk, folder: &Path) -> Option<SystemTime> {
    disk.metadata(folder).ok().map(|it| it.modified)
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
        match read_reason(disk, folder, name)? {
            Reason::Letter { letter, .. } => letters.push(*letter),
            Reason::Strange => {
                tracing::warn!("{} is no dead letter's reason", folder.join(name).display());
            }
            Reason::Gone => {}
        }
    }
    Ok(letters)
}

/// Reads the file of this name that says why a letter is there.
pub(super) fn read_reason(disk: &dyn Disk, folder: &Path, name: &str) -> Result<Reason, Error> {
    let path = folder.join(name);
    let read = disk.metadata(&path).and_then(|found| {
        let is_short = !found.is_folder && found.length <= WHY_LIMIT;
        is_short.then(|| durable::read(disk, &path)).transpose()
    });
    let content = match read {
        Ok(Some(content)) => content,
        Ok(None) => return Ok(Reason::Strange),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Reason::Gone),
        Err(error) => return Err(Error::file("read", &path)(error)),
    };
    Ok(match serde_json::from_slice::<DeadLetter>(&content) {
        // Nothing outside the folder is to be read or removed because a file says so.
        Ok(letter) if letter.file == expected_file(name) => {
            let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
            Reason::Letter { letter: Box::new(letter), length }
        }
        _ => Reason::Strange,
    })
}

/// The request of a dead letter.
#[cfg(test)]
pub(crate) fn read(disk: &dyn Disk, folder: &Path, letter: &DeadLetter) -> Result<Vec<u8>, Error> {
    let path = folder.join(&letter.file);
    durable::read(disk, &path).map_err(Error::file("read", &path))
}

/// Removes a dead letter.
pub(crate) fn drop_one(disk: &dyn Disk, folder: &Path, letter: &DeadLetter) -> Result<(), Error> {
    drop_file(disk, folder, &letter.file).map(drop)
}

/// Removes the dead letter in this file, its reason first, so that none is ever without its request;
/// whether it was there.
fn drop_file(disk: &dyn Disk, folder: &Path, file: &str) -> Result<bool, Error> {
    let why = file.strip_suffix(".pb").unwrap_or(file);
    let mut was_there = true;
    for name in [format!("{why}{WHY}"), file.to_owned()] {
        let path = folder.join(name);
        match disk.remove(STEP, &path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => was_there = false,
            Err(error) => return Err(Error::file("remove", &path)(error)),
        }
    }
    Ok(was_there)
}

/// The file of the request whose reason has this name.
pub(super) fn expected_file(why: &str) -> String {
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
        let said = joined(status, reason);
        write!(f, "{destination}/{file}: {records} records of {signal}, {time}, {said}")
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
        let mut letters = letters(data.path(), 1 << 20, WhenSpent::Shed);
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
        // Each takes a block of 4 KiB for itself and one for its reason.
        let mut shedding = letters(data.path(), 17_000, WhenSpent::Shed);
        for from in 0..2 {
            shedding.put(&parcel(1), (from, from + 1), "400", "").unwrap();
        }
        let SetAside::Done { removed, .. } = shedding.put(&parcel(1), (2, 3), "400", "").unwrap()
        else {
            panic!("there is room");
        };
        assert_eq!(removed.len(), 1);
        assert_eq!(names(data.path()).len(), 2);
        let mut holding = letters(data.path(), 17_000, WhenSpent::Hold);
        assert_eq!(holding.put(&parcel(1), (3, 4), "400", "").unwrap(), SetAside::NoRoom);
        // The same one again needs no room of its own.
        assert_ne!(holding.put(&parcel(1), (2, 3), "400", "").unwrap(), SetAside::NoRoom);
    }

    #[test]
    fn what_lies_there_is_known_after_a_restart_and_when_somebody_else_was_there() {
        let data = tempfile::tempdir().unwrap();
        let mut before = letters(data.path(), 1 << 20, WhenSpent::Shed);
        for from in 0..3 {
            before.put(&parcel(1), (from, from + 1), "400", "").unwrap();
        }
        let expected = KeptLetters { letters: 3, records: 9, bytes: 6 * 4096 };
        assert_eq!(before.kept(), expected);
        let mut after = letters(data.path(), 1 << 20, WhenSpent::Shed);
        after.look().unwrap();
        assert_eq!(after.kept(), expected);
        let at = folder(data.path()).join("tempo");
        drop_one(&LocalDisk, &at, &list(&LocalDisk, &at).unwrap()[1]).unwrap();
        std::fs::write(at.join(format!("strange{WHY}")), "{}").unwrap();
        after.refresh().unwrap();
        assert_eq!(after.kept(), KeptLetters { letters: 2, records: 6, bytes: 4 * 4096 });
    }

    #[test]
    fn setting_one_aside_reads_no_other_and_room_that_somebody_made_is_used() {
        let data = tempfile::tempdir().unwrap();
        let mut letters = letters(data.path(), 17_000, WhenSpent::Hold);
        for from in 0..2 {
            letters.put(&parcel(1), (from, from + 1), "400", "").unwrap();
        }
        let at = folder(data.path()).join("tempo");
        let found = list(&LocalDisk, &at).unwrap();
        // What is written into it meanwhile is not seen.
        let why = found[0].file.replace(".pb", WHY);
        std::fs::write(at.join(why), "unreadable").unwrap();
        assert_eq!(letters.put(&parcel(1), (2, 3), "400", "").unwrap(), SetAside::NoRoom);
        drop_one(&LocalDisk, &at, &found[1]).unwrap();
        letters.looked = None;
        assert_ne!(letters.put(&parcel(1), (2, 3), "400", "").unwrap(), SetAside::NoRoom);
    }

    #[test]
    fn there_are_never_more_than_so_many_letters() {
        let data = tempfile::tempdir().unwrap();
        let mut letters = letters(data.path(), u64::MAX, WhenSpent::Shed);
        letters.refresh().unwrap();
        for number in 0..MOST_LETTERS {
            let held = Held { time: format!("{number:06}"), records: 1, bytes: 8192 };
            letters.index.insert(format!("{number}.pb"), held);
        }
        letters.put(&parcel(1), (2, 3), "400", "").unwrap();
        assert_eq!(letters.kept().letters, MOST_LETTERS);
        assert!(letters.index.get("0.pb").is_none() && letters.index.get("1.pb").is_some());
    }

    #[test]
    fn a_request_that_cannot_be_sent_has_a_name_that_no_part_has() {
        let data = tempfile::tempdir().unwrap();
        let mut letters = letters(data.path(), 1 << 20, WhenSpent::Shed);
        let unfit = Parcel { unfit: Some("unreadable".to_owned()), ..parcel(1) };
        letters.put(&unfit, (0, 2), "not sent", "").unwrap();
        letters.put(&parcel(1), (0, 2), "400", "").unwrap();
        let names = names(data.path());
        assert_eq!(names.len(), 2);
        assert!(names.iter().any(|it| it.ends_with("-u1.traces.pb")), "{names:?}");
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
