//! Forwarding: what was acknowledged is with every destination, over every transport, whatever the
//! destination does, and says so where it is not.

mod certificates;
mod faults;
mod kill;
mod letters;
mod real;
mod restarts;
mod transports;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::bail;
use blotter_collector::{Collector, Config, ConfigFile, DestinationStatus};
use blotter_schemas::otlp::Request;
use blotter_tests::backend::{Ids, event_ids};
use blotter_tests::captures;
use blotter_tests::client::{Answer, Export, Sender};
use blotter_tests::records::split;

/// Longest wait for something that is to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A collector's folders and its configuration.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { folder: tempfile::tempdir()? })
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn config_file(&self) -> PathBuf {
        self.folder.path().join("collector.toml")
    }

    /// The configuration of a collector on free ports that forwards as `toml` says.
    fn config(&self, toml: &str) -> anyhow::Result<Config> {
        std::fs::write(self.config_file(), toml)?;
        let mut config = Config::new(self.data())?;
        config.grpc.set_port(0);
        config.http.set_port(0);
        config.forward = ConfigFile::read(&self.config_file())?.forward;
        Ok(config)
    }

    async fn start(&self, toml: &str) -> anyhow::Result<Collector> {
        Ok(Collector::start(self.config(toml)?).await?)
    }
}

/// A destination in TOML, with a batch after 50 ms so that no test waits long.
fn destination(name: &str, endpoint: &str, more: &str) -> String {
    format!(
        "[[forward]]\nname = \"{name}\"\nendpoint = \"{endpoint}\"\n{more}\n[forward.batch]\ndelay_milliseconds = 50\n"
    )
}

/// Captured requests of several agents, of every signal and encoding.
fn requests() -> anyhow::Result<Vec<Export>> {
    let mut exports = Vec::new();
    for name in ["claude-code/02-ok-full-traces", "codex/90-pysdk-http-gzip", "codex/17-netproxy"] {
        exports.extend(captures::named(name)?.exports()?);
    }
    Ok(exports)
}

/// Sends requests, each of which must be acknowledged; how long the slowest took.
async fn send(collector: &Collector, exports: &[Export]) -> anyhow::Result<Duration> {
    let mut sender = Sender::http(collector.http_address()).await?;
    let mut slowest = Duration::ZERO;
    for export in exports {
        let sent = Instant::now();
        let answer = sender.send(export).await?;
        slowest = slowest.max(sent.elapsed());
        if !matches!(answer, Answer::Acknowledged(_)) {
            bail!("{answer:?}");
        }
    }
    Ok(slowest)
}

/// Every record of requests by itself.
fn records(exports: &[Export]) -> anyhow::Result<Vec<Request>> {
    let mut records = Vec::new();
    for export in exports {
        records.extend(split(&Request::decode(export.signal, export.encoding, &export.body)?));
    }
    Ok(records)
}

fn ids(exports: &[Export]) -> anyhow::Result<Ids> {
    Ok(event_ids(&records(exports)?))
}

/// Waits until a destination is as wanted.
async fn wait_until(
    collector: &Collector,
    name: &str,
    wanted: impl Fn(&DestinationStatus) -> bool,
) -> anyhow::Result<DestinationStatus> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let all = collector.destinations();
        let Some(found) = all.into_iter().find(|it| it.name == name) else {
            bail!("no destination {name}");
        };
        if wanted(&found) {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!("after a minute: {found:?}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Files of dead letters below the data folder.
fn letters(data: &Path) -> anyhow::Result<Vec<String>> {
    let letters = blotter_collector::dead_letters(data)?;
    Ok(letters
        .into_iter()
        .map(|letter| format!("{}/{}", letter.destination, letter.file))
        .collect())
}
