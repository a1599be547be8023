//! From what an agent's author says to an agent.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use blotter_disk::{Disk, LocalDisk};
use blotter_redaction::{Configuration, Keys, Redactor};
use blotter_schemas::names::blotter;
use blotter_schemas::names::opentelemetry as otel;

use crate::agent::{Agent, AuditMode, Core};
use crate::content::{ContentPolicy, Recorder};
use crate::context::TraceContext;
use crate::delivery::encode::Encoder;
use crate::delivery::environment::{self, Chosen, Destination, Protocol};
use crate::delivery::outbox::Outbox;
use crate::delivery::queue::Queue;
use crate::delivery::sender::Sender;
use crate::delivery::spool::Spool;
use crate::delivery::ticket::Ticket;
use crate::delivery::worker::{self, Worker};
use crate::error::Error;
use crate::tool::Executor;
use crate::value::Attributes;

/// Version of the rules in `docs/emit.md` that records are written by.
const RULES: &str = "1";

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
    pub(crate) fn new() -> Self {
        Self {
            name: environment::service_name().unwrap_or_else(|| "agent".to_owned()),
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
