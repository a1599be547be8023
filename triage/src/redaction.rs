//! Secrets are taken out of what the desk stores with the rules and the keys that the collector beside
//! the archive uses.

use std::path::{Path, PathBuf};

use blotter_archive::Location;
use blotter_redaction::{Configuration, Keys, Redactor};

use crate::Error;

/// Name of a key file in a data folder.
const KEY_FILE: &str = "redaction.key";
/// Data folder of an archive that is not in one.
const DATA: &str = "./blotter-data";

/// What a command was told about redaction.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The configuration file.
    pub configuration: Option<PathBuf>,
    /// The key file, whatever the configuration says.
    pub key_file: Option<PathBuf>,
}

/// A key file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Whether somebody named it; such a file is never made in passing.
    pub named: bool,
}

impl KeyFile {
    /// The keys in it; a file that nobody named is made where there is none.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub fn load(&self) -> Result<Keys, Error> {
        if self.named {
            return self.existing();
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)
            .map_err(|source| Error::Read { path: folder.to_owned(), source })?;
        Ok(Keys::load_or_create(&self.path)?)
    }

    /// The keys in a file that must be there.
    ///
    /// # Errors
    /// When there is none or it cannot be read.
    pub fn existing(&self) -> Result<Keys, Error> {
        if !self.path.exists() {
            return Err(Error::NoKeyFile { path: self.path.clone() });
        }
        Ok(Keys::load(&self.path)?)
    }

    /// A file with a first key, in a folder that must be there: one that was made in passing would be
    /// in the wrong place.
    ///
    /// # Errors
    /// When there is no such folder or the file cannot be made.
    pub fn create(&self) -> Result<Keys, Error> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        match folder {
            Some(folder) if !folder.is_dir() => Err(Error::NoKeyFolder { path: folder.to_owned() }),
            _ => Ok(Keys::load_or_create(&self.path)?),
        }
    }
}

impl Settings {
    /// The same with this key file, which must be there.
    #[must_use]
    pub fn with_key_file(self, path: PathBuf) -> Self {
        Self { key_file: Some(path), ..self }
    }

    /// The key file: the one that was named, else the one in the configuration, else the one in the
    /// data folder, which is the folder that the archive's folder lies in.
    ///
    /// # Errors
    /// When the configuration cannot be used.
    pub fn key_file(&self, archive: &Location) -> Result<KeyFile, Error> {
        Ok(self.read(archive)?.1)
    }

    /// The redactor for an archive.
    ///
    /// # Errors
    /// When the configuration or the keys cannot be used.
    pub fn redactor(&self, archive: &Location) -> Result<Redactor, Error> {
        let (configuration, key_file) = self.read(archive)?;
        Ok(Redactor::new(&configuration, key_file.load()?)?)
    }

    fn read(&self, archive: &Location) -> Result<(Configuration, KeyFile), Error> {
        let configuration = match &self.configuration {
            Some(file) => Configuration::read(file)?,
            None => Configuration::default(),
        };
        let named = self.key_file.clone().or_else(|| configuration.key_file.clone());
        let key_file = match named {
            Some(path) => KeyFile { path, named: true },
            None => KeyFile { path: data_folder(archive).join(KEY_FILE), named: false },
        };
        Ok((configuration, key_file))
    }
}

fn data_folder(archive: &Location) -> PathBuf {
    let folder = archive.url().to_file_path().ok();
    let parent = folder.as_deref().and_then(Path::parent);
    parent.map_or_else(|| PathBuf::from(DATA), Path::to_owned)
}
