//! Admission: how much may wait for the journal at a time, of all senders together and of one.
//!
//! One sender holds at most half of each, so that another always finds room; where one request of the
//! largest size is more than half of the bytes, as much as that. A compressed request counts for its
//! sender with the larger of its two forms, and for all with both, as long as both are in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::config::Limits;

/// What a transport writes around a request of the largest size, in bytes, and more.
const AROUND: usize = 64;
/// Senders that are remembered before it is looked which of them have nothing in any more.
const SENDERS: usize = 64;

/// There is no room for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// Not now.
    Now,
    /// Nor will there ever be: it is more than `limit` bytes.
    Ever { limit: usize },
}

/// Bounds the requests, and their bytes, that are not acknowledged yet.
#[derive(Debug)]
pub(crate) struct Admission {
    requests: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    bounds: Bounds,
    senders: Mutex<Senders>,
}

#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Bytes of all.
    bytes: usize,
    /// Bytes of one sender.
    sender_bytes: usize,
    /// Requests of one sender.
    sender_requests: usize,
    wait: Duration,
}

/// What one sender has in.
#[derive(Debug)]
struct Share {
    requests: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

/// Those who have something in.
#[derive(Debug)]
struct Senders {
    shares: BTreeMap<String, Weak<Share>>,
    /// Number of them at which those that have nothing in any more are forgotten.
    sweep_at: usize,
}

/// The room that one request takes; free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    _turn: OwnedSemaphorePermit,
    _request: OwnedSemaphorePermit,
    share: Arc<Share>,
    all: Arc<Semaphore>,
    /// Of the sender's bytes.
    of_share: Held,
    /// Of the bytes of all.
    of_all: Held,
    /// Bytes of the request as sent, while it is decompressed beside.
    first_form: usize,
    bounds: Bounds,
}

#[derive(Debug, Default)]
struct Held(Option<OwnedSemaphorePermit>);

impl Held {
    fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    fn add(&mut self, room: OwnedSemaphorePermit) {
        match &mut self.0 {
            Some(held) => held.merge(room),
            None => self.0 = Some(room),
        }
    }

    fn give_back(&mut self, bytes: usize) {
        drop(self.0.as_mut().and_then(|held| held.split(bytes.min(held.num_permits()))));
    }
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        let largest = limits.request_bytes.saturating_add(AROUND).min(limits.bytes_in_flight);
        Self {
            requests: Arc::new(Semaphore::new(limits.requests_in_flight)),
            bytes: Arc::new(Semaphore::new(limits.bytes_in_flight)),
            bounds: Bounds {
                bytes: limits.bytes_in_flight,
                sender_bytes: (limits.bytes_in_flight / 2).max(largest),
                sender_requests: (limits.requests_in_flight / 2).max(1),
                wait: limits.admission_wait,
            },
            senders: Mutex::new(Senders { shares: BTreeMap::new(), sweep_at: SENDERS }),
        }
    }

    /// Requests that are in, and the bytes that they hold.
    pub(crate) fn in_flight(&self, limits: &Limits) -> (u64, u64) {
        let requests = limits.requests_in_flight.saturating_sub(self.requests.available_permits());
        let bytes = limits.bytes_in_flight.saturating_sub(self.bytes.available_permits());
        (requests as u64, bytes as u64)
    }

    /// Lets a request of a sender in, waiting a while for its turn.
    pub(crate) async fn enter(&self, sender: &str) -> Result<Ticket, NoRoom> {
        let share = self.share(sender);
        let turn = Arc::clone(&share.requests).acquire_owned();
        let request = Arc::clone(&self.requests).acquire_owned();
        let both = async { Ok::<_, AcquireError>((turn.await?, request.await?)) };
        match tokio::time::timeout(self.bounds.wait, both).await {
            Ok(Ok((turn, request))) => Ok(Ticket {
                _turn: turn,
                _request: request,
                share,
                all: Arc::clone(&self.bytes),
                of_share: Held::default(),
                of_all: Held::default(),
                first_form: 0,
                bounds: self.bounds,
            }),
            _ => Err(NoRoom::Now),
        }
    }

    fn share(&self, sender: &str) -> Arc<Share> {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = senders.shares.get(sender).and_then(Weak::upgrade) {
            return share;
        }
        if senders.shares.len() >= senders.sweep_at {
            senders.shares.retain(|_, share| share.strong_count() > 0);
            senders.sweep_at = senders.shares.len().saturating_mul(2).max(SENDERS);
        }
        let share = Arc::new(Share {
            requests: Arc::new(Semaphore::new(self.bounds.sender_requests)),
            bytes: Arc::new(Semaphore::new(self.bounds.sender_bytes)),
        });
        senders.shares.insert(sender.to_owned(), Arc::downgrade(&share));
        share
    }
}

