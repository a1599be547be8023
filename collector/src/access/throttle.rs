//! Failed attempts: counted, told of in bounded number, and put off where one address makes too many.
//!
//! A right credential is always let in, also from an address that has just shown a hundred wrong ones:
//! tokens cannot be guessed, and who shares an address with somebody who tries must not suffer for it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use super::buckets::{Buckets, Refill};

/// Addresses that are remembered.
const ADDRESSES: usize = 4096;
/// An address's attempts are told of no more often.
const TELLING: Duration = Duration::from_secs(60);
/// Most events in a minute, whatever the number of addresses.
const EVENTS_PER_MINUTE: f64 = 60.0;

/// Failed attempts to be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempts {
    /// Address they came from: of an IPv6 address, its network of 64 bits. None for several.
    pub address: Option<IpAddr>,
    /// How many.
    pub count: u64,
    /// Why the last one failed.
    pub reason: String,
}

#[derive(Debug)]
struct Untold {
    count: u64,
    reason: String,
    told: Option<Instant>,
    last: Instant,
}

/// Failed attempts of every address.
#[derive(Debug)]
pub(super) struct Throttle {
    answers: Buckets<IpAddr>,
    events: Buckets<()>,
    untold: BTreeMap<IpAddr, Untold>,
    /// Attempts of addresses that were forgotten before they were told of.
    forgotten: u64,
}

impl Throttle {
    pub(super) fn new(per_minute: u32) -> Self {
        let per_minute = f64::from(per_minute);
        let refill = |burst: f64| Refill { per_second: burst / 60.0, burst };
        Self {
            answers: Buckets::new(refill(per_minute), ADDRESSES),
            events: Buckets::new(refill(EVENTS_PER_MINUTE), 1),
            untold: BTreeMap::new(),
            forgotten: 0,
        }
    }

    /// Notes a failed attempt.
    ///
    /// # Errors
    /// Where the address has made too many: with the pause that it is to make.
    pub(super) fn failed(
        &mut self,
        address: IpAddr,
        reason: &str,
        now: Instant,
    ) -> Result<(), Duration> {
        let address = network(address);
        if !self.untold.contains_key(&address) && self.untold.len() >= ADDRESSES {
            self.forget(now);
        }
        let untold = self.untold.entry(address).or_insert_with(|| Untold {
            count: 0,
            reason: String::new(),
            told: None,
            last: now,
        });
        untold.count += 1;
        untold.last = now;
        reason.clone_into(&mut untold.reason);
        self.answers.take(&address, 1.0, now)
    }

    /// What is to be told of now; with `all`, whatever was not told of.
    pub(super) fn due(&mut self, all: bool, now: Instant) -> Vec<Attempts> {
        let mut due = Vec::new();
        let is_due = |untold: &Untold| {
            let waited =
                untold.told.is_none_or(|told| now.saturating_duration_since(told) >= TELLING);
            untold.count > 0 && (all || waited)
        };
        for (address, untold) in self.untold.iter_mut().filter(|(_, untold)| is_due(untold)) {
            if !all && self.events.take(&(), 1.0, now).is_err() {
                break;
            }
            due.push(Attempts {
                address: Some(*address),
                count: std::mem::take(&mut untold.count),
                reason: std::mem::take(&mut untold.reason),
            });
            untold.told = Some(now);
        }
        if self.forgotten > 0 && (all || self.events.take(&(), 1.0, now).is_ok()) {
            due.push(Attempts {
                address: None,
                count: std::mem::take(&mut self.forgotten),
                reason: "attempts of more addresses than are remembered".to_owned(),
            });
        }
        due
    }

    fn forget(&mut self, now: Instant) {
        self.untold.retain(|_, untold| {
            untold.count > 0 || now.saturating_duration_since(untold.last) < TELLING
        });
        if self.untold.len() >= ADDRESSES {
            let oldest = self.untold.iter().min_by_key(|(_, untold)| untold.last);
            if let Some(address) = oldest.map(|(address, _)| *address)
                && let Some(untold) = self.untold.remove(&address)
            {
                self.forgotten += untold.count;
            }
        }
    }
}

/// What an address is counted as: who has an IPv6 address mostly has a whole network of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn an_address_that_fails_too_often_is_put_off_and_another_is_not() {
        let now = Instant::now();
        let mut throttle = Throttle::new(3);
        for _ in 0..3 {
            throttle.failed(ONE, "wrong", now).unwrap();
        }
        assert_eq!(throttle.failed(ONE, "wrong", now).unwrap_err(), Duration::from_secs(20));
        throttle.failed([192, 0, 2, 2].into(), "wrong", now).unwrap();
        throttle.failed(ONE, "wrong", now + Duration::from_secs(20)).unwrap();
    }

    #[test]
    fn every_attempt_is_told_of_once_and_those_of_a_minute_together() {
        let now = Instant::now();
        let mut throttle = Throttle::new(3);
        let told = |count, reason: &str| {
            vec![Attempts { address: Some(ONE), count, reason: reason.to_owned() }]
        };
        let _ = throttle.failed(ONE, "first", now);
        assert_eq!(throttle.due(false, now), told(1, "first"));
        for _ in 0..50 {
            let _ = throttle.failed(ONE, "later", now);
        }
        assert_eq!(throttle.due(false, now), []);
        assert_eq!(throttle.due(false, now + TELLING), told(50, "later"));
        assert_eq!(throttle.due(false, now + TELLING), []);
        let _ = throttle.failed(ONE, "last", now + TELLING);
        assert_eq!(throttle.due(true, now + TELLING), told(1, "last"));
    }

    #[test]
    fn many_addresses_take_bounded_room_and_events_and_none_of_their_attempts_is_lost() {
        let now = Instant::now();
        let mut throttle = Throttle::new(3);
        let many = 2 * u32::try_from(ADDRESSES).unwrap();
        for number in 0..many {
            let _ = throttle.failed(IpAddr::V4(number.into()), "wrong", now);
        }
        assert!(throttle.untold.len() <= ADDRESSES);
        let first = throttle.due(false, now);
        assert_eq!(first.len(), 60);
        let rest = throttle.due(true, now);
        let told: u64 = first.iter().chain(&rest).map(|attempts| attempts.count).sum();
        assert_eq!(told, u64::from(many));
    }

    #[test]
    fn a_network_of_ipv6_addresses_is_one() {
        let now = Instant::now();
        let mut throttle = Throttle::new(1);
        throttle.failed("2001:db8::1".parse().unwrap(), "wrong", now).unwrap();
        assert!(throttle.failed("2001:db8::2".parse().unwrap(), "wrong", now).is_err());
        assert!(throttle.failed("2001:db8:0:1::1".parse().unwrap(), "wrong", now).is_ok());
    }
}
