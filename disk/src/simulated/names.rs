//! Which names there are: those that are seen, those on the disk, and what lies between.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path};

use super::mood::Moods;

/// What identifies a file or folder, whatever its names.
pub(super) type Inode = u64;
/// The folder above all.
pub(super) const ROOT: Inode = 0;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    File(Inode),
    Folder(Inode),
}

/// The names in each folder.
type Tree = BTreeMap<Inode, BTreeMap<OsString, Node>>;
/// A name in a folder.
pub(super) type Place = (Inode, OsString);

/// All names.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    cached: Tree,
    durable: Tree,
    pending: Vec<Change>,
}

/// One step, of which never a part is seen.
#[derive(Debug, Clone)]
enum Change {
    Put(Place, Node),
    Remove(Place),
    Rename(Place, Place),
}

impl Change {
    fn places(&self) -> [Option<&Place>; 2] {
        match self {
            Self::Put(place, _) | Self::Remove(place) => [Some(place), None],
            Self::Rename(from, to) => [Some(from), Some(to)],
        }
    }

    fn is_in(&self, folder: Inode) -> bool {
        self.places().into_iter().flatten().any(|place| place.0 == folder)
    }

    /// Whether one of them must come before the other.
    fn shares_a_name_with(&self, other: &Self) -> bool {
        self.places().into_iter().flatten().any(|place| other.places().contains(&Some(place)))
    }

    fn apply(&self, tree: &mut Tree) {
        match self {
            Self::Put((folder, name), node) => {
                tree.entry(*folder).or_default().insert(name.clone(), *node);
            }
            Self::Remove((folder, name)) => {
                tree.entry(*folder).or_default().remove(name);
            }
            Self::Rename((from_folder, from), (to_folder, to)) => {
                if let Some(node) = tree.entry(*from_folder).or_default().remove(from) {
                    tree.entry(*to_folder).or_default().insert(to.clone(), node);
                }
            }
        }
    }
}

impl Names {
    /// What is at `path`.
    pub(super) fn find(&self, path: &Path) -> io::Result<Node> {
        match split(path)? {
            None => Ok(Node::Folder(ROOT)),
            Some((above, name)) => {
                let folder = self.folder(above)?;
                self.get(folder, name).ok_or_else(|| io::ErrorKind::NotFound.into())
            }
        }
    }

    /// The folder at `path`.
    pub(super) fn folder(&self, path: &Path) -> io::Result<Inode> {
        match self.find(path)? {
            Node::Folder(inode) => Ok(inode),
            Node::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// Where the name `path` is or would be.
    pub(super) fn place(&self, path: &Path) -> io::Result<Place> {
        match split(path)? {
            None => Err(io::ErrorKind::InvalidInput.into()),
            Some((above, name)) => Ok((self.folder(above)?, name.to_owned())),
        }
    }

    pub(super) fn at(&self, place: &Place) -> Option<Node> {
        self.get(place.0, &place.1)
    }

    fn get(&self, folder: Inode, name: &OsStr) -> Option<Node> {
        self.cached.get(&folder)?.get(name).copied()
    }

    /// The names in a folder, sorted.
    pub(super) fn list(&self, folder: Inode) -> impl Iterator<Item = (&OsString, &Node)> {
        self.cached.get(&folder).into_iter().flatten()
    }

    pub(super) fn put(&mut self, place: Place, node: Node) {
        self.change(Change::Put(place, node));
    }

    pub(super) fn remove(&mut self, place: Place) {
        self.change(Change::Remove(place));
    }

    pub(super) fn rename(&mut self, from: Place, to: Place) {
        self.change(Change::Rename(from, to));
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.cached);
        self.pending.push(change);
    }

    /// Puts on the disk what was done in a folder, and what must come before it.
    pub(super) fn sync(&mut self, folder: Inode) {
        let mut synced: Vec<Change> = Vec::new();
        let mut left: Vec<Change> = Vec::new();
        for change in self.pending.drain(..).rev() {
            if change.is_in(folder) || synced.iter().any(|later| later.shares_a_name_with(&change))
            {
                synced.push(change);
            } else {
                left.push(change);
            }
        }
        for change in synced.iter().rev() {
            change.apply(&mut self.durable);
        }
        left.reverse();
        self.pending = left;
    }

    /// As they are found after a power cut: any part of what was done since, as long as what was
    /// done to one name before is there too.
    pub(super) fn after_power_cut(&self, moods: &mut Moods) -> Self {
        let mut found = self.durable.clone();
        let mood = moods.draw(self.pending.len());
        let mut lost: Vec<&Change> = Vec::new();
        for (index, change) in self.pending.iter().enumerate() {
            let possible = !lost.iter().any(|earlier| earlier.shares_a_name_with(change));
            if possible && moods.keeps(mood, index) {
                change.apply(&mut found);
            } else {
                lost.push(change);
            }
        }
        Self { cached: found.clone(), durable: found, pending: Vec::new() }
    }
}

/// The folder and the name that make up a path; none for the root.
fn split(path: &Path) -> io::Result<Option<(&Path, &OsStr)>> {
    match path.components().next_back() {
        None | Some(Component::RootDir | Component::CurDir) => Ok(None),
        Some(Component::Normal(name)) => {
            Ok(Some((path.parent().unwrap_or_else(|| Path::new("")), name)))
        }
        Some(_) => Err(io::ErrorKind::InvalidInput.into()),
    }
}
