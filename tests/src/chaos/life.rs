//! One life of a collector, from its start to its end.

use std::path::PathBuf;

use anyhow::ensure;
use tokio::process::Command;

use super::peers::Idle;
use crate::binaries::binary;
use crate::flood::Flood;
use crate::processes::{Addresses, Daemon};

/// What every life has in common.
#[derive(Debug)]
pub(super) struct Lives {
    pub data: PathBuf,
    pub config: PathBuf,
}

/// How much longer each change of a slow disk takes, in milliseconds.
const SLOW: &str = "15";

/// Whether the disk is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlowDisk {
    No,
    Yes,
}

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Kill,
    Terminate,
}

impl End {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "SIGKILL",
            Self::Terminate => "SIGTERM",
        }
    }
}

/// A running collector that the senders send to.
#[derive(Debug)]
pub(super) struct Life {
    collector: Daemon,
    pub addresses: Addresses,
    idle: Idle,
}

impl Life {
    pub(super) async fn begin(
        lives: &Lives,
        flood: &Flood,
        disk: SlowDisk,
    ) -> anyhow::Result<Self> {
        let mut command = match disk {
            SlowDisk::No => {
                let mut command = Command::new(binary("blotter-collector")?);
                command.args(["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
                command
            }
            SlowDisk::Yes => {
                let mut command = Command::new(binary("blotter-faulty")?);
                command.args(["--delay-milliseconds", SLOW]);
                command
            }
        };
        command.arg("--config").arg(&lives.config).arg("--data").arg(&lives.data);
        command.env("RUST_LOG", "error");
        let mut collector = Daemon::spawn(command)?;
        let addresses = collector.addresses().await?;
        let idle = Idle::open(addresses).await?;
        flood.aim(addresses);
        Ok(Self { collector, addresses, idle })
    }

    /// Connections that are open and say nothing.
    pub(super) fn idle(&self) -> usize {
        self.idle.len()
    }

    /// Ends it; how many idle connections it had closed before.
    pub(super) async fn end(self, flood: &Flood, how: End) -> anyhow::Result<usize> {
        let lost = self.idle.closed();
        match how {
            End::Kill => self.collector.kill().await?,
            End::Terminate => {
                drop(self.idle);
                let status = self.collector.terminate().await?;
                ensure!(status.success(), "asked to end, it ended with {status}");
            }
        }
        flood.pause();
        Ok(lost)
    }

    pub(super) async fn terminate(self) -> anyhow::Result<()> {
        drop(self.idle);
        let status = self.collector.terminate().await?;
        ensure!(status.success(), "asked to end, it ended with {status}");
        Ok(())
    }
}
