//! `blotter-collector check`: whether a collector could work with a configuration, looked at before it
//! has to.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use blotter_archive::Archive;
use blotter_schemas::otlp::Signal;
use serde::Serialize;

use super::access_check;
use super::asked::{Asked, NotAsked};
use super::space::{Kind, Space};
use crate::effective::without_credentials;
use crate::forward::{self, Tried};
use crate::redaction::Redaction;
use crate::{Config, Error};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// As it should be.
    Ok,
    /// It works; somebody should know.
    Warning,
    /// It does not work.
    Problem,
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// How bad it is.
    pub grade: Grade,
    /// What was found.
    pub text: String,
    /// What to do about it; empty where there is nothing to do.
    pub advice: String,
}

impl Finding {
    pub(super) fn ok(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(what, Grade::Ok, text, "")
    }

    pub(super) fn warning(what: impl Into<String>, text: impl Into<String>, advice: &str) -> Self {
        Self::new(what, Grade::Warning, text, advice)
    }

    pub(super) fn problem(what: impl Into<String>, text: impl Into<String>, advice: &str) -> Self {
        Self::new(what, Grade::Problem, text, advice)
    }

    fn new(what: impl Into<String>, grade: Grade, text: impl Into<String>, advice: &str) -> Self {
        Self { what: what.into(), grade, text: text.into(), advice: advice.to_owned() }
    }
}

/// Looks at everything that a collector with this configuration needs. Unless `offline`, each
/// destination is sent an empty request, and the archive is opened wherever it is. Nothing is left
/// behind.
pub async fn verify(config: &Config, offline: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let running = running(config).await;
    if let Some(at) = &running {
        findings.push(Finding::ok("collector", format!("one is running on this folder, at {at}")));
    }
    data(config, &mut findings);
    journal(config, &mut findings);
    listen(config, running.is_some(), &mut findings);
    findings.extend(access_check::look(config));
    keys(config, &mut findings);
    archive(config, offline, &mut findings).await;
    destinations(config, offline, &mut findings).await;
    findings
}

/// Where the collector that works in the folder answers.
async fn running(config: &Config) -> Option<String> {
    let asked = Asked::find(&config.data).ok()?;
    match asked.report(None).await {
        Ok(_) | Err(NotAsked::Refused { .. }) => Some(asked.to_string()),
        Err(_) => None,
    }
}

/// The folder, or the nearest one above it that is there.
fn existing(folder: &Path) -> PathBuf {
    let here = Path::new(".");
    let mut above = folder.ancestors().map(|it| if it.as_os_str().is_empty() { here } else { it });
    above.find(|it| it.exists()).unwrap_or(here).to_owned()
}

/// Tries to write and sync a file in a folder.
fn try_writing(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".blotter-check-{}", std::process::id()));
    let written = fs::File::create_new(&path).and_then(|mut file| {
        file.write_all(b"blotter-collector check")?;
        file.sync_all()
    });
    let _ = fs::remove_file(&path);
    written
}

fn folder(what: &str, folder: &Path, findings: &mut Vec<Finding>) -> bool {
    let there = existing(folder);
    let shown = folder.display();
    if !there.is_dir() {
        let text = format!("{} is no folder", there.display());
        findings.push(Finding::problem(what, text, "move the file away or choose another folder"));
        return false;
    }
    if let Err(error) = try_writing(&there) {
        let text = format!("{} cannot be written: {error}", there.display());
        findings.push(Finding::problem(
            what,
            text,
            "make it writable for the user that the collector runs as",
        ));
        return false;
    }
    let text = match there == folder {
        true => format!("{shown} can be written"),
        false => format!("{shown} will be made in {}", there.display()),
    };
    findings.push(Finding::ok(what, text));
    true
}

