//! The agent: what its sessions share, and the end of delivery.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::builder::AgentBuilder;
use crate::content::Recorder;
use crate::context::TraceContext;
use crate::delivery::queue::{For, Queue, Waiting};
use crate::delivery::ticket::{Settled, Ticket};
use crate::error::Error;
use crate::identity::{Identity, ProfileInEffect};
use crate::session::Session;
use crate::tool::Executor;
use crate::transport::Transport;

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
    pub(crate) ended: Arc<Ticket>,
    pub(crate) thread: Mutex<Option<JoinHandle<()>>>,
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
