//! Where an archive lies.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use blotter_disk::{Disk, LocalDisk};
use deltalake_core::logstore::{LogStoreRef, logstore_factories, object_store_factories};
use deltalake_core::{DeltaTableBuilder, DeltaTableError};
use url::Url;

use crate::Error;
use crate::durable_store::DurableStore;

/// Where an archive lies: a local folder or a URL of an object store.
#[derive(Debug, Clone)]
pub struct Location {
    /// The folder, with a slash at its end.
    url: Url,
    /// As it was named.
    name: String,
    /// What a local folder lies on.
    disk: Arc<dyn Disk>,
}

/// The disk that a local folder lies on makes no difference.
impl PartialEq for Location {
    fn eq(&self, other: &Self) -> bool {
        (&self.url, &self.name) == (&other.url, &other.name)
    }
}

impl Eq for Location {}

impl Location {
    /// Understands `text` as a URL (`file:///dir`, or any scheme with a registered object-store
    /// factory) or else as a path of a local folder, relative to the current one. The folder need
    /// not exist.
    ///
    /// # Errors
    /// [`Error::Location`] when it is neither.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Location { location: text.to_owned(), reason };
        if text.is_empty() {
            return Err(wrong("it is empty".to_owned()));
        }
        let url = if text.contains("://") {
            let url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
            if url.scheme() == "file" {
                let path = url.to_file_path().map_err(|()| wrong("not a local path".to_owned()))?;
                folder_url(&path).map_err(wrong)?
            } else {
                with_final_slash(known_scheme(url).map_err(wrong)?)
            }
        } else {
            folder_url(Path::new(text)).map_err(wrong)?
        };
        Ok(Self { url, name: text.to_owned(), disk: Arc::new(LocalDisk) })
    }

    /// The same place on another disk than this machine's, if it is a local folder.
    #[must_use]
    pub fn on_disk(self, disk: Arc<dyn Disk>) -> Self {
        Self { disk, ..self }
    }

    /// The URL of the folder, with a slash at its end.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// A log store of the folder `name` below this location, and what it writes through where that is
    /// a local folder. Every other store comes from the factory of its scheme.
    pub(crate) fn log_store(
        &self,
        name: &str,
    ) -> Result<(LogStoreRef, Option<LocalFolder>), Error> {
        let url = self
            .url
            .join(&format!("{name}/"))
            .map_err(|error| DeltaTableError::Generic(error.to_string()))?;
        let Some(path) = (url.scheme() == "file").then(|| url.to_file_path().ok()).flatten() else {
            return Ok((DeltaTableBuilder::from_url(url)?.build_storage()?, None));
        };
        let store = DurableStore::new(Arc::clone(&self.disk));
        let url = if self.disk.is_in_memory() {
            // Of a `file` URL the table's reader would ask this machine whether it exists.
            Url::parse(&format!("memory://{}", url.path()))
                .map_err(|error| DeltaTableError::Generic(error.to_string()))?
        } else {
            url
        };
        let builder = DeltaTableBuilder::from_url(url.clone())?
            .with_storage_backend(Arc::new(store.clone()), url);
        Ok((builder.build_storage()?, Some(LocalFolder { path, store })))
    }
}

/// A table's folder on a local disk.
#[derive(Debug)]
pub(crate) struct LocalFolder {
    path: PathBuf,
    store: DurableStore,
}

impl LocalFolder {
    /// Makes durable what can be seen of the table's log: whoever wrote it may have been killed
    /// between naming a commit and syncing its name. What is built on it must not outlast it.
    pub(crate) async fn settle(&self) -> Result<(), Error> {
        Ok(self.store.settle_log(&self.path).await?)
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// URL of a local folder: symbolic links are followed where the folder exists.
fn folder_url(path: &Path) -> Result<Url, String> {
    let absolute = std::fs::canonicalize(path)
        .or_else(|_| std::path::absolute(path))
        .map_err(|error| error.to_string())?;
    Url::from_directory_path(&absolute).map_err(|()| "not a path of a folder".to_owned())
}

fn with_final_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}

fn known_scheme(url: Url) -> Result<Url, String> {
    let scheme = Url::parse(&format!("{}://", url.scheme())).map_err(|error| error.to_string())?;
    if object_store_factories().contains_key(&scheme) && logstore_factories().contains_key(&scheme)
    {
        return Ok(url);
    }
    let mut known: Vec<_> =
        object_store_factories().iter().map(|entry| entry.key().scheme().to_owned()).collect();
    known.sort();
    Err(format!("no object store is known for {}://, only for {}", url.scheme(), known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_its_file_url_are_the_same_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("an archive#1 %20 ü");
        let by_path = Location::parse(path.to_str().unwrap()).unwrap();
        let by_url = Location::parse(Url::from_file_path(&path).unwrap().as_str()).unwrap();
        assert_eq!(by_path.url(), by_url.url());
        assert_eq!(by_path.url().to_file_path().unwrap(), path);
        assert_eq!(by_path.to_string(), path.to_str().unwrap());
    }

    #[test]
    fn a_relative_path_is_relative_to_the_current_folder() {
        let here = std::env::current_dir().unwrap();
        let location = Location::parse("./not-there/archive").unwrap();
        assert_eq!(location.url().to_file_path().unwrap(), here.join("not-there/archive"));
        assert_eq!(location.to_string(), "./not-there/archive");
    }

    #[test]
    fn a_url_ends_with_a_slash_whether_it_was_named_with_one_or_not() {
        assert_eq!(Location::parse("memory:///a").unwrap().url().as_str(), "memory:///a/");
        assert_eq!(Location::parse("memory:///a/").unwrap().url().as_str(), "memory:///a/");
    }

    #[test]
    fn what_is_no_place_is_refused_with_its_name_and_the_reason() {
        let refused = |text| Location::parse(text).unwrap_err().to_string();
        assert!(refused("").contains("empty"));
        assert!(refused("nosuch://bucket/a").contains("nosuch://bucket/a"));
        assert!(refused("nosuch://bucket/a").contains("file, memory"));
        assert!(refused("file://elsewhere/a").contains("not a local path"));
    }
}