fn data(config: &Config, findings: &mut Vec<Finding>) {
    if !folder("data", &config.data, findings) {
        return;
    }
    let what = "disk";
    let space = match Space::of(&existing(&config.data)) {
        Ok(space) => space,
        Err(error) => {
            findings.push(Finding::warning(what, format!("its space is not known: {error}"), ""));
            return;
        }
    };
    // What the journal has already needs no more room.
    let has = folder_bytes(&config.data.join("journal"));
    let wants = config.journal.max_bytes.saturating_sub(has);
    let text = format!("{} free, the journal may take {} more", bytes(space.free), bytes(wants));
    let least = config.journal.segment_bytes.saturating_mul(2);
    findings.push(if has == 0 && space.free < least {
        Finding::problem(what, text, "free space: the journal begins with two segments")
    } else if space.free < wants {
        let advice =
            "free space, or lower journal.max_bytes: the disk would be full before the journal is";
        Finding::warning(what, text, advice)
    } else {
        Finding::ok(what, text)
    });
    let what = "file system";
    findings.extend(space.kind.map(|kind| match kind {
        Kind::Memory => Finding::warning(
            what,
            "the data folder is in memory: what was acknowledged is lost with the machine",
            "put it on a disk",
        ),
        Kind::Network => Finding::warning(
            what,
            "the data folder is on the network: a sync may not mean what it should",
            "put it on a local disk; the archive may be elsewhere",
        ),
        Kind::Overlay => Finding::warning(
            what,
            "the data folder is in the layer of a container: it is lost with the container",
            "mount a volume there",
        ),
    }));
}

fn folder_bytes(folder: &Path) -> u64 {
    let Ok(files) = fs::read_dir(folder) else { return 0 };
    files.flatten().filter_map(|file| file.metadata().ok()).map(|it| it.len()).sum()
}

fn journal(config: &Config, findings: &mut Vec<Finding>) {
    let limits = &config.journal;
    let held = config.forward.iter().filter(|it| it.when_spent == forward::WhenSpent::Hold);
    // They keep the same segments, so that the largest budget counts, not their sum.
    let mut too_large = held.filter(|it| it.budget_bytes.is_some_and(|it| it > limits.max_bytes));
    if let Some(destination) = too_large.next() {
        findings.push(Finding::warning(
            "journal",
            format!("destination {} may keep more than the journal may have", destination.name),
            "lower its budget_bytes or raise journal.max_bytes",
        ));
    }
}

fn listen(config: &Config, running: bool, findings: &mut Vec<Finding>) {
    for (what, address) in [("listen.grpc", config.grpc), ("listen.http", config.http)] {
        findings.push(port(what, address, running));
    }
    let Some(path) = &config.unix else { return };
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let what = "listen.unix";
    findings.push(if path.as_os_str().len() > 100 {
        Finding::problem(what, "the path is longer than a socket's may be", "choose a shorter one")
    } else if !folder.is_dir() {
        let text = format!("{} does not exist", folder.display());
        Finding::problem(what, text, "create it")
    } else {
        match try_writing(folder) {
            Ok(()) => Finding::ok(what, format!("{} can be made", path.display())),
            Err(error) => {
                let text = format!("{} cannot be written: {error}", folder.display());
                Finding::problem(what, text, "choose a folder where sockets can be made")
            }
        }
    });
}

fn port(what: &str, address: SocketAddr, running: bool) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(what, format!("{address} is free")),
        Err(error) if running && error.kind() == ErrorKind::AddrInUse => {
            Finding::ok(what, format!("{address} is in use, as it should be while one is running"))
        }
        Err(error) => {
            let text = format!("{address} cannot be listened on: {error}");
            Finding::problem(what, text, "stop what listens there or choose another address")
        }
    }
}

