//! The redactor in force, and how a running collector comes to use a new key.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use blotter_archive::Location;
use blotter_redaction::{Configuration, Keys, Redactor};
use tokio_util::sync::CancellationToken;

use crate::Error;

/// How often the key file is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// The redactor in force.
#[derive(Debug)]
pub(crate) struct Redaction {
    configuration: Configuration,
    key_file: PathBuf,
    current: RwLock<Arc<Redactor>>,
}

impl Redaction {
    /// Loads the keys and the rules. A key file that the configuration does not name is made where
    /// there is none; one that it names must be there, for a key of our own in its place would give
    /// the fleet's secrets fingerprints that nobody else has.
    pub(crate) fn open(configuration: &Configuration, data: &Path) -> Result<Self, Error> {
        let (key_file, keys) = match &configuration.key_file {
            Some(named) => (named.clone(), Keys::load(named)?),
            None => {
                let own = key_file(data);
                let keys = Keys::load_or_create(&own)?;
                (own, keys)
            }
        };
        let redactor = Redactor::new(configuration, keys)?;
        let current = RwLock::new(Arc::new(redactor));
        Ok(Self { configuration: configuration.clone(), key_file, current })
    }

    /// Whether the key file lies in a local archive.
    pub(crate) fn has_keys_below(&self, archive: &Location) -> bool {
        let key_file = self.key_file.canonicalize();
        let folder = archive.url().to_file_path();
        matches!((key_file, folder), (Ok(file), Ok(folder)) if file.starts_with(&folder))
    }

    /// The redactor in force; a request goes through one from beginning to end.
    pub(crate) fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes up the keys that are in the file now, where they are others; true if they are.
    fn reload(&self) -> Result<bool, Error> {
        let keys = Keys::load(&self.key_file)?;
        if keys.ids().eq(self.redactor().keys().ids()) {
            return Ok(false);
        }
        let redactor = Redactor::new(&self.configuration, keys)?;
        let key_id = redactor.keys().current().to_owned();
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(redactor);
        tracing::info!(key_id, "fingerprints are made with another key from now on");
        Ok(true)
    }

    /// Takes up every new key until it is told to stop.
    pub(crate) async fn follow_keys(self: Arc<Self>, stop: CancellationToken) {
        let mut failed = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => return,
            }
            let redaction = Arc::clone(&self);
            let reloaded = tokio::task::spawn_blocking(move || redaction.reload()).await;
            match reloaded {
                Ok(Err(error)) if !failed => {
                    tracing::error!("{error}; the keys that were read before stay in use");
                    failed = true;
                }
                Ok(Ok(_)) => failed = false,
                Ok(Err(_)) | Err(_) => {}
            }
        }
    }
}

/// Where the keys are unless the configuration names a file.
pub(crate) fn key_file(data: &Path) -> PathBuf {
    data.join("redaction.key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_key_is_taken_up_and_a_spoilt_file_is_not() {
        let data = tempfile::tempdir().unwrap();
        let redaction = Redaction::open(&Configuration::default(), data.path()).unwrap();
        let before = redaction.redactor();
        assert!(!redaction.reload().unwrap());
        let file = key_file(data.path());
        let keys = Keys::rotate(&file).unwrap();
        assert!(redaction.reload().unwrap());
        assert_eq!(redaction.redactor().keys().current(), keys.current());
        assert_ne!(redaction.redactor().keys().current(), before.keys().current());
        std::fs::write(&file, "spoilt").unwrap();
        assert!(redaction.reload().is_err());
        assert_eq!(redaction.redactor().keys().current(), keys.current());
    }

    #[test]
    fn a_key_file_in_the_archive_is_noticed() {
        let data = tempfile::tempdir().unwrap();
        let redaction = Redaction::open(&Configuration::default(), data.path()).unwrap();
        let at = |path: &Path| Location::parse(&path.to_string_lossy()).unwrap();
        assert!(redaction.has_keys_below(&at(data.path())));
        assert!(!redaction.has_keys_below(&at(&data.path().join("archive"))));
    }

    #[test]
    fn a_key_file_that_is_named_must_be_there() {
        let data = tempfile::tempdir().unwrap();
        let key_file = Some(data.path().join("fleet.key"));
        let configuration = Configuration { key_file, ..Configuration::default() };
        assert!(Redaction::open(&configuration, data.path()).is_err());
        assert!(!data.path().join("fleet.key").exists());
    }
}
