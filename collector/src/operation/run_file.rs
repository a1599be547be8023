//! Where a running collector can be asked: a file in its data folder, for the commands beside it.
//!
//! It is written without being synced: nothing is built on it, and one that a dead collector left only
//! leads to where nobody answers.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::asked::NotAsked;

/// Name of the file in the data folder.
const NAME: &str = "collector.run.json";

/// Where a collector can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunFile {
    /// Its process.
    pub pid: u32,
    /// OTLP/HTTP.
    pub http: SocketAddr,
    /// Its Unix socket.
    pub unix: Option<PathBuf>,
    /// The file of the certificate that its ports show, where they speak TLS.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
}

impl RunFile {
    fn path(data: &Path) -> PathBuf {
        data.join(NAME)
    }

    /// Leaves it in the data folder; without it, commands must be told the address.
    pub(crate) fn write(&self, data: &Path) {
        let (path, new) = (Self::path(data), data.join(format!("{NAME}.new")));
        let written = serde_json::to_vec(self)
            .map_err(std::io::Error::from)
            .and_then(|content| fs::write(&new, content))
            .and_then(|()| fs::rename(&new, &path));
        if let Err(error) = written {
            tracing::warn!("cannot write {}: {error}", path.display());
        }
    }

    /// Removes it, where it is still the one of this process.
    pub(crate) fn remove(data: &Path) {
        if Self::read(data).is_ok_and(|found| found.pid == std::process::id()) {
            let _ = fs::remove_file(Self::path(data));
        }
    }

    pub(super) fn read(data: &Path) -> Result<Self, NotAsked> {
        let path = Self::path(data);
        let nobody = |reason: String| NotAsked::Nobody { data: data.to_owned(), reason };
        let content = fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => nobody("no collector runs on it".to_owned()),
            _ => nobody(format!("{}: {error}", path.display())),
        })?;
        serde_json::from_slice(&content)
            .map_err(|error| nobody(format!("{}: {error}", path.display())))
    }
}