fn keys(config: &Config, findings: &mut Vec<Finding>) {
    let what = "redaction";
    let own = crate::redaction::key_file(&config.data);
    let file = config.redaction.key_file.clone().unwrap_or_else(|| own.clone());
    if config.redaction.key_file.is_none() && !own.exists() {
        let text = format!("{} will be made", own.display());
        findings.push(Finding::ok(what, text));
        return;
    }
    let opened = Redaction::open(&config.redaction, &config.data);
    findings.push(match opened {
        Err(error) => Finding::problem(
            what,
            error.to_string(),
            "put the key file there, or make one with `triage key rotate`",
        ),
        Ok(redaction) if redaction.has_keys_below(&config.archive) => Finding::problem(
            what,
            "the key file lies in the archive, whose readers could guess secrets with it",
            "move it elsewhere",
        ),
        Ok(_) => match others_can_read(&file) {
            true => Finding::warning(
                what,
                format!(
                    "{} can be read by others, who could guess secrets with it",
                    file.display()
                ),
                "chmod 600",
            ),
            false => Finding::ok(what, format!("{} can be read", file.display())),
        },
    });
}

/// Whether anybody but its owner can read a file.
pub(super) fn others_can_read(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(file).is_ok_and(|it| it.permissions().mode() & 0o077 != 0)
}

async fn archive(config: &Config, offline: bool, findings: &mut Vec<Finding>) {
    let what = "archive";
    let local = config.archive.url().to_file_path().ok();
    if let Some(local) = &local
        && !folder(what, local, findings)
    {
        return;
    }
    if local.is_none() && offline {
        let text = format!("{} was not asked", config.archive);
        findings.push(Finding::ok(what, text));
        return;
    }
    match Archive::open(&config.archive).await {
        Ok(_) => findings.push(Finding::ok(what, format!("{} can be read", config.archive))),
        Err(blotter_archive::Error::NotFound { .. }) => {
            let text = format!("{} will be made at the first start", config.archive);
            findings.push(Finding::ok(what, text));
        }
        Err(error) => {
            let advice = "see that the store can be reached and that the credentials are good";
            findings.push(Finding::problem(what, error.to_string(), advice));
        }
    }
}

async fn destinations(config: &Config, offline: bool, findings: &mut Vec<Finding>) {
    if let Err(error) = forward::check(&config.forward) {
        let what = match &error {
            Error::Destination { name, .. } => format!("destination {name}"),
            _ => "destinations".to_owned(),
        };
        findings.push(Finding::problem(what, error.to_string(), "put right what it names"));
        return;
    }
    for destination in &config.forward {
        let what = format!("destination {}", destination.name);
        if destination.shows_credentials() {
            findings.push(Finding::warning(
                &what,
                "its credentials go over the network unencrypted",
                "use https",
            ));
        }
        if offline {
            findings.push(Finding::ok(&what, "can be used, and was not asked"));
            continue;
        }
        let signal = Signal::ALL.into_iter().find(|signal| destination.takes(*signal));
        let tried = forward::try_once(destination, signal.unwrap_or(Signal::Logs)).await;
        let endpoint = without_credentials(&destination.endpoint);
        findings.push(match tried {
            Tried::Taken => Finding::ok(&what, format!("{endpoint} takes requests")),
            Tried::Later(reason) => Finding::problem(
                &what,
                format!("takes nothing now: {reason}"),
                "see that it runs, and that address, protocol and certificates are right",
            ),
            Tried::Never { status, reason } => {
                let text = format!("refuses an empty request: {status}: {reason}");
                let denied = ["401", "403", "UNAUTHENTICATED", "PERMISSION_DENIED"];
                match denied.iter().any(|it| status.to_uppercase().contains(it)) {
                    true => Finding::problem(&what, text, "put its credentials right"),
                    false => Finding::warning(
                        &what,
                        text,
                        "some backends do that; see that protocol and path are right",
                    ),
                }
            }
        });
    }
}

/// Bytes for people.
fn bytes(count: u64) -> String {
    match count {
        0..1_048_576 => format!("{} KiB", count >> 10),
        1_048_576..10_737_418_240 => format!("{} MiB", count >> 20),
        _ => format!("{} GiB", count >> 30),
    }
}