impl Ticket {
    /// Takes room for `bytes` more, waiting a while for it.
    pub(crate) async fn reserve(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let (of_share, of_all) = self.needed(bytes)?;
        let share = Arc::clone(&self.share.bytes).acquire_many_owned(of_share);
        let all = Arc::clone(&self.all).acquire_many_owned(of_all);
        let both = async { Ok::<_, AcquireError>((share.await?, all.await?)) };
        match tokio::time::timeout(self.bounds.wait, both).await {
            Ok(Ok(room)) => self.hold(room),
            _ => return Err(NoRoom::Now),
        }
        Ok(())
    }

    /// Takes room for `bytes` more if it is there now.
    pub(crate) fn try_reserve(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let (of_share, of_all) = self.needed(bytes)?;
        let share = Arc::clone(&self.share.bytes).try_acquire_many_owned(of_share);
        let all = Arc::clone(&self.all).try_acquire_many_owned(of_all);
        self.hold((share.map_err(|_| NoRoom::Now)?, all.map_err(|_| NoRoom::Now)?));
        Ok(())
    }

    /// Gives back room for `bytes`.
    pub(crate) fn release(&mut self, bytes: usize) {
        self.of_all.give_back(bytes);
        if bytes == self.first_form {
            self.first_form = 0;
        }
        let counted = self.counted(self.of_all.bytes());
        self.of_share.give_back(self.of_share.bytes().saturating_sub(counted));
    }

    /// What is reserved from now on is for another form of the same request, whose first has `bytes`;
    /// until those are released. Returns how many the other may have at most.
    pub(crate) fn begin_second_form(&mut self, bytes: usize) -> usize {
        self.first_form = bytes;
        let beside = self.bounds.bytes.saturating_sub(self.of_all.bytes());
        beside.min(self.bounds.sender_bytes)
    }

    /// How long a request waits for room.
    pub(crate) const fn wait(&self) -> Duration {
        self.bounds.wait
    }

    /// What `bytes` more take of the sender's bytes and of those of all.
    fn needed(&self, bytes: usize) -> Result<(u32, u32), NoRoom> {
        let Bounds { bytes: all, sender_bytes, .. } = self.bounds;
        let held = self.of_all.bytes().saturating_add(bytes);
        let counted = self.counted(held);
        if held > all || counted > sender_bytes {
            return Err(NoRoom::Ever { limit: sender_bytes.min(all) });
        }
        let share = counted.saturating_sub(self.of_share.bytes());
        let number = |bytes| u32::try_from(bytes).map_err(|_| NoRoom::Ever { limit: all });
        Ok((number(share)?, number(bytes)?))
    }

    /// How much a request that holds so many bytes counts for its sender.
    fn counted(&self, held: usize) -> usize {
        self.first_form.max(held.saturating_sub(self.first_form))
    }

