//! Everything that can go wrong below the collector: what was acknowledged is in the archive exactly
//! once, what is refused may be sent again, and the operator is told.

#![allow(clippy::indexing_slicing, clippy::print_stdout, reason = "tests")]

mod clock;
mod damage;
mod errors;
mod folders;
mod full_disk;
mod kill;
mod retry;

use std::path::Path;

use blotter_tests::ledger::Ledger;
use blotter_tests::processes::Daemon;
use blotter_tests::retrying::Retrying;

/// Starts the collector as it is installed, has everything acknowledged, and counts.
async fn comes_right(data: &Path, sender: &mut Retrying) -> anyhow::Result<()> {
    let mut collector = Daemon::collector(data)?;
    sender.finish(collector.addresses().await?).await?;
    let status = collector.terminate().await?;
    anyhow::ensure!(status.success(), "the last shutdown was not clean: {status}");
    everything_once(data, sender)
}

/// Every request is in the archive, whole and once.
fn everything_once(data: &Path, sender: &Retrying) -> anyhow::Result<()> {
    Ledger::read(&data.join("archive"))?.holds_what_was_sent(sender.attempts())
}
