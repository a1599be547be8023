//! A disk in memory that forgets, tears or reorders what was not synced.
//!
//! It keeps, for every file and folder, what is on the disk for certain and what was done since. A
//! power cut leaves of the latter what one seed decides: of each sector of 512 bytes any state it had
//! since the last sync, of each length likewise, and of the changes to names any part that keeps the
//! order of those to one name.

mod content;
mod file;
mod mood;
mod names;
mod random;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use content::Content;
use file::SimulatedFile;
use mood::Moods;
use names::{Inode, Names, Node};
pub use random::Random;

use crate::{Access, Disk, DiskFile, Listed, Metadata, Operation, Site};

/// A disk in memory. Clones are the same disk.
///
/// Operations that change something are numbered from 0; reading is not counted.
#[derive(Debug, Clone, Default)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

/// An operation that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Performed {
    /// Where in the program.
    pub site: Site,
    /// On what.
    pub path: PathBuf,
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No space is left.
    Full,
    /// The disk reports an error.
    Broken,
}

#[derive(Debug, Default)]
struct State {
    names: Names,
    files: BTreeMap<Inode, Content>,
    /// By the number of the operation that did it.
    modified: BTreeMap<Inode, u64>,
    last: Inode,
    locked: BTreeSet<Inode>,
    performed: Vec<Performed>,
    off_at: Option<u64>,
    off: bool,
    failures: BTreeMap<u64, Failure>,
    ignored_sites: BTreeSet<Site>,
    ignored_numbers: BTreeSet<u64>,
}

/// What is to become of an operation.
enum Verdict {
    Do,
    /// Say that it was done.
    Ignore,
    Fail(Failure),
}

impl Failure {
    fn error(self) -> io::Error {
        match self {
            Self::Full => io::ErrorKind::StorageFull.into(),
            Self::Broken => io::Error::other("the simulated disk reports an error"),
        }
    }
}

impl SimulatedDisk {
    /// An empty disk with a folder `/`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was tried so far; the index is the operation's number.
    #[must_use]
    pub fn performed(&self) -> Vec<Performed> {
        self.state().performed.clone()
    }

