//! Connections on which nothing happens: closed when they have waited too long, and earlier when others wait
//! for their place.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// The connections that are idle, the one that has been longest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Idle(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    connections: BTreeMap<u64, CancellationToken>,
}

impl Idle {
    /// Asks the connection to end that has been idle longest; false where none is.
    pub(super) fn close_longest(&self) -> bool {
        let longest = self.lock().connections.pop_first();
        longest.inspect(|(_, close)| close.cancel()).is_some()
    }

    fn enter(&self, close: &CancellationToken) -> u64 {
        let mut waiting = self.lock();
        let place = waiting.next;
        waiting.next += 1;
        waiting.connections.insert(place, close.clone());
        place
    }

    fn leave(&self, place: u64) {
        self.lock().connections.remove(&place);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What happens on one connection.
#[derive(Debug)]
pub(super) struct Activity {
    idle: Idle,
    close: CancellationToken,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Requests that are not answered yet.
    open: usize,
    /// Since when it has been idle, while it is.
    since: Instant,
    /// Whether there was a request.
    served: bool,
    /// Among those that are idle.
    place: Option<u64>,
}

/// A request that is not answered yet.
#[derive(Debug)]
pub(super) struct Open(Arc<Activity>);

impl Activity {
    /// Of a new connection, which is idle until its first request.
    pub(super) fn new(idle: &Idle) -> Self {
        let close = CancellationToken::new();
        let place = Some(idle.enter(&close));
        let state = State { open: 0, since: Instant::now(), served: false, place };
        Self { idle: idle.clone(), close, state: Mutex::new(state) }
    }

    /// A request begins; it ends when what is returned is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Open {
        let mut state = self.lock();
        state.open += 1;
        state.served = true;
        if let Some(place) = state.place.take() {
            self.idle.leave(place);
        }
        drop(state);
        Open(Arc::clone(self))
    }

    /// Waits until the connection is to be closed: idle for too long, before its first request or after,
    /// or in others' way.
    pub(super) async fn is_over(&self, first: Duration, later: Duration) {
        let overdue = async {
            loop {
                let left = self.left(first, later);
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left).await;
            }
        };
        tokio::select! {
            () = self.close.cancelled() => {}
            () = overdue => {}
        }
    }

    fn left(&self, first: Duration, later: Duration) -> Duration {
        let state = self.lock();
        let limit = if state.served { later } else { first };
        if state.open > 0 { limit } else { limit.saturating_sub(state.since.elapsed()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        if let Some(place) = self.lock().place.take() {
            self.idle.leave(place);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.open = state.open.saturating_sub(1);
        if state.open == 0 {
            state.since = Instant::now();
            state.place = Some(self.0.idle.enter(&self.0.close));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_idle_longest_makes_room_and_none_that_has_a_request() {
        let idle = Idle::default();
        let [one, two, three] = [(); 3].map(|()| Arc::new(Activity::new(&idle)));
        let open = one.begin();
        assert!(idle.close_longest());
        assert!(two.close.is_cancelled() && !three.close.is_cancelled());
        drop(open);
        assert!(idle.close_longest());
        assert!(three.close.is_cancelled() && !one.close.is_cancelled());
        assert!(idle.close_longest() && one.close.is_cancelled());
        assert!(!idle.close_longest());
    }

    #[test]
    fn a_connection_that_ended_leaves_nothing() {
        let idle = Idle::default();
        let one = Arc::new(Activity::new(&idle));
        drop(one.begin());
        drop(one);
        assert!(idle.lock().connections.is_empty());
    }

    #[tokio::test]
    async fn a_request_keeps_a_connection_open_and_its_end_begins_the_wait_anew() {
        let idle = Idle::default();
        let one = Arc::new(Activity::new(&idle));
        let (first, later) = (Duration::ZERO, Duration::from_secs(60));
        one.is_over(first, later).await;
        let open = one.begin();
        assert_eq!(one.left(first, later), later);
        drop(open);
        assert!(!one.left(first, later).is_zero());
    }
}
