//! The agent: who it is, and how its records are delivered.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use blotter_disk::{Disk, LocalDisk};
use blotter_redaction::{Configuration, Keys, Redactor};
use blotter_schemas::names::blotter;
use blotter_schemas::names::opentelemetry as otel;

use crate::content::{ContentPolicy, Recorder};
use crate::context::TraceContext;
use crate::delivery::encode::Encoder;
use crate::delivery::environment::{self, Chosen, Destination, Protocol};
use crate::delivery::outbox::Outbox;
use crate::delivery::queue::{For, Queue, Waiting};
use crate::delivery::sender::Sender;
use crate::delivery::spool::Spool;
use crate::delivery::ticket::{Settled, Ticket};
use crate::delivery::worker::{self, Worker};
use crate::error::Error;
use crate::facts::{Executor, Identity, ProfileInEffect, Transport};
use crate::session::Session;
use crate::value::Attributes;

/// Version of the rules in `docs/emit.md` that records are written by.
const RULES: &str = "1";

/// Whether an agent may act while it cannot be audited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuditMode {
    /// It may: what cannot be delivered is spooled, then dropped and counted, and the count is reported later.
    #[default]
    BestEffort,
    /// It may not: a call's start is durable, in the spool or acknowledged by the collector, before
    /// [`crate::Turn::call`] returns.
    Required,
}

/// What became of records when they were flushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flushed {
    /// The collector has acknowledged all of them.
    Delivered,
    /// The collector cannot be reached; they are on the disk and are sent later, by this process or the next.
    Spooled,
}

/// What an agent's records are made and delivered with.
pub(crate) struct Core {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) model: Option<(String, String)>,
    pub(crate) executor: Option<Executor>,
    pub(crate) policies: [Option<String>; 2],
    pub(crate) parent: Option<TraceContext>,
    pub(crate) mode: AuditMode,
    pub(crate) patience: Duration,
    pub(crate) queue: Arc<Queue>,
    pub(crate) recorder: Recorder,
    ended: Arc<Ticket>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Core {
    fn drop(&mut self) {
        // Nobody is left to wait: the thread spools or sends what it can, and ends by itself.
        self.queue.stop(Instant::now() + Duration::from_secs(1));
    }
}

/// An agent. Cheap to clone; sessions keep it alive.
#[derive(Clone)]
pub struct Agent {
    pub(crate) core: Option<Arc<Core>>,
}

impl Agent {
    /// Begins to describe an agent.
    #[must_use]
    pub fn builder() -> AgentBuilder {
        AgentBuilder::new()
    }

    /// An agent that records nothing, at next to no cost.
    #[must_use]
    pub fn disabled() -> Self {
        Self { core: None }
    }

    /// Whether anything is recorded.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.core.is_some()
    }

    /// Begins a session: one conversation, with a new id.
    #[must_use]
    pub fn session(
        &self,
        identity: Identity,
        profile: ProfileInEffect,
        transport: Transport,
    ) -> Session {
        self.resumed_session(&uuid::Uuid::new_v4().to_string(), identity, profile, transport)
    }

    /// The same, of the session with this id.
    #[must_use]
    pub fn resumed_session(
        &self,
        session_id: &str,
        identity: Identity,
        profile: ProfileInEffect,
        transport: Transport,
    ) -> Session {
        let core = self.core.clone();
        Session::start(core, session_id, identity, profile, transport)
    }

    /// Waits on this thread until everything that was recorded before is delivered, or is on the disk and the
    /// collector cannot be reached.
    ///
    /// # Errors
    /// [`Error::Deadline`] when that takes longer than `patience`.
    pub fn flush(&self, patience: Duration) -> Result<Flushed, Error> {
        let Some(ticket) = self.flushing(patience) else { return Ok(Flushed::Delivered) };
        // The delivery thread answers at the deadline; this is for one that does not.
        flushed(ticket.wait(patience + Duration::from_secs(1)))
    }

    /// The same without blocking.
    ///
    /// # Errors
    /// As [`Agent::flush`].
    pub async fn flush_async(&self, patience: Duration) -> Result<Flushed, Error> {
        let Some(ticket) = self.flushing(patience) else { return Ok(Flushed::Delivered) };
        flushed(Some(ticket.settled().await))
    }

    fn flushing(&self, patience: Duration) -> Option<Arc<Ticket>> {
        let core = self.core.as_ref()?;
        let ticket = Arc::new(Ticket::default());
        let until = Instant::now() + patience;
        let waiting = Waiting { ticket: Arc::clone(&ticket), wants: For::Flushed, until };
        if core.queue.wait(waiting) { Some(ticket) } else { Some(Arc::clone(&core.ended)) }
    }

    /// Flushes on this thread, and ends the delivery thread. Nothing is recorded after it.
    ///
    /// # Errors
    /// [`Error::Deadline`] when records are lost because neither the collector took them within `patience` nor
    /// is there room for them on the disk.
    pub fn shutdown(&self, patience: Duration) -> Result<Flushed, Error> {
        let Some(core) = &self.core else { return Ok(Flushed::Delivered) };
        core.queue.stop(Instant::now() + patience);
        let settled = core.ended.wait(patience + Duration::from_secs(1));
        core.join();
        flushed(settled)
    }

    /// The same without blocking.
    ///
    /// # Errors
    /// As [`Agent::shutdown`].
    pub async fn shutdown_async(&self, patience: Duration) -> Result<Flushed, Error> {
        let Some(core) = &self.core else { return Ok(Flushed::Delivered) };
        core.queue.stop(Instant::now() + patience);
        let settled = core.ended.settled().await;
        // It is at its last instruction.
        core.join();
        flushed(Some(settled))
    }
}

