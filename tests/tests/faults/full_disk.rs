//! A disk that is really full, or really read-only: a small tmpfs of its own.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use blotter_tests::binaries::binary;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use super::*;

/// A tmpfs that only those see who are started in it; gone when this is dropped.
struct SmallDisk {
    holder: Child,
    as_root: bool,
    folder: PathBuf,
}

impl SmallDisk {
    /// A disk of `size` bytes, or none, with a printed reason, where mounting is not allowed: then what
    /// is injected at every step must do.
    async fn mount(folder: &Path, size: u64) -> anyhow::Result<Option<Self>> {
        let as_root = rustix::process::geteuid().is_root();
        let mut command = Command::new("unshare");
        command.args(if as_root { ["--mount"].as_slice() } else { ["--mount", "-Ur"].as_slice() });
        command.args(["--propagation", "private", "sh", "-c"]);
        command.arg(format!(
            "mount -t tmpfs -o size={size} tmpfs \"$0\" && echo ready && exec sleep 1000"
        ));
        command.arg(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut holder = command.kill_on_drop(true).spawn().context("cannot start unshare")?;
        let mut said = [0; 5];
        let stdout = holder.stdout.as_mut().context("no standard output")?;
        if stdout.read_exact(&mut said).await.is_err() {
            let output = holder.wait_with_output().await?;
            let reason = String::from_utf8_lossy(&output.stderr).into_owned();
            println!("SKIPPED: no disk can be mounted here: {reason}");
            return Ok(None);
        }
        Ok(Some(Self { holder, as_root, folder: folder.to_owned() }))
    }

    /// A command that sees the disk.
    fn command(&self, program: &Path) -> anyhow::Result<Command> {
        let id = self.holder.id().context("the disk is gone")?.to_string();
        let mut command = Command::new("nsenter");
        command.args(["--target", &id, "--mount"]);
        if !self.as_root {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.arg("--").arg(program);
        Ok(command)
    }

    /// How this process sees the disk.
    fn seen(&self) -> anyhow::Result<PathBuf> {
        let id = self.holder.id().context("the disk is gone")?;
        let folder = self.folder.strip_prefix("/")?;
        Ok(Path::new("/proc").join(id.to_string()).join("root").join(folder))
    }

    fn collector(&self) -> anyhow::Result<Daemon> {
        let mut command = self.command(&binary("blotter-faulty")?)?;
        command.arg("--data").arg(self.folder.join("data"));
        Daemon::spawn(command)
    }

    /// Fills the disk up, but for `left` bytes.
    fn fill(&self, left: u64) -> anyhow::Result<()> {
        let filler = self.seen()?.join("filler");
        let mut file = File::create(filler)?;
        while file.write_all(&[1; 4096]).is_ok() {}
        let length = file.metadata()?.len();
        file.set_len(length.saturating_sub(left))?;
        Ok(())
    }

    fn free(&self) -> anyhow::Result<()> {
        Ok(fs::remove_file(self.seen()?.join("filler"))?)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn journal_and_archive_on_a_full_disk_refuse_for_now_and_go_on_when_there_is_space()
-> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let Some(disk) = SmallDisk::mount(folder.path(), 8 << 20).await? else { return Ok(()) };
    let mut sender = Retrying::new(4)?;
    let mut collector = disk.collector()?;
    let mut addresses = collector.addresses().await?;
    sender.finish(addresses).await?;

    for restart in [false, true] {
        disk.fill(40 << 10)?;
        // Until the journal's last segment is full, too.
        let mut refused = Vec::new();
        while refused.is_empty() {
            sender.more(20)?;
            let round = sender.round(addresses).await?;
            assert!(!round.lost, "the connection was lost");
            refused = round.refused;
        }
        assert!(refused.iter().all(|reason| reason.contains("full")), "{refused:?}");
        if restart {
            // Started on a full disk, it does what it did before.
            let _ = collector.terminate().await?;
            collector = disk.collector()?;
            addresses = collector.addresses().await?;
            let round = sender.round(addresses).await?;
            assert!(!round.lost && !round.refused.is_empty(), "{round:?}");
        }
        disk.free()?;
        sender.finish(addresses).await?;
    }
    assert!(collector.terminate().await?.success());
    everything_once(&disk.seen()?.join("data"), &sender)
}

#[tokio::test]
async fn a_read_only_disk_is_told_at_the_start() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let Some(disk) = SmallDisk::mount(folder.path(), 8 << 20).await? else { return Ok(()) };
    let mut sender = Retrying::new(4)?;
    let mut collector = disk.collector()?;
    sender.finish(collector.addresses().await?).await?;
    assert!(collector.terminate().await?.success());
    let mut remount = disk.command(Path::new("mount"))?;
    let remounted = remount.args(["-o", "remount,ro"]).arg(folder.path()).output().await?;
    assert!(remounted.status.success(), "{remounted:?}");
    let output = disk
        .command(&binary("blotter-collector")?)?
        .args(["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"])
        .arg(folder.path().join("data"))
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("Read-only file system") && said.contains("journal"), "{said}");
    everything_once(&disk.seen()?.join("data"), &sender)
}
