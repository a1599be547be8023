//! A running collector.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use blotter_disk::{Disk, LocalDisk};
use blotter_schemas::names::blotter::{self as names, events};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::tls::Tls;
use crate::access::{self, Followed, Gate};
use crate::commit::{self, CommitMeter, Committer};
use crate::forward::{self, DestinationStatus, Forwarding, Surroundings};
use crate::identity;
use crate::journal::{Consumer, Journal};
use crate::maintenance::Maintenance;
use crate::operation::{RunFile, State};
use crate::own_events::{self, OwnEvent, OwnEvents, Told};
use crate::receive::{self, Intake, Listener, Origins, Places, Server, SocketFile};
use crate::redaction::Redaction;
use crate::{Config, Error};

/// A running collector: it listens from [`Collector::start`] on until [`Collector::shutdown`].
///
/// Dropping it without shutting it down is like killing it: nothing acknowledged is lost, and what
/// is not in the archive yet goes in at the next start.
#[derive(Debug)]
pub struct Collector {
    grpc: SocketAddr,
    http: SocketAddr,
    socket: Option<SocketFile>,
    shutdown_timeout: Duration,
    server: Server,
    journal: Arc<Journal>,
    committer: Option<Committer>,
    maintenance: Option<Maintenance>,
    forwarding: Option<Forwarding>,
    data: PathBuf,
    recorder: JoinHandle<()>,
    warnings: Vec<String>,
}

impl Collector {
    /// Opens the journal and the archive and starts to listen.
    ///
    /// # Errors
    /// Every [`Error`] says what to do.
    pub async fn start(config: Config) -> Result<Self, Error> {
        Self::start_on(config, Arc::new(LocalDisk)).await
    }