fn flushed(settled: Option<Settled>) -> Result<Flushed, Error> {
    match settled {
        Some(Settled::Delivered) => Ok(Flushed::Delivered),
        Some(Settled::Spooled) => Ok(Flushed::Spooled),
        Some(Settled::Failed(why)) => Err(Error::Deadline { reason: why }),
        None => Err(Error::Deadline { reason: "delivery does not answer".to_owned() }),
    }
}

impl Core {
    fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // It does not panic; if it did, there is nobody to tell.
            let _ = thread.join();
        }
    }
}

/// Describes an agent, step by step.
pub struct AgentBuilder {
    name: String,
    version: String,
    model: Option<(String, String)>,
    executor: Option<Executor>,
    policies: [Option<String>; 2],
    parent: Option<TraceContext>,
    chosen: Chosen,
    spool: Option<PathBuf>,
    spool_limit: u64,
    memory_limit: usize,
    interval: Duration,
    patience: Duration,
    mode: AuditMode,
    policy: ContentPolicy,
    content_limit: usize,
    keys: Option<PathBuf>,
    disk: Arc<dyn Disk>,
}

impl AgentBuilder {
    fn new() -> Self {
        Self {
            name: "agent".to_owned(),
            version: String::new(),
            model: None,
            executor: None,
            policies: [None, None],
            parent: None,
            chosen: Chosen::default(),
            spool: None,
            spool_limit: 64 << 20,
            memory_limit: 16 << 20,
            interval: Duration::from_millis(200),
            patience: Duration::from_secs(10),
            mode: AuditMode::default(),
            policy: ContentPolicy::default(),
            content_limit: 64 << 10,
            keys: None,
            disk: Arc::new(LocalDisk),
        }
    }

    /// Name of the agent: `service.name`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Version of the agent.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Provider and model that the agent works with.
    #[must_use]
    pub fn model(mut self, provider: impl Into<String>, model: impl Into<String>) -> Self {
        self.model = Some((provider.into(), model.into()));
        self
    }

    /// Where calls are executed, unless a [`crate::Tool`] says otherwise.
    #[must_use]
    pub fn executor(mut self, executor: Executor) -> Self {
        self.executor = Some(executor);
        self
    }

    /// Approval policy and sandbox policy in effect, in the agent's own words.
    #[must_use]
    pub fn policies(mut self, approval: impl Into<String>, sandbox: impl Into<String>) -> Self {
        self.policies = [Some(approval.into()), Some(sandbox.into())];
        self
    }

    /// The trace that the agent is part of, such as [`TraceContext::from_environment`].
    #[must_use]
    pub fn parent(mut self, parent: Option<TraceContext>) -> Self {
        self.parent = parent;
        self
    }

