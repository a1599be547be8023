//! Reading objects and parts of them.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use blotter_disk::{Access, DiskFile, Metadata};
use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use object_store::path::Path as ObjectPath;
use object_store::{Attributes, GetOptions, GetResult, GetResultPayload, ObjectMeta, Result};

use super::folders::Folders;
use super::{STORE, path_of, run, store_error};

/// What a file is opened for, as the disk is told.
const READ: &str = "store.read";

/// Bytes that are read at once; longer objects come as a stream of such pieces.
const PIECE: u64 = 8 << 20;

/// The object, or the part of it that is asked for.
pub(super) async fn get(
    folders: &Arc<Folders>,
    location: &ObjectPath,
    options: GetOptions,
) -> Result<GetResult> {
    let path = path_of(location)?;
    let location = location.clone();
    let opened = run(folders, move |folders| {
        let (file, metadata) = open(folders, &path)?;
        let meta = object_meta(location, &metadata);
        options.check_preconditions(&meta)?;
        let range = match &options.range {
            None => 0..meta.size,
            Some(range) => range.as_range(meta.size).map_err(|error| {
                object_store::Error::Generic { store: STORE, source: error.into() }
            })?,
        };
        let end = if options.head { range.start } else { range.end.min(range.start + PIECE) };
        let first = read(&*file, range.start..end).map_err(|error| store_error(&path, error))?;
        Ok((file, path, meta, range, first))
    });
    let (file, path, meta, range, first) = opened.await?;
    let folders = Arc::clone(folders);
    let rest = range.start + first.len() as u64..range.end;
    let first = stream::once(std::future::ready(Ok(first)));
    let pieces = stream::try_unfold(rest, move |rest| {
        let (folders, file, path) = (Arc::clone(&folders), Arc::clone(&file), path.clone());
        async move {
            if rest.is_empty() {
                return Ok(None);
            }
            let next = rest.end.min(rest.start + PIECE);
            let piece = run(&folders, move |_| {
                read(&*file, rest.start..next).map_err(|error| store_error(&path, error))
            });
            Ok(Some((piece.await?, next..rest.end)))
        }
    });
    let payload = GetResultPayload::Stream(first.chain(pieces).boxed());
    Ok(GetResult { payload, meta, range, attributes: Attributes::default() })
}

/// Parts of one object.
pub(super) fn ranges(folders: &Folders, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
    let file =
        folders.disk.open(READ, path, Access::Read).map_err(|error| store_error(path, error))?;
    let part = |range: &Range<u64>| read(&*file, range.clone());
    ranges.iter().map(part).collect::<io::Result<_>>().map_err(|error| store_error(path, error))
}

/// What a store says about an object.
pub(super) fn object_meta(location: ObjectPath, metadata: &Metadata) -> ObjectMeta {
    ObjectMeta {
        location,
        last_modified: metadata.modified.into(),
        size: metadata.length,
        e_tag: None,
        version: None,
    }
}

fn open(folders: &Folders, path: &Path) -> Result<(Arc<dyn DiskFile>, Metadata)> {
    let opened = folders.disk.open(READ, path, Access::Read).and_then(|file| {
        let metadata = folders.disk.metadata(path)?;
        if metadata.is_folder {
            return Err(io::ErrorKind::NotFound.into());
        }
        // The name may have come to stand for another file; the length is that of the open one.
        let length = file.length()?;
        Ok((Arc::from(file), Metadata { length, ..metadata }))
    });
    opened.map_err(|error| store_error(path, error))
}

/// A part of a file; an error where the file is shorter.
fn read(file: &dyn DiskFile, range: Range<u64>) -> io::Result<Bytes> {
    let length = range.end.saturating_sub(range.start);
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok(bytes.into())
}