    /// Like [`Collector::start`], with the journal, its cursors, the identity and an archive in a local
    /// folder on `disk`: a test puts one there that fails, or stops at a step that it names.
    ///
    /// # Errors
    /// As [`Collector::start`].
    pub async fn start_on(mut config: Config, disk: Arc<dyn Disk>) -> Result<Self, Error> {
        config.archive = config.archive.on_disk(Arc::clone(&disk));
        forward::check(&config.forward)?;
        config.limits.check().map_err(|(field, reason)| Error::Limit { field, reason })?;
        config.access.check().map_err(|unusable| Error::Access(unusable.to_string()))?;
        let exposed = access::check_addresses(&config.access, &[config.grpc, config.http])?;
        let tls = Tls::open(&config.access)?.map(Arc::new);
        let opening = config.clone();
        let on_disk = Arc::clone(&disk);
        let opened = tokio::task::spawn_blocking(move || open(&opening, on_disk)).await;
        let (journal, redaction, collector_id) = opened
            .map_err(|error| Error::Thread { thread: "open", reason: error.to_string() })??;
        let journal = Arc::new(journal);
        // After the journal, whose lock tells a second collector on the same folder who the first is,
        // and keeps it from replacing the first one's socket.
        let grpc_listener = listen("OTLP/gRPC", config.grpc).await?;
        let http_listener = listen("OTLP/HTTP", config.http).await?;
        let grpc = address(&grpc_listener)?;
        let http = address(&http_listener)?;
        let unix = config.unix.as_deref().map(receive::listen_unix).transpose()?;
        let (unix, socket) = unix.unzip();
        let commits = Arc::new(CommitMeter::new());
        let committer =
            Committer::start(&config, &collector_id, Arc::clone(&journal), Arc::clone(&commits))
                .await?;

        let maintenance =
            Maintenance::start(&config.maintenance, &config.archive, Arc::clone(&journal))?;

        let (events, waiting) = OwnEvents::new();
        let recorder = tokio::spawn(own_events::record_all(
            waiting,
            collector_id.clone(),
            Arc::clone(&journal),
            Arc::clone(&redaction),
        ));
        let gate = Arc::new(Gate::new(&config.access, events.clone())?);
        let warnings: Vec<String> = exposed.iter().map(|exposed| warn(&gate, exposed)).collect();
        let tally = events.tally();
        let around = Surroundings {
            disk,
            collector_id: collector_id.clone(),
            journal: Arc::clone(&journal),
            redaction: Arc::clone(&redaction),
            events,
        };
        let forwarding = Forwarding::start(&config, &around)?;
        drop(around);

        let connections = Arc::new(Semaphore::new(config.limits.connections));
        let intake = Intake::new(
            config.limits.clone(),
            Arc::clone(&gate),
            Arc::clone(&journal),
            Arc::clone(&redaction),
        );
        let state = State {
            config: config.clone(),
            collector_id: collector_id.clone(),
            started: SystemTime::now(),
            intake: Arc::new(intake),
            connections: Arc::clone(&connections),
            journal: Arc::clone(&journal),
            commits,
            destinations: forwarding.watched(),
            events: tally,
        };
        let forwarding = Some(forwarding);
        let server = Server {
            state: Arc::new(state),
            origins: Origins::new(),
            tls: tls.clone(),
            places: Places::new(connections, &config.limits),
            stop: CancellationToken::new(),
            abandon: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        server.tasks.spawn(redaction.follow_keys(server.stop.clone()));
        server.tasks.spawn(Arc::clone(&gate).tell_later(server.stop.clone()));
        let followed = Followed::new(gate, tls, config.file.clone(), config.access.clone());
        server.tasks.spawn(followed.follow(server.stop.clone()));
        receive::serve(&server, Listener::Tcp(grpc_listener));
        receive::serve(&server, Listener::Tcp(http_listener));
        if let Some(unix) = unix {
            receive::serve(&server, Listener::Unix(unix));
        }
        tracing::info!(%grpc, %http, archive = %config.archive, collector_id, "receiving");
        let unix = socket.as_ref().map(|socket| socket.path().to_owned());
        let certificate = config.access.tls.as_ref();
        let certificate = certificate.and_then(|it| std::path::absolute(&it.certificate_file).ok());
        RunFile { pid: std::process::id(), http, unix, certificate }.write(&config.data);
        let shutdown_timeout = config.shutdown_timeout;
        let committer = Some(committer);
        Ok(Self {
            grpc,
            http,
            socket,
            shutdown_timeout,
            server,
            journal,
            committer,
            maintenance,
            forwarding,
            data: config.data,
            recorder,
            warnings,
        })
    }

    /// Where OTLP/gRPC is served.
    #[must_use]
    pub const fn grpc_address(&self) -> SocketAddr {
        self.grpc
    }

    /// Where OTLP/HTTP is served.
    #[must_use]
    pub const fn http_address(&self) -> SocketAddr {
        self.http
    }

    /// Whether the ports speak TLS.
    #[must_use]
    pub const fn has_tls(&self) -> bool {
        self.server.tls.is_some()
    }

    /// What whoever started it should read: where it listens without protection.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Attempts to be let in that were refused since the start.
    #[must_use]
    pub fn failed_attempts(&self) -> u64 {
        self.server.state.intake.gate.failed_attempts()
    }

    /// The Unix socket that is served, as an absolute path.
    #[must_use]
    pub fn unix_path(&self) -> Option<&Path> {
        self.socket.as_ref().map(SocketFile::path)
    }

    /// How each destination that is forwarded to is doing.
    #[must_use]
    pub fn destinations(&self) -> Vec<DestinationStatus> {
        self.forwarding.as_ref().map(Forwarding::status).unwrap_or_default()
    }

    /// Refuses every further request with a retryable status, and is not ready any more: what the journal
    /// holds goes on into the archive and to the destinations.
    pub fn drain(&self) {
        self.set_draining(true, "no more requests are taken");
    }

    /// Takes requests again after [`Collector::drain`].
    pub fn resume(&self) {
        self.set_draining(false, "requests are taken again");
    }

    fn set_draining(&self, draining: bool, reason: &str) {
        let intake = &self.server.state.intake;
        intake.set_draining(draining);
        tracing::info!("{reason}");
        intake.gate.tell(OwnEvent {
            name: events::BLOTTER_COLLECTOR_DRAIN,
            is_warning: false,
            text: format!("told by its operator: {reason}"),
            attributes: vec![(names::BLOTTER_COLLECTOR_REASON, Told::text(reason))],
        });
    }

    /// Stops accepting, answers what was accepted, forwards what the journal holds to destinations that
    /// take it, and commits it.
    ///
    /// # Errors
    /// [`Error::NotCommitted`] when the archive could not take everything in time.
    pub async fn shutdown(mut self) -> Result<(), Error> {
        RunFile::remove(&self.data);
        let Server { stop, abandon, tasks, .. } = &self.server;
        stop.cancel();
        tasks.close();
        if tokio::time::timeout(self.shutdown_timeout, tasks.wait()).await.is_err() {
            tracing::warn!("some senders did not finish their requests in time");
            abandon.cancel();
            tasks.wait().await;
        }
        if let Some(socket) = self.socket.take() {
            socket.remove();
        }
        self.server.state.intake.gate.close();
        // Told now, waited for at the end: what it had begun is mostly over by then.
        let mut maintenance = self.maintenance.take();
        maintenance.iter_mut().for_each(Maintenance::stop);
        let timeout = self.shutdown_timeout;
        if let Some(forwarding) = self.forwarding.take() {
            let finish = move || forwarding.finish(timeout);
            let finished = tokio::task::spawn_blocking(finish).await;
            finished
                .map_err(|error| Error::Thread { thread: "finish", reason: error.to_string() })?;
        }
        // Nobody tells any more: it ends when it has written what was told, unless the journal is full.
        if tokio::time::timeout(timeout, &mut self.recorder).await.is_err() {
            tracing::warn!("some events of the collector were not recorded");
        }
        let Some(committer) = self.committer.take() else { return Ok(()) };
        let journal = Arc::clone(&self.journal);
        let finish = move || {
            journal.close();
            let finished = committer.finish(timeout);
            drop(maintenance);
            finished
        };
        let finished = tokio::task::spawn_blocking(finish).await;
        finished.map_err(|error| Error::Thread { thread: "finish", reason: error.to_string() })?
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abandon.cancel();
        self.server.tasks.close();
        self.maintenance = None;
        self.forwarding = None;
        self.recorder.abort();
        self.committer = None;
        self.journal.close();
    }
}

fn open(config: &Config, disk: Arc<dyn Disk>) -> Result<(Journal, Arc<Redaction>, String), Error> {
    let data: &Path = &config.data;
    let folder = data.join("journal");
    let mut consumers = vec![Consumer::from(commit::CONSUMER)];
    consumers.extend(forward::consumers(config));
    let is_new = !data.exists();
    let journal = Journal::open(&folder, &config.journal, &consumers, Arc::clone(&disk))?;
    // Prompts lie in a folder that we made: it is for our user alone. One on another disk is nobody's.
    if is_new && data.is_dir() {
        let private = std::fs::set_permissions(data, Permissions::from_mode(0o700));
        private.map_err(Error::file("protect", data))?;
    }
    // After the journal, whose lock keeps a second collector from making another key or id.
    let redaction = Arc::new(Redaction::open(&config.redaction, data)?);
    if redaction.has_keys_below(&config.archive) {
        return Err(Error::Mismatch(format!(
            "the key file lies in the archive {}, whose readers could guess secrets with it; move it elsewhere",
            config.archive
        )));
    }
    let collector_id = identity::collector_id(&*disk, data)?;
    Ok((journal, redaction, collector_id))
}

/// Has it recorded that others can reach us unprotected, and says it.
fn warn(gate: &Gate, exposed: &access::Exposed) -> String {
    let access::Exposed { address, missing } = exposed;
    let text = format!(
        "INSECURE: {address} can be reached from other machines, and this is missing: {missing}"
    );
    tracing::warn!("{text}");
    gate.tell(OwnEvent {
        name: events::BLOTTER_COLLECTOR_ACCESS_INSECURE,
        is_warning: true,
        text: text.clone(),
        attributes: vec![
            (names::BLOTTER_COLLECTOR_ADDRESS, Told::text(&address.to_string())),
            (names::BLOTTER_COLLECTOR_REASON, Told::text(missing)),
        ],
    });
    text
}

async fn listen(transport: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { transport, address, source })
}

fn address(listener: &TcpListener) -> Result<SocketAddr, Error> {
    listener.local_addr().map_err(Error::file("read the address of", "a socket"))
}
