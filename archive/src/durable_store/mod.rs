//! A local object store whose writes survive a power cut.
//!
//! `object_store`'s own local store never syncs: after a power cut a committed file can be empty or
//! gone. Here a file is written under a staging name and synced before its final name appears, and
//! then every folder on the way to it that may be new is synced; see [`folders`]. Everything goes
//! through a [`Disk`], so that a test can cut the power between any two steps.

mod folders;
mod listing;
mod read;
mod upload;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use blotter_disk::Disk;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _};
use object_store::path::Path as ObjectPath;
use object_store::{
    CopyMode, CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    RenameTargetMode, Result,
};

use folders::Folders;
use upload::Upload;

/// Name of this store in errors.
const STORE: &str = "local folder";
/// What an operation is done for, as the disk is told.
const PUT: &str = "store.put";
const CREATE: &str = "store.create";
const UPLOAD: &str = "store.upload";
const DELETE: &str = "store.delete";
const COPY: &str = "store.copy";
const RENAME: &str = "store.rename";
const OPEN: &str = "store.open";

/// Any name in the folder of a table's log.
const LOG: &str = "_delta_log/0.json";

/// Deletions that are made at the same time.
const DELETING: usize = 10;

/// A local object store, rooted at `/`, whose writes survive a power cut.
#[derive(Debug, Clone)]
pub(crate) struct DurableStore {
    folders: Arc<Folders>,
}

impl DurableStore {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { folders: Arc::new(Folders::new(disk)) }
    }

    /// Makes the names in the log of the table in the folder `table` durable.
    pub(crate) async fn settle_log(&self, table: &Path) -> Result<()> {
        let any = table.join(LOG);
        run(&self.folders, move |folders| folders.settle(OPEN, &any)).await
    }
}

impl std::fmt::Display for DurableStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(STORE)
    }
}

/// Does `work` where it keeps nobody waiting.
async fn run<T: Send + 'static>(
    folders: &Arc<Folders>,
    work: impl FnOnce(&Folders) -> Result<T> + Send + 'static,
) -> Result<T> {
    if folders.disk.is_in_memory() {
        return work(folders);
    }
    let folders = Arc::clone(folders);
    tokio::task::spawn_blocking(move || work(&folders)).await?
}

/// Where an object lies.
fn path_of(location: &ObjectPath) -> Result<PathBuf> {
    let name = location.filename().unwrap_or_default();
    if name.is_empty() || folders::is_staged(name) {
        return Err(object_store::Error::Generic {
            store: STORE,
            source: format!("{location} is not a name for a file").into(),
        });
    }
    Ok(folder_of(Some(location)))
}

/// Where what begins with `prefix` lies.
fn folder_of(prefix: Option<&ObjectPath>) -> PathBuf {
    Path::new("/").join(prefix.map_or("", |prefix| prefix.as_ref()))
}

fn store_error(path: &Path, error: std::io::Error) -> object_store::Error {
    let path = path.display().to_string();
    match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            object_store::Error::AlreadyExists { path, source: error.into() }
        }
        std::io::ErrorKind::NotFound => {
            object_store::Error::NotFound { path, source: error.into() }
        }
        _ => {
            object_store::Error::Generic { store: STORE, source: format!("{path}: {error}").into() }
        }
    }
}

fn unsupported(operation: &str) -> object_store::Error {
    object_store::Error::NotImplemented {
        operation: operation.to_owned(),
        implementer: STORE.to_owned(),
    }
}

