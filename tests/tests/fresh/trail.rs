//! A collector that a run of an agent exports to, and the archive that is left of it.

use std::path::PathBuf;

use blotter_tests::agents::codex::Export;
use blotter_tests::processes::{Addresses, Daemon};
use tempfile::TempDir;

/// A running `triage up`.
pub struct Trail {
    daemon: Daemon,
    data: TempDir,
    pub addresses: Addresses,
}

/// What it archived.
pub struct Archive {
    data: TempDir,
}

impl Trail {
    pub async fn begin() -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let mut daemon = Daemon::triage_up(data.path())?;
        let addresses = daemon.addresses().await?;
        Ok(Self { daemon, data, addresses })
    }

    /// Where Codex is to export to.
    pub fn export(&self) -> Export {
        Export::Http(self.addresses.http)
    }

    /// Ends it, once the agent has ended.
    pub async fn end(self) -> anyhow::Result<Archive> {
        anyhow::ensure!(self.daemon.terminate().await?.success(), "triage up failed");
        Ok(Archive { data: self.data })
    }
}

impl Archive {
    pub fn path(&self) -> PathBuf {
        self.data.path().join("archive")
    }
}
