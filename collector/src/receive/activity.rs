//! What happens on one connection, and when it is to end.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::idle::{Position, Seat};
use super::places::{Place, Places};

/// How long a connection that is to end may take to.
const GRACE: Duration = Duration::from_secs(2);
/// How often it is looked whether one has come to its end.
const LOOK: Duration = Duration::from_millis(100);

/// What happens on one connection.
#[derive(Debug)]
pub(super) struct Activity {
    places: Places,
    place: Place,
    seat: Seat,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Requests that are not answered yet.
    open: usize,
    /// Those of them that were let in.
    let_in: usize,
    /// Since when it has been idle, while it is.
    since: Instant,
    /// Whether there was a request.
    served: bool,
    /// Whether a request was ever let in.
    is_guest: bool,
    /// Whether one was turned away for who sent it.
    turned_away: bool,
    /// Among those that are idle.
    position: Option<Position>,
}

impl State {
    /// How long a connection that was asked to end may go on, with `time` for a request.
    fn patience(&self, time: Duration) -> Duration {
        match (self.open, self.let_in) {
            (0, _) => GRACE,
            (_, 0) => GRACE * 2,
            _ => time.saturating_add(GRACE),
        }
    }
}

/// A request that is not answered yet.
#[derive(Debug)]
pub(super) struct Open {
    activity: Arc<Activity>,
    let_in: AtomicBool,
}

impl Activity {
    /// Of a new connection, which is idle until its first request; without an address over the Unix socket.
    pub(super) fn new(places: &Places, address: Option<IpAddr>) -> Self {
        let place = Place::new(places, address);
        let seat = Seat { address: place.address(), close: CancellationToken::new() };
        let mut state = State {
            open: 0,
            let_in: 0,
            since: Instant::now(),
            served: false,
            is_guest: false,
            turned_away: false,
            position: None,
        };
        // One without a place has none to make room with.
        if place.is_held() {
            state.position = Some(places.idle().enter(false, &seat));
        }
        Self { places: places.clone(), place, seat, state: Mutex::new(state) }
    }

