//! The bounded queue between the agent's threads and the delivery thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::ticket::Ticket;
use crate::record::{Frame, Record};

/// Why somebody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// What was recorded before is durable.
    Durable,
    /// It is delivered, or it is on the disk and the collector cannot be reached.
    Flushed,
}

/// Somebody who waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) ticket: Arc<Ticket>,
    pub(crate) wants: For,
    pub(crate) until: Instant,
}

/// Records of one session that were lost.
#[derive(Debug, Clone)]
pub(crate) struct Lost {
    pub(crate) frame: Arc<Frame>,
    pub(crate) count: u64,
}

/// Adds to what was lost of a session.
pub(crate) fn lose(lost: &mut Vec<Lost>, frame: &Arc<Frame>, count: u64) {
    let same = |one: &&mut Lost| one.frame.session_id == frame.session_id;
    match lost.iter_mut().find(same) {
        Some(one) => one.count += count,
        None => lost.push(Lost { frame: Arc::clone(frame), count }),
    }
}

/// What the delivery thread takes at once.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) records: Vec<Record>,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) lost: Vec<Lost>,
    /// Until when to go on, where it is to end.
    pub(crate) stop: Option<Instant>,
}

impl Taken {
    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.waiting.is_empty() && self.lost.is_empty()
    }
}

#[derive(Debug, Default)]
struct State {
    taken: Taken,
    bytes: usize,
    urgent: bool,
    nudged: bool,
    closed: bool,
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Most bytes of records that wait.
    limit: usize,
    /// Something came.
    arrived: Notify,
    /// Somebody waits, or the queue fills up.
    hurried: Notify,
}

/// At how many records the delivery thread is woken before its time.
const MANY: usize = 512;

impl Queue {
    pub(crate) fn new(limit: usize) -> Self {
        Self { state: Mutex::default(), limit, arrived: Notify::new(), hurried: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a record in; false where there is no room, and it is counted as lost.
    pub(crate) fn push(&self, record: Record) -> bool {
        self.put(record, None)
    }

    /// Puts a record in, and a waiter behind it; false where there is no room for it.
    pub(crate) fn push_and_wait(&self, record: Record, waiting: Waiting) -> bool {
        self.put(record, Some(waiting))
    }

    fn put(&self, record: Record, waiting: Option<Waiting>) -> bool {
        let size = record.size();
        let mut state = self.lock();
        if state.closed || state.bytes + size > self.limit {
            let frame = Arc::clone(&record.frame);
            lose(&mut state.taken.lost, &frame, 1);
            return false;
        }
        let first = state.taken.is_empty();
        state.bytes += size;
        state.taken.records.push(record);
        let hurry = waiting.is_some() || state.taken.records.len() == MANY;
        state.urgent |= hurry;
        state.taken.waiting.extend(waiting);
        drop(state);
        self.wake(first, hurry);
        true
    }

    /// Waits for what was put in before; false where nobody will answer any more.
    pub(crate) fn wait(&self, waiting: Waiting) -> bool {
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        let first = state.taken.is_empty();
        state.urgent = true;
        state.taken.waiting.push(waiting);
        drop(state);
        self.wake(first, true);
        true
    }

    /// Has the delivery thread end, at the latest then. Nothing is taken in any more.
    pub(crate) fn stop(&self, until: Instant) {
        let mut state = self.lock();
        state.closed = true;
        state.urgent = true;
        let sooner = state.taken.stop.map_or(until, |known| known.min(until));
        state.taken.stop = Some(sooner);
        drop(state);
        self.wake(true, true);
    }

    /// Has the delivery thread look, although nothing came.
    pub(crate) fn nudge(&self) {
        self.lock().nudged = true;
        self.arrived.notify_one();
    }

    fn wake(&self, first: bool, hurry: bool) {
        if first {
            self.arrived.notify_one();
        }
        if hurry {
            self.hurried.notify_one();
        }
    }

    /// Waits until there is something to take.
    pub(crate) async fn arrival(&self) {
        loop {
            let arrived = self.arrived.notified();
            {
                let state = self.lock();
                if !state.taken.is_empty() || state.nudged || state.taken.stop.is_some() {
                    return;
                }
            }
            arrived.await;
        }
    }

    /// Waits until somebody is in a hurry.
    pub(crate) async fn hurry(&self) {
        loop {
            let hurried = self.hurried.notified();
            if self.lock().urgent {
                return;
            }
            hurried.await;
        }
    }

    /// Takes everything.
    pub(crate) fn take(&self) -> Taken {
        let mut state = self.lock();
        state.bytes = 0;
        state.urgent = false;
        state.nudged = false;
        let stop = state.taken.stop;
        std::mem::replace(&mut state.taken, Taken { stop, ..Taken::default() })
    }
}
