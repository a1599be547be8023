//! A collector that a run of an agent exports to, and the archive that is left of it.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use blotter_tests::agents::codex::{Codex, Export};
use blotter_tests::processes::{Addresses, Daemon, triage};
use blotter_tests::receipts::Truth;
use serde_json::Value;
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

    /// How many rows of the session came as spans.
    async fn spans(&self, session: &str) -> anyhow::Result<u64> {
        let shown = triage(&self.path(), ["show", session, "--format", "json"]).await?;
        let shown: Value = serde_json::from_str(&shown.stdout).context(shown.stderr)?;
        shown.pointer("/session/signals/spans").and_then(Value::as_u64).context("no count of spans")
    }
}

/// How often a scenario is played before its spans are given up.
const ATTEMPTS: usize = 4;

/// What a receipt says where a record did not arrive that the agent would have sent.
const NOT_ARRIVED: &str = "no such record arrived";

/// Whether the receipts of what `scenario` left say what is true of it. Codex's app server keeps its spans
/// until it ends and now and then loses all or the last of them as it ends: a run that did is played again,
/// for its receipts rightly say that they do not know.
pub async fn with_its_spans(
    scenario: impl AsyncFn(&Codex) -> anyhow::Result<(Truth, Archive)>,
) -> anyhow::Result<()> {
    let Some(codex) = Codex::installed()? else { return Ok(()) };
    for attempt in 1..=ATTEMPTS {
        let (truth, archive) = scenario(&codex).await?;
        if archive.spans(truth.session()).await? > 0 {
            match truth.held_by(&archive.path()).await {
                Err(error) if attempt < ATTEMPTS && format!("{error}").contains(NOT_ARRIVED) => {}
                held => return held,
            }
        }
        let _ = writeln!(std::io::stderr(), "Codex ended without some of its spans.");
    }
    anyhow::bail!("Codex ended without its spans, {ATTEMPTS} times")
}