    fn hold(&mut self, (share, all): (OwnedSemaphorePermit, OwnedSemaphorePermit)) {
        self.of_share.add(share);
        self.of_all.add(all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Result<(), NoRoom> = Err(NoRoom::Now);

    fn admission() -> Admission {
        Admission::new(&Limits {
            request_bytes: 30,
            requests_in_flight: 4,
            bytes_in_flight: 400,
            admission_wait: Duration::from_millis(1),
            ..Limits::default()
        })
    }

    #[tokio::test]
    async fn no_more_requests_and_bytes_than_allowed_are_let_in() {
        let admission = admission();
        let mut tickets = Vec::new();
        for sender in ["a", "b", "c", "d"] {
            tickets.push(admission.enter(sender).await.unwrap());
        }
        assert_eq!(admission.enter("e").await.err(), Some(NoRoom::Now));
        let [a, b, c, d] = tickets.as_mut_slice() else { panic!() };
        a.reserve(200).await.unwrap();
        b.reserve(160).await.unwrap();
        assert_eq!(c.reserve(41).await, NOW);
        assert_eq!(c.try_reserve(41), NOW);
        d.try_reserve(40).unwrap();
    }

    #[tokio::test]
    async fn one_sender_leaves_half_of_the_requests_and_of_the_bytes_to_others() {
        let admission = admission();
        let mut first = admission.enter("a").await.unwrap();
        let mut second = admission.enter("a").await.unwrap();
        assert_eq!(admission.enter("a").await.err(), Some(NoRoom::Now));
        first.reserve(150).await.unwrap();
        assert_eq!(second.reserve(51).await, NOW);
        second.reserve(50).await.unwrap();
        let mut other = admission.enter("b").await.unwrap();
        other.reserve(200).await.unwrap();
        drop(first);
        second.reserve(150).await.unwrap();
        assert!(admission.enter("a").await.is_ok());
    }

    #[tokio::test]
    async fn what_is_given_back_can_be_taken_again() {
        let admission = admission();
        let mut first = admission.enter("a").await.unwrap();
        first.reserve(200).await.unwrap();
        let mut second = admission.enter("a").await.unwrap();
        first.release(30);
        second.reserve(30).await.unwrap();
        assert_eq!(second.try_reserve(1), NOW);
        drop(first);
        second.reserve(170).await.unwrap();
    }

    #[tokio::test]
    async fn the_largest_request_fits_and_what_can_never_fit_is_told_from_what_cannot_now() {
        let limits = Limits { request_bytes: 600, bytes_in_flight: 1000, ..Limits::default() };
        let admission = Admission::new(&limits);
        let mut ticket = admission.enter("a").await.unwrap();
        ticket.reserve(605).await.unwrap();
        assert_eq!(ticket.reserve(396).await, Err(NoRoom::Ever { limit: 664 }));
        assert_eq!(ticket.try_reserve(usize::MAX), Err(NoRoom::Ever { limit: 664 }));
        drop(ticket);
        let limits = Limits { request_bytes: 2000, ..limits };
        let mut ticket = Admission::new(&limits).enter("a").await.unwrap();
        ticket.reserve(1000).await.unwrap();
        assert_eq!(ticket.reserve(1).await, Err(NoRoom::Ever { limit: 1000 }));
    }

    #[tokio::test]
    async fn a_compressed_request_counts_for_its_sender_with_the_larger_of_its_forms() {
        let admission = admission();
        let mut ticket = admission.enter("a").await.unwrap();
        ticket.reserve(50).await.unwrap();
        assert_eq!(ticket.begin_second_form(50), 200);
        ticket.try_reserve(200).unwrap();
        assert_eq!(ticket.try_reserve(1), Err(NoRoom::Ever { limit: 200 }));
        assert_eq!((ticket.of_all.bytes(), ticket.of_share.bytes()), (250, 200));
        ticket.release(20);
        ticket.release(50);
        assert_eq!((ticket.of_all.bytes(), ticket.of_share.bytes()), (180, 180));
        // One that became smaller.
        ticket.begin_second_form(180);
        ticket.try_reserve(10).unwrap();
        ticket.release(180);
        assert_eq!((ticket.of_all.bytes(), ticket.of_share.bytes()), (10, 10));
        drop(ticket);
        assert_eq!(admission.bytes.available_permits(), 400);
    }

    #[tokio::test]
    async fn senders_that_have_nothing_in_are_forgotten() {
        let admission = admission();
        for number in 0..1000 {
            drop(admission.enter(&number.to_string()).await.unwrap());
        }
        assert!(admission.senders.lock().unwrap().shares.len() <= SENDERS);
    }
}
