//! The project's own programs as processes that can be asked for their ports, stopped, and killed.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::binaries::binary;

/// Longest time for a program to say where it listens, and to end when asked to.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a receiver listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// OTLP/HTTP.
    pub http: SocketAddr,
    /// OTLP/gRPC.
    pub grpc: SocketAddr,
}

/// A running `blotter-collector` or `triage up`; killed when dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    /// What it has printed so far.
    said: String,
}

impl Daemon {
    /// Starts `blotter-collector` over the folder `data`, on free ports of 127.0.0.1.
    ///
    /// # Errors
    /// When it does not build or start.
    pub fn collector(data: &Path) -> anyhow::Result<Self> {
        Self::start("blotter-collector", &[], data, None)
    }

    /// The same, with the configuration file `config`, on the Unix socket `unix` as well, with every log
    /// line there is, added to the file `log`.
    ///
    /// # Errors
    /// When it does not build or start, or the file cannot be written.
    pub fn talkative_collector(
        data: &Path,
        config: &Path,
        log: &Path,
        unix: &Path,
    ) -> anyhow::Result<Self> {
        let unix = unix.to_str().context("the path of the socket is not UTF-8")?;
        let config = config.to_str().context("the path of the configuration is not UTF-8")?;
        let arguments = ["--unix", unix, "--config", config];
        Self::start("blotter-collector", &arguments, data, Some(log))
    }

    /// Starts `triage up` over the folder `data`, on free ports of 127.0.0.1.
    ///
    /// # Errors
    /// When it does not build or start.
    pub fn triage_up(data: &Path) -> anyhow::Result<Self> {
        Self::start("triage", &["up"], data, None)
    }

    fn start(
        program: &str,
        arguments: &[&str],
        data: &Path,
        log: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(binary(program)?);
        if let Some(log) = log {
            let log = OpenOptions::new().create(true).append(true).open(log)?;
            command.env("RUST_LOG", "trace").stderr(log);
        }
        command
            .args(arguments)
            .args(["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"])
            .arg(data);
        Self::spawn(command)
    }

    /// Starts a command that says where it listens.
    ///
    /// # Errors
    /// When it does not start.
    pub fn spawn(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let stdout = child.stdout.take().context("no standard output")?;
        Ok(Self { child, stdout: BufReader::new(stdout).lines(), said: String::new() })
    }

    /// Waits until it has said where it listens.
    ///
    /// # Errors
    /// When it ends without, or takes longer than a minute.
    pub async fn addresses(&mut self) -> anyhow::Result<Addresses> {
        let (mut http, mut grpc) = (None, None);
        let search = async {
            while let Some(line) = self.stdout.next_line().await? {
                self.said.push_str(&line);
                let said = line.to_lowercase();
                let Some(address) = address(&said) else { continue };
                if said.contains("grpc") {
                    grpc.get_or_insert(address);
                } else if said.contains("http") {
                    http.get_or_insert(address);
                }
                if let (Some(http), Some(grpc)) = (http, grpc) {
                    return Ok(Addresses { http, grpc });
                }
            }
            bail!("the program ended without saying where it listens")
        };
        tokio::time::timeout(PATIENCE, search).await.context("no addresses within a minute")?
    }

    /// Its process id; none once it has ended and that was noticed.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Kills it with SIGKILL, wherever it is, and waits until it is gone.
    ///
    /// # Errors
    /// When it has ended before by itself.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("it was not running any more: {status}");
        }
        Ok(self.child.kill().await?)
    }

    /// Asks it with SIGTERM to shut down, and waits for it.
    ///
    /// # Errors
    /// When it does not end within a minute.
    pub async fn terminate(self) -> anyhow::Result<ExitStatus> {
        Ok(self.end().await?.0)
    }

    /// The same, with everything that it printed.
    ///
    /// # Errors
    /// As for [`Daemon::terminate`].
    pub async fn end(mut self) -> anyhow::Result<(ExitStatus, String)> {
        let pid = self.child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        kill_process(pid.context("it has ended before")?, Signal::TERM)?;
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = status.context("it did not end within a minute")??;
        while let Some(line) = self.stdout.next_line().await? {
            self.said.push_str(&line);
        }
        Ok((status, self.said))
    }
}

/// The first loopback address with a port in a line.
fn address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("127.0.0.1:")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some(SocketAddr::from(([127, 0, 0, 1], digits.parse().ok()?)))
}

/// What a command of `triage` printed and returned.
#[derive(Debug)]
pub struct Finished {
    /// Exit code; none when it was ended by a signal.
    pub exit_code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs a command of `triage` on the archive in the folder `archive`.
///
/// # Errors
/// When it does not build or start, or takes longer than a minute.
pub async fn triage<A: AsRef<OsStr>>(
    archive: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> anyhow::Result<Finished> {
    let mut command = Command::new(binary("triage")?);
    command.arg("--archive").arg(archive).args(arguments).stdin(Stdio::null());
    finished(command).await
}

/// The same, reading `input`.
///
/// # Errors
/// As for [`triage`].
pub async fn triage_reading(
    archive: &Path,
    arguments: &[&str],
    input: &Path,
) -> anyhow::Result<Finished> {
    let mut command = Command::new(binary("triage")?);
    command.arg("--archive").arg(archive).args(arguments).stdin(File::open(input)?);
    finished(command).await
}

async fn finished(mut command: Command) -> anyhow::Result<Finished> {
    command.kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.context("triage did not end within a minute")??;
    Ok(Finished {
        exit_code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