    /// A request begins; it ends when what is returned is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Open {
        let mut state = self.lock();
        state.open += 1;
        state.served = true;
        if let Some(position) = state.position.take() {
            self.places.idle().leave(position);
        }
        drop(state);
        Open { activity: Arc::clone(self), let_in: AtomicBool::new(false) }
    }

    /// Waits until the connection is to be closed: idle for too long, before its first request or after,
    /// in others' way, or not that of a sender who is let in.
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
            () = self.seat.close.cancelled() => {}
            () = overdue => {}
        }
    }

    /// Waits until it must go for one that came later.
    pub(super) async fn pushed_out(&self) {
        self.place.pushed_out().await;
    }

    /// Whether nobody waits for anything on it and nobody was ever let in: it need not be told of its end.
    pub(super) fn is_nobodys(&self) -> bool {
        let state = self.lock();
        state.open == 0 && !state.is_guest && !state.turned_away
    }

    /// Waits until a connection that was asked to end is ended without further ado: what was let in may
    /// take `time`, what was not has only so long as an answer takes.
    pub(super) async fn is_let_go(&self, time: Duration) {
        let asked = tokio::time::Instant::now();
        tokio::time::sleep(GRACE).await;
        loop {
            if asked.elapsed() >= self.lock().patience(time) {
                return;
            }
            tokio::time::sleep(LOOK).await;
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

impl Open {
    /// Its sender is let in.
    pub(super) fn let_in(&self) {
        if !self.let_in.swap(true, Ordering::Relaxed) {
            let mut state = self.activity.lock();
            state.let_in += 1;
            state.is_guest = true;
        }
    }

    /// Its sender is not, or there is no place for it: the connection ends after the answer.
    pub(super) fn turn_away(&self) {
        self.activity.lock().turned_away = true;
        self.activity.seat.close.cancel();
    }

    /// Whether the connection ends after the answer.
    pub(super) fn is_turned_away(&self) -> bool {
        self.activity.lock().turned_away
    }

    /// Makes sure that its connection, on which somebody was let in, has a place; false where none becomes
    /// free in time.
    pub(super) async fn secure(&self, wait: Duration) -> bool {
        self.activity.place.secure(wait).await
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        if let Some(position) = self.lock().position.take() {
            self.places.idle().leave(position);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let activity = &self.activity;
        let mut state = activity.lock();
        state.open = state.open.saturating_sub(1);
        if *self.let_in.get_mut() {
            state.let_in = state.let_in.saturating_sub(1);
        }
        if state.open == 0 {
            state.since = Instant::now();
            if activity.place.is_held() {
                state.position = Some(activity.places.idle().enter(state.is_guest, &activity.seat));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::idle::Whose;
    use super::*;
    use crate::Limits;
    use tokio::sync::Semaphore;

    fn places() -> Places {
        Places::new(Arc::new(Semaphore::new(8)), &Limits::default())
    }

    fn one(places: &Places) -> Arc<Activity> {
        Arc::new(Activity::new(places, None))
    }

    fn closed(one: &Activity) -> bool {
        one.seat.close.is_cancelled()
    }

    #[test]
    fn the_one_idle_longest_makes_room_and_none_that_has_a_request() {
        let places = places();
        let close = || places.idle().close_longest(Whose::Anybody, None);
        let [busy, two, three] = [(); 3].map(|()| one(&places));
        let open = busy.begin();
        assert!(close());
        assert!(closed(&two) && !closed(&three));
        drop(open);
        assert!(close());
        assert!(closed(&three) && !closed(&busy));
        assert!(close() && closed(&busy));
        assert!(!close());
    }

    #[test]
    fn one_on_which_somebody_was_let_in_is_a_guest_from_then_on() {
        let places = places();
        let [known, stranger] = [(); 2].map(|()| one(&places));
        drop(stranger.begin());
        let open = known.begin();
        open.let_in();
        drop(open);
        drop(known.begin());
        assert!(places.idle().close_longest(Whose::Anybody, None));
        assert!(closed(&known) && !closed(&stranger), "it has only just come");
    }

    #[test]
    fn one_without_a_place_is_not_asked_to_make_room() {
        let places = Places::new(Arc::new(Semaphore::new(1)), &Limits::default());
        let [first, spare] = [(); 2].map(|()| one(&places));
        drop(spare.begin());
        assert!(places.idle().close_longest(Whose::Anybody, None));
        assert!(!places.idle().close_longest(Whose::Anybody, None));
        assert!(closed(&first) && !closed(&spare));
    }

    #[test]
    fn a_connection_that_ended_leaves_nothing() {
        let places = places();
        let ended = one(&places);
        drop(ended.begin());
        drop(ended);
        assert!(!places.idle().close_longest(Whose::Anybody, None));
    }

    #[tokio::test]
    async fn a_request_keeps_a_connection_open_and_its_end_begins_the_wait_anew() {
        let places = places();
        let one = one(&places);
        let (first, later) = (Duration::ZERO, Duration::from_secs(60));
        one.is_over(first, later).await;
        let open = one.begin();
        assert_eq!(one.left(first, later), later);
        drop(open);
        assert!(!one.left(first, later).is_zero());
    }

    #[test]
    fn a_request_that_begins_as_its_connection_is_closed_is_waited_for_if_it_is_let_in() {
        let places = places();
        let one = one(&places);
        let time = Duration::from_secs(3600);
        let patience = || one.lock().patience(time);
        let open = one.begin();
        assert_eq!(patience(), GRACE * 2);
        open.let_in();
        assert_eq!(patience(), time + GRACE);
        drop(open);
        assert_eq!(patience(), GRACE);
    }

    #[tokio::test]
    async fn one_that_is_turned_away_is_over() {
        let places = places();
        let one = one(&places);
        assert!(one.is_nobodys());
        let open = one.begin();
        assert!(!one.is_nobodys());
        open.turn_away();
        one.is_over(Duration::MAX, Duration::MAX).await;
        drop(open);
        assert!(!one.is_nobodys(), "it is told of its end");
    }
}
