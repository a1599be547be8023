//! The data folder of an earlier version: some of it archived, some only in its journal, for it was killed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use crate::client::{Answer, Sender};
use crate::flood::{Attempt, generated};
use crate::guests::workspace;
use crate::processes::Daemon;

/// Number of the first request; the senders of a run begin at 0.
const FIRST: u64 = 1_000_000_000;
/// Requests that were in the archive before the end.
const ARCHIVED: u64 = 40;
/// Requests after those.
const JOURNALLED: u64 = 30;
/// Time for the first ones to be archived.
const COMMIT: Duration = Duration::from_secs(6);

/// The file with the folder.
#[must_use]
pub fn file() -> PathBuf {
    workspace().join("tests/previous/data.tar.zst")
}

/// Unpacks the folder as `data`; every request that was acknowledged, by its number.
///
/// # Errors
/// When it cannot be unpacked.
pub fn unpack(data: &Path) -> anyhow::Result<BTreeMap<u64, Attempt>> {
    fs::create_dir_all(data)?;
    let packed = fs::File::open(file())?;
    let mut tar = Command::new("tar");
    tar.arg("-x").arg("--sparse").arg("-C").arg(data).stdin(Stdio::piped());
    let mut tar = tar.spawn().context("cannot start tar")?;
    if let Some(mut input) = tar.stdin.take() {
        zstd::stream::copy_decode(packed, &mut input)?;
    }
    ensure!(tar.wait()?.success(), "tar failed");
    Ok(requests())
}

fn requests() -> BTreeMap<u64, Attempt> {
    (FIRST..FIRST + ARCHIVED + JOURNALLED)
        .map(|number| {
            let acknowledged =
                Attempt { acknowledged: true, ..Attempt::new(generated(number), number) };
            (number, acknowledged)
        })
        .collect()
}

/// Writes the folder anew, with the collector of this version: for when a release was made.
///
/// # Errors
/// When the collector refuses something, or the folder cannot be packed.
pub async fn write() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Daemon::collector(folder.path())?;
    let mut sender = Sender::http(collector.addresses().await?.http).await?;
    for (number, attempt) in requests() {
        if number == FIRST + ARCHIVED {
            tokio::time::sleep(COMMIT).await;
        }
        match sender.send(&attempt.export()).await? {
            Answer::Acknowledged(_) => {}
            answer => bail!("{answer:?}"),
        }
    }
    collector.kill().await?;
    let mut tar = Command::new("tar");
    tar.args(["-c", "--sparse", "--owner=0", "--group=0", "--numeric-owner", "--sort=name", "-C"]);
    let packed = tar.arg(folder.path()).arg(".").output().context("cannot start tar")?;
    ensure!(packed.status.success(), "tar failed: {}", String::from_utf8_lossy(&packed.stderr));
    if let Some(parent) = file().parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(file(), zstd::stream::encode_all(&*packed.stdout, 19)?)?;
    Ok(())
}
