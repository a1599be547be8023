//! What lies in a folder of dead letters, remembered: to set one aside, no other is read.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use blotter_disk::Disk;

use super::dead_letters::{Reason, WHY, read_reason};
use crate::Error;

/// What a file takes on the disk, at least and in steps.
const BLOCK: u64 = 4096;

/// Dead letters that lie in a folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeptLetters {
    /// How many.
    pub letters: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes of the disk that they take, their reasons included.
    pub bytes: u64,
}

/// A dead letter, as far as it need be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// When it was set aside.
    pub time: String,
    /// Records in it.
    pub records: u64,
    /// Bytes of the disk that it takes.
    pub bytes: u64,
}

/// The dead letters of a folder.
#[derive(Debug, Default)]
pub(super) struct LetterIndex {
    /// By the names of their files.
    letters: BTreeMap<String, Held>,
    /// Time and file, oldest first.
    order: BTreeSet<(String, String)>,
    /// Names of reasons that are none.
    strange: BTreeSet<String>,
    kept: KeptLetters,
}

/// Bytes of the disk that a letter of `bytes` and a reason of `why` take.
pub(super) const fn allocated(bytes: u64, why: u64) -> u64 {
    const fn blocks(bytes: u64) -> u64 {
        bytes.div_ceil(BLOCK).saturating_mul(BLOCK)
    }
    blocks(bytes).saturating_add(blocks(why))
}

impl LetterIndex {
    pub(super) const fn kept(&self) -> KeptLetters {
        self.kept
    }

    pub(super) fn get(&self, file: &str) -> Option<&Held> {
        self.letters.get(file)
    }

    /// The file of the oldest but the one of this name.
    pub(super) fn oldest_but(&self, but: &str) -> Option<String> {
        self.order.iter().map(|(_, file)| file).find(|file| *file != but).cloned()
    }

    pub(super) fn insert(&mut self, file: String, held: Held) {
        self.remove(&file);
        self.kept.letters += 1;
        self.kept.records = self.kept.records.saturating_add(held.records);
        self.kept.bytes = self.kept.bytes.saturating_add(held.bytes);
        self.order.insert((held.time.clone(), file.clone()));
        self.letters.insert(file, held);
    }

    pub(super) fn remove(&mut self, file: &str) -> Option<Held> {
        let held = self.letters.remove(file)?;
        self.order.remove(&(held.time.clone(), file.to_owned()));
        self.kept.letters = self.kept.letters.saturating_sub(1);
        self.kept.records = self.kept.records.saturating_sub(held.records);
        self.kept.bytes = self.kept.bytes.saturating_sub(held.bytes);
        Some(held)
    }

    /// Forgets what is gone from the folder, and reads what is new in it; only that.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub(super) fn refresh(&mut self, disk: &dyn Disk, folder: &Path) -> Result<(), Error> {
        let listed = match disk.list(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            listed => listed.map_err(Error::file("list", folder))?,
        };
        let names = listed.into_iter().filter_map(|it| it.name.into_string().ok());
        let found: BTreeSet<String> = names.filter(|it| it.ends_with(WHY)).collect();
        let is_there = |file: &str| {
            let why = file.strip_suffix(".pb").unwrap_or(file);
            found.contains(&format!("{why}{WHY}"))
        };
        let gone: Vec<String> =
            self.letters.keys().filter(|file| !is_there(file)).cloned().collect();
        for file in gone {
            self.remove(&file);
        }
        self.strange.retain(|name| found.contains(name));
        for name in found {
            let file = super::dead_letters::expected_file(&name);
            if self.letters.contains_key(&file) || self.strange.contains(&name) {
                continue;
            }
            match read_reason(disk, folder, &name) {
                Ok(Reason::Letter { letter, length }) => {
                    let bytes = allocated(letter.bytes, length);
                    let held = Held { time: letter.time, records: letter.records, bytes };
                    self.insert(file, held);
                }
                Ok(Reason::Gone) => {}
                // Told once; what is none takes no room from those that are.
                Ok(Reason::Strange) => {
                    tracing::warn!("{} is no dead letter's reason", folder.join(&name).display());
                    self.strange.insert(name);
                }
                Err(error) => {
                    tracing::warn!("{error}");
                    self.strange.insert(name);
                }
            }
        }
        Ok(())
    }
}
