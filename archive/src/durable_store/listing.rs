//! Which objects there are.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use blotter_disk::Disk;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::path::Path as ObjectPath;
use object_store::{ListResult, ObjectMeta, Result};

use super::folders::{self, Folders};
use super::read::object_meta;
use super::{STORE, folder_of, run, store_error};

/// Folders within folders that are looked into: more are a circle of symbolic links.
const DEPTH: usize = 32;

/// Every object below `prefix` whose name lies behind `offset`, in the order of their names.
pub(super) fn stream(
    folders: &Arc<Folders>,
    prefix: Option<&ObjectPath>,
    offset: Option<&ObjectPath>,
) -> BoxStream<'static, Result<ObjectMeta>> {
    let folders = Arc::clone(folders);
    let (prefix, offset) = (prefix.cloned().unwrap_or_default(), offset.cloned());
    let listed = async move {
        let found = run(&folders, move |folders| {
            folders.settle_again()?;
            let mut found = Vec::new();
            walk(&*folders.disk, &prefix, offset.as_ref(), DEPTH, &mut found)?;
            found.sort_by(|one, other| one.location.cmp(&other.location));
            Ok(found)
        });
        Ok::<_, object_store::Error>(stream::iter(found.await?.into_iter().map(Ok)))
    };
    stream::once(listed).try_flatten().boxed()
}

/// The objects in one folder, and the folders in it.
pub(super) fn one_folder(disk: &dyn Disk, prefix: Option<&ObjectPath>) -> Result<ListResult> {
    let prefix = prefix.cloned().unwrap_or_default();
    let mut common_prefixes = BTreeSet::new();
    let mut objects = Vec::new();
    for entry in entries(disk, &prefix, None)? {
        match entry {
            Entry::Folder(location) => {
                common_prefixes.insert(location);
            }
            Entry::Object(object) => objects.push(object),
        }
    }
    objects.sort_by(|one, other| one.location.cmp(&other.location));
    Ok(ListResult { common_prefixes: common_prefixes.into_iter().collect(), objects })
}

enum Entry {
    Folder(ObjectPath),
    Object(ObjectMeta),
}

fn walk(
    disk: &dyn Disk,
    prefix: &ObjectPath,
    offset: Option<&ObjectPath>,
    depth: usize,
    found: &mut Vec<ObjectMeta>,
) -> Result<()> {
    if depth == 0 {
        let source = format!("{prefix} lies within too many folders").into();
        return Err(object_store::Error::Generic { store: STORE, source });
    }
    for entry in entries(disk, prefix, offset)? {
        match entry {
            Entry::Folder(location) => walk(disk, &location, offset, depth - 1, found)?,
            Entry::Object(object) => found.push(object),
        }
    }
    Ok(())
}

/// What lies in one folder. Staging files are not shown, nor is what no object can be named.
fn entries(
    disk: &dyn Disk,
    prefix: &ObjectPath,
    offset: Option<&ObjectPath>,
) -> Result<Vec<Entry>> {
    let folder = folder_of(Some(prefix));
    let names = match disk.list(&folder) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(store_error(&folder, error)),
    };
    let mut entries = Vec::new();
    let below = offset.and_then(|offset| below(prefix, offset));
    for listed in names {
        let Some(name) = listed.name.to_str() else { continue };
        // Before anything else is done with it: a log has many names that lie before.
        if below.is_some_and(|offset| lies_before(name, offset)) {
            continue;
        }
        let location = if prefix.as_ref().is_empty() {
            ObjectPath::parse(name)
        } else {
            ObjectPath::parse(format!("{prefix}/{name}"))
        };
        let Ok(location) = location else { continue };
        if listed.is_folder {
            entries.push(Entry::Folder(location));
            continue;
        }
        let path = folder.join(name);
        match disk.metadata(&path) {
            // By way of a symbolic link.
            Ok(metadata) if metadata.is_folder => entries.push(Entry::Folder(location)),
            Ok(_) if folders::is_staged(name) => {}
            Ok(_) if offset.is_some_and(|offset| location <= *offset) => {}
            Ok(metadata) => entries.push(Entry::Object(object_meta(location, &metadata))),
            // It was deleted meanwhile, or is a link to nothing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(store_error(&path, error)),
        }
    }
    Ok(entries)
}

/// What follows the folder `prefix` in `offset`; none where it lies elsewhere.
fn below<'a>(prefix: &ObjectPath, offset: &'a ObjectPath) -> Option<&'a str> {
    let prefix = prefix.as_ref();
    match prefix.is_empty() {
        true => Some(offset.as_ref()),
        false => offset.as_ref().strip_prefix(prefix)?.strip_prefix('/'),
    }
}

/// Whether neither `name` nor anything in it, should it be a folder, lies behind `offset`.
fn lies_before(name: &str, offset: &str) -> bool {
    let inside = offset.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
    !inside && name.bytes().chain([b'/']).le(offset.bytes())
}