#[async_trait]
impl ObjectStore for DurableStore {
    async fn put_opts(
        &self,
        location: &ObjectPath,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        if matches!(options.mode, PutMode::Update(_)) || !options.attributes.is_empty() {
            return Err(unsupported("conditional update or attributes"));
        }
        let path = path_of(location)?;
        run(&self.folders, move |folders| {
            folders.settle_again()?;
            let step = if matches!(options.mode, PutMode::Create) { CREATE } else { PUT };
            let staged = folders.stage(step, &path).map_err(|error| store_error(&path, error))?;
            if let Err(error) = staged.write(payload.iter(), 0) {
                folders.discard(&staged);
                return Err(store_error(&path, error));
            }
            folders.publish(&staged, &path, &options.mode)?;
            Ok(PutResult { e_tag: None, version: None })
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        location: &ObjectPath,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        if !options.attributes.is_empty() {
            return Err(unsupported("attributes"));
        }
        let path = path_of(location)?;
        let staging = path.clone();
        let staged = run(&self.folders, move |folders| {
            folders.stage(UPLOAD, &staging).map_err(|error| store_error(&staging, error))
        })
        .await?;
        Ok(Box::new(Upload::new(Arc::clone(&self.folders), staged, path)))
    }

    async fn get_opts(&self, location: &ObjectPath, options: GetOptions) -> Result<GetResult> {
        read::get(&self.folders, location, options).await
    }

    async fn get_ranges(
        &self,
        location: &ObjectPath,
        ranges: &[std::ops::Range<u64>],
    ) -> Result<Vec<Bytes>> {
        let path = path_of(location)?;
        let ranges = ranges.to_vec();
        run(&self.folders, move |folders| read::ranges(folders, &path, &ranges)).await
    }

    /// What a power cut brings back is deleted again by whoever looks for what nobody refers to.
    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<ObjectPath>>,
    ) -> BoxStream<'static, Result<ObjectPath>> {
        let folders = Arc::clone(&self.folders);
        locations
            .map(move |location| {
                let folders = Arc::clone(&folders);
                async move {
                    let location = location?;
                    let path = path_of(&location)?;
                    run(&folders, move |folders| {
                        folders
                            .disk
                            .remove(DELETE, &path)
                            .map_err(|error| store_error(&path, error))
                    })
                    .await?;
                    Ok(location)
                }
            })
            .buffered(DELETING)
            .boxed()
    }

    fn list(&self, prefix: Option<&ObjectPath>) -> BoxStream<'static, Result<ObjectMeta>> {
        listing::stream(&self.folders, prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&ObjectPath>,
        offset: &ObjectPath,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        listing::stream(&self.folders, prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&ObjectPath>) -> Result<ListResult> {
        let prefix = prefix.cloned();
        run(&self.folders, move |folders| {
            folders.settle_again()?;
            listing::one_folder(&*folders.disk, prefix.as_ref())
        })
        .await
    }

    /// The copy is another name of the same file: no object is ever changed in place.
    async fn copy_opts(
        &self,
        from: &ObjectPath,
        to: &ObjectPath,
        options: CopyOptions,
    ) -> Result<()> {
        let (from, to) = (path_of(from)?, path_of(to)?);
        run(&self.folders, move |folders| {
            match options.mode {
                CopyMode::Create => folders.link(COPY, &from, &to),
                CopyMode::Overwrite => {
                    let staged = folders::staged_name(&to);
                    let copied = folders
                        .link(COPY, &from, &staged)
                        .and_then(|()| folders.disk.rename(COPY, &staged, &to));
                    // Where both are names of one file already, a rename does nothing.
                    let _ = folders.disk.remove(COPY, &staged);
                    copied
                }
            }
            .map_err(|error| store_error(&from, error))?;
            folders.settle(COPY, &to)
        })
        .await
    }

    async fn rename_opts(
        &self,
        from: &ObjectPath,
        to: &ObjectPath,
        options: RenameOptions,
    ) -> Result<()> {
        let (from, to) = (path_of(from)?, path_of(to)?);
        run(&self.folders, move |folders| {
            match options.target_mode {
                RenameTargetMode::Overwrite => folders.rename(RENAME, &from, &to),
                RenameTargetMode::Create => folders
                    .link(RENAME, &from, &to)
                    .and_then(|()| folders.disk.remove(RENAME, &from)),
            }
            .map_err(|error| store_error(&from, error))?;
            folders.settle(RENAME, &to)
        })
        .await
    }
}

#[cfg(test)]
mod tests;
