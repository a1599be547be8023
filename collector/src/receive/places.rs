//! Places for connections: so many, and so many of them for one address.
//!
//! Whoever connects gets one if there is one. Whoever comes later is heard all the same, on one of a few
//! spare seats: who is let in there gets the place of a connection that is idle, and who only asks whether
//! the collector is well needs none. So nobody keeps the collector from answering by connecting, and
//! connections that say nothing push out none but their like.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::idle::{Idle, Whose};
use super::origin::network;
use crate::config::Limits;

/// Connections beyond the limit that are heard; for a further one the first of them is closed.
const SPARE: usize = 64;
/// Pause before another idle connection is closed for one that waits.
const CLOSE_PAUSE: Duration = Duration::from_millis(20);

/// The places of a collector.
#[derive(Debug, Clone)]
pub(crate) struct Places(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    all: Arc<Semaphore>,
    /// Most of one address; 0 for any number.
    each: usize,
    idle: Idle,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    addresses: HashMap<IpAddr, usize>,
    next: u64,
    /// Connections without a place, in the order in which they came.
    spare: BTreeMap<u64, CancellationToken>,
}

/// The place of one connection, if it has one.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    /// The address that it is counted under; none where addresses are not told apart.
    address: Option<IpAddr>,
    held: Mutex<Option<Held>>,
    /// Its number among those without a place.
    number: u64,
    pushed_out: CancellationToken,
}

/// A place that is taken; free again when this is dropped.
#[derive(Debug)]
struct Held {
    places: Places,
    address: Option<IpAddr>,
    _permit: OwnedSemaphorePermit,
}

/// Where there is no place.
#[derive(Debug, Clone, Copy)]
enum Crowd {
    /// For nobody.
    Everywhere,
    /// For this address.
    Of(IpAddr),
}

impl Places {
    /// As many as `all` has permits.
    pub(crate) fn new(all: Arc<Semaphore>, limits: &Limits) -> Self {
        let each = limits.connections_per_address;
        Self(Arc::new(Inner { all, each, idle: Idle::default(), taken: Mutex::default() }))
    }

    pub(super) fn idle(&self) -> &Idle {
        &self.0.idle
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self, address: Option<IpAddr>) -> Result<Held, Crowd> {
        let mut taken = self.taken();
        let of_address = address.and_then(|address| taken.addresses.get(&address).copied());
        if let Some(address) = address
            && of_address.unwrap_or(0) >= self.0.each
        {
            return Err(Crowd::Of(address));
        }
        let permit = Arc::clone(&self.0.all).try_acquire_owned();
        let permit = permit.map_err(|_| Crowd::Everywhere)?;
        if let Some(address) = address {
            *taken.addresses.entry(address).or_default() += 1;
        }
        Ok(Held { places: self.clone(), address, _permit: permit })
    }
}

impl Place {
    /// For a new connection from an address; none over the Unix socket.
    pub(super) fn new(places: &Places, address: Option<IpAddr>) -> Self {
        // Those on this machine have one address all together, and are told apart otherwise.
        let address = address.filter(|address| places.0.each > 0 && !address.is_loopback());
        let address = address.map(network);
        let pushed_out = CancellationToken::new();
        let held = places.hold(address);
        if let Err(crowd) = held {
            places.idle().close_longest(Whose::Strangers, crowd.address());
        }
        let mut taken = places.taken();
        let number = taken.next;
        taken.next += 1;
        if held.is_err() {
            taken.spare.insert(number, pushed_out.clone());
            if taken.spare.len() > SPARE
                && let Some((_, first)) = taken.spare.pop_first()
            {
                first.cancel();
            }
        }
        drop(taken);
        Self { places: places.clone(), address, held: Mutex::new(held.ok()), number, pushed_out }
    }

    pub(super) const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    pub(super) fn is_held(&self) -> bool {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Takes a place for one who was let in, if it has none: an idle connection is closed for it. False
    /// where none became free in time. Meanwhile it does not go for one who came later.
    pub(super) async fn secure(&self, wait: Duration) -> bool {
        self.keep();
        let deadline = Instant::now() + wait;
        loop {
            let Err(crowd) = self.try_hold() else { return true };
            if Instant::now() >= deadline {
                return false;
            }
            self.places.idle().close_longest(Whose::Anybody, crowd.address());
            tokio::time::sleep(CLOSE_PAUSE).await;
        }
    }

    /// It does not go for one who came later any more.
    fn keep(&self) {
        self.places.taken().spare.remove(&self.number);
    }

    /// Waits until it must go for one who came later.
    pub(super) async fn pushed_out(&self) {
        self.pushed_out.cancelled().await;
    }

    fn try_hold(&self) -> Result<(), Crowd> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_none() {
            *held = Some(self.places.hold(self.address)?);
        }
        Ok(())
    }
}

impl Crowd {
    const fn address(self) -> Option<IpAddr> {
        match self {
            Self::Everywhere => None,
            Self::Of(address) => Some(address),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.keep();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut taken = self.places.taken();
        let left = taken.addresses.get(&address).copied().unwrap_or(0).saturating_sub(1);
        if left == 0 {
            taken.addresses.remove(&address);
        } else {
            taken.addresses.insert(address, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(1);

    fn places(connections: usize, each: usize) -> Places {
        let limits = Limits { connections_per_address: each, ..Limits::default() };
        Places::new(Arc::new(Semaphore::new(connections)), &limits)
    }

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[tokio::test]
    async fn one_address_has_no_more_places_than_it_may_and_another_finds_one() {
        let places = places(8, 2);
        let first = Place::new(&places, address(1));
        let second = Place::new(&places, address(1));
        let third = Place::new(&places, address(1));
        assert!(!third.secure(SHORT).await);
        assert!(Place::new(&places, address(2)).secure(SHORT).await);
        // Those on this machine are not counted.
        let here = [(); 3].map(|()| Place::new(&places, Some(IpAddr::from([127, 0, 0, 1]))));
        for place in &here {
            assert!(place.secure(SHORT).await);
        }
        drop(first);
        assert!(third.secure(SHORT).await);
        drop((third, second, here));
        assert!(places.taken().addresses.is_empty());
        assert_eq!(places.0.all.available_permits(), 8);
    }

    #[tokio::test]
    async fn beyond_the_spare_seats_the_first_goes_and_never_one_that_was_let_in() {
        let places = places(1, 0);
        let seated = Place::new(&places, address(1));
        let mut spare: Vec<_> = (0..SPARE).map(|_| Place::new(&places, address(1))).collect();
        spare[1].keep();
        spare.push(Place::new(&places, address(1)));
        assert!(!spare[0].pushed_out.is_cancelled());
        spare.push(Place::new(&places, address(1)));
        let out = |place: &Place| place.pushed_out.is_cancelled();
        assert!(out(&spare[0]) && !out(&seated));
        spare.push(Place::new(&places, address(1)));
        assert!(!out(&spare[1]) && out(&spare[2]) && !out(&spare[3]));
        drop(spare);
        assert!(places.taken().spare.is_empty());
    }
}
