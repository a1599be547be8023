//! Waiting for the delivery thread: blocking, or as a future.

use std::future::poll_fn;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Acknowledged by the collector.
    Delivered,
    /// On the disk.
    Spooled,
    /// Neither; why.
    Failed(String),
}

#[derive(Debug, Default)]
struct State {
    settled: Option<Settled>,
    waker: Option<Waker>,
}

/// Resolved once, by the delivery thread.
#[derive(Debug, Default)]
pub(crate) struct Ticket {
    state: Mutex<State>,
    changed: Condvar,
}

impl Ticket {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves it; the first word holds.
    pub(crate) fn settle(&self, settled: Settled) {
        let mut state = self.lock();
        if state.settled.is_none() {
            state.settled = Some(settled);
        }
        let waker = state.waker.take();
        drop(state);
        self.changed.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits on this thread, at most so long; none where that was too short.
    pub(crate) fn wait(&self, patience: Duration) -> Option<Settled> {
        let until = Instant::now() + patience;
        let mut state = self.lock();
        loop {
            if let Some(settled) = state.settled.clone() {
                return Some(settled);
            }
            let left = until.checked_duration_since(Instant::now())?;
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits without blocking. The delivery thread settles every ticket by its deadline.
    pub(crate) async fn settled(&self) -> Settled {
        poll_fn(|context| {
            let mut state = self.lock();
            match state.settled.clone() {
                Some(settled) => Poll::Ready(settled),
                None => {
                    state.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}
