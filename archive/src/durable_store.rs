//! A local object store whose writes survive a power cut.
//!
//! `object_store`'s own local store never syncs: after a power cut a committed file can be empty or
//! gone. Here a file is written under a staging name and synced before its final name appears, and
//! then every folder on the way to it that may be new is synced.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
    UploadPart,
};

/// Name of this store in errors.
const STORE: &str = "local folder";

/// What makes writes durable; a seam, so that a test can see that it is used.
pub(crate) trait Disk: std::fmt::Debug + Send + Sync {
    /// Makes the contents of a file durable.
    fn sync_file(&self, file: &File, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
}

#[derive(Debug)]
struct OsDisk;

impl Disk for OsDisk {
    fn sync_file(&self, file: &File, _path: &Path) -> io::Result<()> {
        file.sync_all()
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

/// A local object store, rooted at `/`, whose writes survive a power cut.
#[derive(Debug)]
pub(crate) struct DurableStore {
    files: LocalFileSystem,
    folders: Arc<Folders>,
}

impl DurableStore {
    pub(crate) fn new() -> Self {
        Self::on(Arc::new(OsDisk))
    }

    fn on(disk: Arc<dyn Disk>) -> Self {
        let folders = Folders { disk, settled: Mutex::default(), unsettled: Mutex::default() };
        Self { files: LocalFileSystem::new(), folders: Arc::new(folders) }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folders) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let folders = Arc::clone(&self.folders);
        tokio::task::spawn_blocking(move || work(&folders)).await?
    }
}

impl std::fmt::Display for DurableStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(STORE)
    }
}

/// Which folders are durable.
#[derive(Debug)]
struct Folders {
    disk: Arc<dyn Disk>,
    /// Folders whose own names were synced since this process began.
    settled: Mutex<HashSet<PathBuf>>,
    /// Folders with a name in them whose sync failed: until one succeeds, nobody may take the name
    /// for durable.
    unsettled: Mutex<HashSet<PathBuf>>,
}

