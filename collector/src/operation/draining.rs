//! Draining a running collector from beside it.
//!
//! It is told by a signal: the kernel lets only its own user and root send one, and nothing more has to
//! be served. That the process that gets it is the collector is made sure by its hold on the journal's
//! lock file.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::asked::{Asked, NotAsked};
use super::report::Report;
use super::run_file::RunFile;

/// Pause between two looks at what is left.
const LOOK: Duration = Duration::from_millis(200);

/// A running collector that can be told to drain.
#[derive(Debug)]
pub struct Drain {
    process: rustix::fd::OwnedFd,
    asked: Asked,
    data: PathBuf,
}

/// What draining came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Drained {
    /// Nothing waits any more: what was acknowledged is in the archive and with every destination, but for
    /// what the report says was set aside or given up.
    Whole(Box<Report>),
    /// The time was over before.
    Left(Box<Report>),
}

impl Drain {
    /// The collector that works in `data`.
    ///
    /// # Errors
    /// When none does, or it is not `blotter-collector`, or belongs to somebody else.
    pub fn find(data: &Path) -> Result<Self, NotAsked> {
        let nobody = |reason: String| NotAsked::Nobody { data: data.to_owned(), reason };
        let found = RunFile::read(data)?;
        let asked = Asked::find(data)?;
        let pid = i32::try_from(found.pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| nobody("it names no process".to_owned()))?;
        // From here on the number cannot come to mean another process.
        let process = pidfd_open(pid, PidfdFlags::empty())
            .map_err(|_| nobody("the collector that ran on it has ended".to_owned()))?;
        if !holds(found.pid, &data.join("journal/lock")) {
            return Err(nobody(format!(
                "process {} is not the collector, or belongs to another user (or runs in another container)",
                found.pid
            )));
        }
        let program = fs::read_to_string(format!("/proc/{}/comm", found.pid)).unwrap_or_default();
        // The name is cut at 15 bytes.
        if !"blotter-collector".starts_with(program.trim_end()) || program.trim().is_empty() {
            return Err(nobody(format!(
                "it is part of `{}`, which is ended with Ctrl-C or SIGTERM and drains as it ends",
                program.trim_end()
            )));
        }
        Ok(Self { process, asked, data: data.to_owned() })
    }

    /// Makes sure that it answers.
    ///
    /// # Errors
    /// When it does not; it has been told nothing then.
    pub async fn ask(&self, token: Option<&str>) -> Result<(), NotAsked> {
        self.asked.report(token).await.map(drop)
    }

    /// Tells it to take no more requests, and waits until nothing waits in its journal any more.
    ///
    /// # Errors
    /// When it cannot be told, or does not answer any more; it may take no requests then.
    pub async fn run(&self, timeout: Duration, token: Option<&str>) -> Result<Drained, NotAsked> {
        self.tell(Signal::USR1)?;
        let deadline = Instant::now() + timeout;
        loop {
            let report = self.asked.report(token).await?;
            let consumers = &report.journal.consumers;
            let empty = consumers.iter().all(|it| it.waiting_records == 0);
            if report.draining && empty && report.requests_in_flight == 0 {
                return Ok(Drained::Whole(Box::new(report)));
            }
            if Instant::now() >= deadline {
                return Ok(Drained::Left(Box::new(report)));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Tells it to take requests again.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn cancel(&self) -> Result<(), NotAsked> {
        self.tell(Signal::USR2)
    }

    /// Tells it to end.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn stop(&self) -> Result<(), NotAsked> {
        self.tell(Signal::TERM)
    }

    fn tell(&self, signal: Signal) -> Result<(), NotAsked> {
        pidfd_send_signal(&self.process, signal).map_err(|error| NotAsked::Nobody {
            data: self.data.clone(),
            reason: format!("it cannot be told: {error}"),
        })
    }
}

/// Whether a process has a file open.
fn holds(pid: u32, file: &Path) -> bool {
    let Ok(file) = fs::metadata(file) else { return false };
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    open.flatten().any(|it| {
        fs::metadata(it.path()).is_ok_and(|it| (it.dev(), it.ino()) == (file.dev(), file.ino()))
    })
}