    /// Number of the next operation.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().performed.len() as u64
    }

    /// Lets operation `number` and everything after it fail. What that was, a power cut or the death
    /// of the process, is decided by what is asked for next.
    pub fn cut_power_at(&self, number: u64) {
        self.state().off_at = Some(number);
    }

    /// Whether the power has been cut.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.state().off
    }

    /// Lets operation `number` fail, and only that. Half of a write arrives; after a failed sync what
    /// was to be synced is given up although it is still read.
    pub fn fail_at(&self, number: u64, failure: Failure) {
        self.state().failures.insert(number, failure);
    }

    /// From now on every sync at `site` does nothing and says that it did. Disks made from this one
    /// do the same.
    pub fn ignore(&self, site: Site) {
        self.state().ignored_sites.insert(site);
    }

    /// Operation `number`, if it is a sync, does nothing and says that it did.
    pub fn ignore_at(&self, number: u64) {
        self.state().ignored_numbers.insert(number);
    }

    /// The disk as it could be found after a power cut now. With seed 0 all that was not synced is
    /// lost, with seed 1 all is kept; any other seed decides piece by piece.
    #[must_use]
    pub fn after_power_cut(&self, seed: u64) -> Self {
        let mut moods = Moods::new(seed);
        let state = self.state();
        let names = state.names.after_power_cut(&mut moods);
        let files = state.files.iter();
        let files = files.map(|(inode, file)| (*inode, file.after_power_cut(&mut moods)));
        state.started_again(names, files.collect())
    }

    /// The disk as the next process finds it when this one is killed: nothing that was done is undone,
    /// and what was not synced still is not. The seed decides only what is read of files whose sync
    /// failed.
    #[must_use]
    pub fn after_process_death(&self, seed: u64) -> Self {
        let mut moods = Moods::new(seed);
        let state = self.state();
        let files = state.files.iter();
        let files = files.map(|(inode, file)| (*inode, file.after_process_death(&mut moods)));
        state.started_again(state.names.clone(), files.collect())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn started_again(&self, names: Names, files: BTreeMap<Inode, Content>) -> SimulatedDisk {
        let state = Self {
            names,
            files,
            modified: self.modified.clone(),
            last: self.last,
            ignored_sites: self.ignored_sites.clone(),
            ..Self::default()
        };
        SimulatedDisk { state: Arc::new(Mutex::new(state)) }
    }

    fn powered(&self) -> io::Result<()> {
        if self.off { Err(io::Error::other("the power is cut")) } else { Ok(()) }
    }

    /// Counts an operation and says what is to become of it.
    fn perform(
        &mut self,
        step: &'static str,
        operation: Operation,
        path: &Path,
    ) -> io::Result<Verdict> {
        let number = self.performed.len() as u64;
        self.off |= self.off_at.is_some_and(|at| number >= at);
        self.powered()?;
        let site = Site { step, operation };
        self.performed.push(Performed { site, path: path.to_owned() });
        let ignored = self.ignored_sites.contains(&site) || self.ignored_numbers.contains(&number);
        Ok(match self.failures.get(&number) {
            Some(failure) => Verdict::Fail(*failure),
            None if operation.is_sync() && ignored => Verdict::Ignore,
            None => Verdict::Do,
        })
    }

    /// Like [`State::perform`], for what happens whole or not at all.
    fn perform_whole(
        &mut self,
        step: &'static str,
        operation: Operation,
        path: &Path,
    ) -> io::Result<()> {
        match self.perform(step, operation, path)? {
            Verdict::Fail(failure) => Err(failure.error()),
            Verdict::Do | Verdict::Ignore => Ok(()),
        }
    }

    fn file(&mut self, inode: Inode) -> io::Result<&mut Content> {
        self.files.get_mut(&inode).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn touch(&mut self, inode: Inode) {
        self.modified.insert(inode, self.performed.len() as u64);
    }

    fn new_inode(&mut self) -> Inode {
        self.last += 1;
        self.touch(self.last);
        self.last
    }
}

impl Disk for SimulatedDisk {
    fn open(
        &self,
        step: &'static str,
        path: &Path,
        access: Access,
    ) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.powered()?;
        let found = state.names.find(path);
        let inode = match (found, access) {
            (Ok(_), Access::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Ok(Node::File(inode)), _) => inode,
            (Ok(Node::Folder(_)), _) => return Err(io::ErrorKind::IsADirectory.into()),
            (Err(error), Access::Create | Access::CreateNew)
                if error.kind() == io::ErrorKind::NotFound =>
            {
                let place = state.names.place(path)?;
                state.perform_whole(step, Operation::Create, path)?;
                let inode = state.new_inode();
                state.files.insert(inode, Content::default());
                state.names.put(place, Node::File(inode));
                inode
            }
            (Err(error), _) => return Err(error),
        };
        drop(state);
        let writable = access != Access::Read;
        Ok(Box::new(SimulatedFile::new(self.clone(), inode, path, writable)))
    }

    fn rename(&self, step: &'static str, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.powered()?;
        let places = (state.names.place(from)?, state.names.place(to)?);
        let nodes = (state.names.find(from)?, state.names.at(&places.1));
        match nodes {
            (Node::File(_), None | Some(Node::File(_))) => {}
            _ => return Err(io::ErrorKind::IsADirectory.into()),
        }
        state.perform_whole(step, Operation::Rename, to)?;
        // Of two names of one file both stay: POSIX says so.
        if nodes.1 != Some(nodes.0) {
            state.names.rename(places.0, places.1);
        }
        Ok(())
    }

    fn link(&self, step: &'static str, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.powered()?;
        let node = state.names.find(from)?;
        let place = state.names.place(to)?;
        if state.names.at(&place).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if matches!(node, Node::Folder(_)) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        state.perform_whole(step, Operation::Link, to)?;
        state.names.put(place, node);
        Ok(())
    }

    fn remove(&self, step: &'static str, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.powered()?;
        let place = state.names.place(path)?;
        match state.names.at(&place) {
            None => return Err(io::ErrorKind::NotFound.into()),
            Some(Node::Folder(_)) => return Err(io::ErrorKind::IsADirectory.into()),
            Some(Node::File(_)) => {}
        }
        state.perform_whole(step, Operation::Remove, path)?;
        state.names.remove(place);
        Ok(())
    }

    fn create_folder(&self, step: &'static str, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.powered()?;
        if state.names.find(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let place = state.names.place(path)?;
        state.perform_whole(step, Operation::CreateFolder, path)?;
        let inode = state.new_inode();
        state.names.put(place, Node::Folder(inode));
        Ok(())
    }

    fn sync_folder(&self, step: &'static str, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.powered()?;
        let folder = state.names.folder(path)?;
        match state.perform(step, Operation::SyncFolder, path)? {
            Verdict::Do => state.names.sync(folder),
            Verdict::Ignore => {}
            Verdict::Fail(failure) => return Err(failure.error()),
        }
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Listed>> {
        let state = self.state();
        state.powered()?;
        let names = state.names.list(state.names.folder(path)?);
        let listed = names.map(|(name, node)| Listed {
            name: name.clone(),
            is_folder: matches!(node, Node::Folder(_)),
        });
        Ok(listed.collect())
    }

    fn is_in_memory(&self) -> bool {
        true
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let state = self.state();
        state.powered()?;
        let (inode, is_folder) = match state.names.find(path)? {
            Node::File(inode) => (inode, false),
            Node::Folder(inode) => (inode, true),
        };
        let length = state.files.get(&inode).map_or(0, |file| file.cached().len() as u64);
        // One second per operation: what came later is later.
        let modified = state.modified.get(&inode).copied().unwrap_or(0);
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(modified);
        Ok(Metadata { length, modified, is_folder })
    }
}