    /// Address of the collector, instead of what `OTEL_EXPORTER_OTLP_ENDPOINT` says.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.chosen.endpoint = Some(endpoint.into());
        self
    }

    /// Protocol, instead of what `OTEL_EXPORTER_OTLP_PROTOCOL` says.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.chosen.protocol = Some(protocol);
        self
    }

    /// A header of every export, beside those of `OTEL_EXPORTER_OTLP_HEADERS`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.chosen.headers.push((name.into(), value.into()));
        self
    }

    /// Folder for records that cannot be delivered yet. Several agents may share it. It is made readable by
    /// its owner only.
    #[must_use]
    pub fn spool(mut self, folder: impl Into<PathBuf>) -> Self {
        self.spool = Some(folder.into());
        self
    }

    /// Most bytes in the spool; 64 MiB unless it is said.
    #[must_use]
    pub fn spool_limit(mut self, bytes: u64) -> Self {
        self.spool_limit = bytes;
        self
    }

    /// Most bytes of records in memory, encoded and not; 16 MiB each unless it is said.
    #[must_use]
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// How long records are gathered before they are sent; 200 ms unless it is said.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Whether the agent may act while it cannot be audited.
    #[must_use]
    pub fn audit(mut self, mode: AuditMode) -> Self {
        self.mode = mode;
        self
    }

    /// How long a call may wait for its start to be durable ([`AuditMode::Required`]); 10 s unless it is said.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// What is recorded of prompts, answers, arguments and outputs.
    #[must_use]
    pub fn content(mut self, policy: ContentPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Most bytes that are recorded of one text; 64 KiB unless it is said.
    #[must_use]
    pub fn content_limit(mut self, bytes: usize) -> Self {
        self.content_limit = bytes;
        self
    }

    /// File of fingerprint keys, which is made if it is not there. With the file that the collector has
    /// (`redaction.key`), fingerprints can be compared with those of its redaction; without a file they
    /// cannot be compared with those of another process.
    #[must_use]
    pub fn keys(mut self, path: impl Into<PathBuf>) -> Self {
        self.keys = Some(path.into());
        self
    }

    /// The disk that the spool is on: for tests of what a power cut leaves.
    #[doc(hidden)]
    #[must_use]
    pub fn disk(mut self, disk: Arc<dyn Disk>) -> Self {
        self.disk = disk;
        self
    }

    /// Opens the spool and starts delivery.
    ///
    /// # Errors
    /// When the environment, the endpoint, the keys or the spool cannot be used, or when export is turned off
    /// (`OTEL_SDK_DISABLED`) although [`AuditMode::Required`] was asked for.
    pub fn build(self) -> Result<Agent, Error> {
        if environment::is_disabled() {
            return match self.mode {
                AuditMode::BestEffort => Ok(Agent::disabled()),
                AuditMode::Required => Err(Error::Disabled),
            };
        }
        let resource = self.resource();
        let sender = Sender::new(Destination::new(self.chosen)?)?;
        let keys = || match &self.keys {
            Some(path) => Keys::load_or_create(path),
            None => Keys::ephemeral(),
        };
        let keys = keys()?;
        let redactor = Redactor::new(&Configuration::default(), keys)?;
        let redactor = Arc::new(redactor);
        let spool = match &self.spool {
            Some(folder) => {
                let spool = Spool::open(self.disk, folder, self.spool_limit);
                Some(spool.map_err(|source| Error::Spool { path: folder.clone(), source })?)
            }
            None => None,
        };
        let write_ahead = self.mode == AuditMode::Required && spool.is_some();
        let queue = Arc::new(Queue::new(self.memory_limit));
        let ended = Arc::new(Ticket::default());
        let thread = worker::start(Worker {
            queue: Arc::clone(&queue),
            encoder: Encoder::new(&resource, environment::resource(), Arc::clone(&redactor)),
            sender,
            outbox: Outbox::new(spool, self.memory_limit),
            interval: self.interval,
            write_ahead,
            ended: Arc::clone(&ended),
        })
        .map_err(Error::Thread)?;
        let recorder = Recorder { policy: self.policy, limit: self.content_limit, redactor };
        let core = Core {
            name: self.name,
            version: self.version,
            model: self.model,
            executor: self.executor,
            policies: self.policies,
            parent: self.parent,
            mode: self.mode,
            patience: self.patience,
            queue,
            recorder,
            ended,
            thread: Mutex::new(Some(thread)),
        };
        Ok(Agent { core: Some(Arc::new(core)) })
    }

    fn resource(&self) -> Attributes {
        let mut resource = Attributes::with_capacity(8);
        resource.add(otel::SERVICE_NAME, self.name.clone());
        if !self.version.is_empty() {
            resource.add(otel::SERVICE_VERSION, self.version.clone());
        }
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        resource.add(otel::HOST_NAME, host);
        resource.add(otel::PROCESS_PID, i64::from(std::process::id()));
        resource.add(otel::TELEMETRY_SDK_NAME, env!("CARGO_PKG_NAME"));
        resource.add(otel::TELEMETRY_SDK_LANGUAGE, "rust");
        resource.add(blotter::BLOTTER_INSTRUMENTATION_VERSION, RULES);
        resource
    }
}