impl Folders {
    /// Opens a staging file beside `path`, creating the folders that lack. Its name is of the form
    /// that the local store hides from listings.
    fn stage(path: &Path) -> io::Result<(File, PathBuf)> {
        let mut staged = path.as_os_str().to_owned();
        staged.push(format!("#{}", uuid::Uuid::new_v4().as_u128()));
        let staged = PathBuf::from(staged);
        let open = || File::options().write(true).create_new(true).open(&staged);
        let file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(parent) = staged.parent() {
                    std::fs::create_dir_all(parent)?;
                }
                open()?
            }
            opened => opened?,
        };
        Ok((file, staged))
    }

    /// Gives the staged file its final name, durably.
    fn publish(&self, file: &File, staged: &Path, path: &Path, mode: &PutMode) -> Result<()> {
        let named = self.disk.sync_file(file, staged).and_then(|()| match mode {
            PutMode::Create => std::fs::hard_link(staged, path),
            PutMode::Overwrite | PutMode::Update(_) => std::fs::rename(staged, path),
        });
        if named.is_err() || matches!(mode, PutMode::Create) {
            // A staging file that stays behind is hidden and costs only its space.
            let _ = std::fs::remove_file(staged);
        }
        named.map_err(|error| store_error(path, error))?;
        self.settle(path)
    }

    /// Makes the name of `path` durable, and those of the folders above it.
    fn settle(&self, path: &Path) -> Result<()> {
        let Some(parent) = path.parent() else { return Ok(()) };
        if let Err(error) = self.disk.sync_folder(parent) {
            lock(&self.unsettled).insert(parent.to_owned());
            return Err(store_error(parent, error));
        }
        for pair in parent.ancestors().zip(parent.ancestors().skip(1)) {
            let (folder, above) = pair;
            if lock(&self.settled).contains(folder) {
                break;
            }
            match self.disk.sync_folder(above) {
                // Whoever may not read a folder did not create anything in it either.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                Err(error) => {
                    lock(&self.unsettled).insert(above.to_owned());
                    return Err(store_error(above, error));
                }
                Ok(()) => {}
            }
            lock(&self.settled).insert(folder.to_owned());
        }
        Ok(())
    }

    /// Syncs again what could not be synced; fails while that fails, so that a name which is not
    /// durable is never read as a commit.
    fn settle_again(&self) -> Result<()> {
        let waiting: Vec<_> = lock(&self.unsettled).iter().cloned().collect();
        for folder in waiting {
            self.disk.sync_folder(&folder).map_err(|error| store_error(&folder, error))?;
            lock(&self.unsettled).remove(&folder);
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn store_error(path: &Path, error: io::Error) -> object_store::Error {
    let path = path.display().to_string();
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            object_store::Error::AlreadyExists { path, source: error.into() }
        }
        io::ErrorKind::NotFound => object_store::Error::NotFound { path, source: error.into() },
        _ => {
            object_store::Error::Generic { store: STORE, source: format!("{path}: {error}").into() }
        }
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
        let path = self.files.path_to_filesystem(location)?;
        self.blocking(move |folders| {
            folders.settle_again()?;
            let (mut file, staged) =
                Folders::stage(&path).map_err(|error| store_error(&path, error))?;
            if let Err(error) = payload.iter().try_for_each(|part| file.write_all(part)) {
                let _ = std::fs::remove_file(&staged);
                return Err(store_error(&path, error));
            }
            folders.publish(&file, &staged, &path, &options.mode)?;
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
        let path = self.files.path_to_filesystem(location)?;
        let folders = Arc::clone(&self.folders);
        self.blocking(move |_| {
            let (file, staged) =
                Folders::stage(&path).map_err(|error| store_error(&path, error))?;
            let upload = Upload { folders, file: Arc::new(file), staged, path, offset: 0 };
            Ok(Box::new(upload) as Box<dyn MultipartUpload>)
        })
        .await
    }

    async fn get_opts(&self, location: &ObjectPath, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    async fn get_ranges(
        &self,
        location: &ObjectPath,
        ranges: &[std::ops::Range<u64>],
    ) -> Result<Vec<Bytes>> {
        self.files.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<ObjectPath>>,
    ) -> BoxStream<'static, Result<ObjectPath>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&ObjectPath>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.after_settling(self.files.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&ObjectPath>,
        offset: &ObjectPath,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.after_settling(self.files.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&ObjectPath>) -> Result<ListResult> {
        self.blocking(Folders::settle_again).await?;
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(
        &self,
        from: &ObjectPath,
        to: &ObjectPath,
        options: CopyOptions,
    ) -> Result<()> {
        self.files.copy_opts(from, to, options).await?;
        let path = self.files.path_to_filesystem(to)?;
        self.blocking(move |folders| folders.settle(&path)).await
    }

    async fn rename_opts(
        &self,
        from: &ObjectPath,
        to: &ObjectPath,
        options: RenameOptions,
    ) -> Result<()> {
        self.files.rename_opts(from, to, options).await?;
        let path = self.files.path_to_filesystem(to)?;
        self.blocking(move |folders| folders.settle(&path)).await
    }
}

impl DurableStore {
    fn after_settling(
        &self,
        listing: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.folders.settle_again() {
            Ok(()) => listing,
            Err(error) => futures::stream::once(std::future::ready(Err(error))).boxed(),
        }
    }
}

fn unsupported(operation: &str) -> object_store::Error {
    object_store::Error::NotImplemented {
        operation: operation.to_owned(),
        implementer: STORE.to_owned(),
    }
}

/// A file that is written in parts.
#[derive(Debug)]
struct Upload {
    folders: Arc<Folders>,
    file: Arc<File>,
    staged: PathBuf,
    path: PathBuf,
    offset: u64,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let mut offset = self.offset;
        self.offset += data.content_length() as u64;
        let (file, path) = (Arc::clone(&self.file), self.path.clone());
        async move {
            tokio::task::spawn_blocking(move || {
                for part in data.iter() {
                    file.write_all_at(part, offset).map_err(|error| store_error(&path, error))?;
                    offset += part.len() as u64;
                }
                Ok(())
            })
            .await?
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let folders = Arc::clone(&self.folders);
        let file = Arc::clone(&self.file);
        let (staged, path) = (self.staged.clone(), self.path.clone());
        tokio::task::spawn_blocking(move || {
            folders.publish(&file, &staged, &path, &PutMode::Overwrite)?;
            Ok(PutResult { e_tag: None, version: None })
        })
        .await?
    }

    async fn abort(&mut self) -> Result<()> {
        std::fs::remove_file(&self.staged).map_err(|error| store_error(&self.staged, error))
    }
}

#[cfg(test)]
mod tests;
