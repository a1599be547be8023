//! Failed attempts: counted, told of in bounded number, and put off where one address makes too many.
//!
//! A right credential is always let in, also from an address that has just shown a hundred wrong ones:
//! tokens cannot be guessed, and who shares an address with somebody who tries must not suffer for it.

use std::collections::{BTreeMap, BTreeSet};
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

/// What came of a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Noted {
    /// Whether its address was not remembered.
    pub is_new: bool,
    /// Whether it is answered, or else the pause that the address is to make.
    pub answer: Result<(), Duration>,
}

#[derive(Debug)]
struct Untold {
    count: u64,
    reason: String,
    told: Option<Instant>,
    last: Instant,
    /// Since when it waits to be told of, where it does.
    due: Option<Instant>,
}

/// Failed attempts of every address.
#[derive(Debug)]
pub(super) struct Throttle {
    answers: Buckets<IpAddr>,
    events: Buckets<()>,
    untold: BTreeMap<IpAddr, Untold>,
    /// Addresses that wait to be told of, in the order in which they are, with the time from which on: however
    /// many there are, each has its turn.
    waiting: BTreeSet<(Instant, IpAddr)>,
    /// All addresses, the one that made the longest pause first: that is forgotten where room is needed.
    quiet: BTreeSet<(Instant, IpAddr)>,
    /// Attempts of addresses that were forgotten before they were told of.
    forgotten: u64,
    /// When those were told of.
    forgotten_told: Option<Instant>,
}

impl Throttle {
    pub(super) fn new(per_minute: u32) -> Self {
        let per_minute = f64::from(per_minute);
        let refill = |burst: f64| Refill { per_second: burst / 60.0, burst };
        Self {
            answers: Buckets::new(refill(per_minute), ADDRESSES),
            events: Buckets::new(refill(EVENTS_PER_MINUTE), 1),
            untold: BTreeMap::new(),
            waiting: BTreeSet::new(),
            quiet: BTreeSet::new(),
            forgotten: 0,
            forgotten_told: None,
        }
    }

    /// Notes a failed attempt.
    pub(super) fn failed(&mut self, address: IpAddr, reason: &str, now: Instant) -> Noted {
        let address = network(address);
        let is_new = !self.untold.contains_key(&address);
        if is_new && self.untold.len() >= ADDRESSES {
            self.forget();
        }
        let untold = self.untold.entry(address).or_insert_with(|| Untold {
            count: 0,
            reason: String::new(),
            told: None,
            last: now,
            due: None,
        });
        untold.count += 1;
        self.quiet.remove(&(untold.last, address));
        untold.last = now;
        self.quiet.insert((now, address));
        reason.clone_into(&mut untold.reason);
        if untold.due.is_none() {
            // One that was told of long ago does not come before those that wait already.
            let due = untold.told.map_or(now, |told| now.max(told + TELLING));
            untold.due = Some(due);
            self.waiting.insert((due, address));
        }
        Noted { is_new, answer: self.answers.take(&address, 1.0, now) }
    }

    /// What is to be told of now; with `all`, whatever was not told of.
    pub(super) fn due(&mut self, all: bool, now: Instant) -> Vec<Attempts> {
        let mut told = Vec::new();
        let waited =
            self.forgotten_told.is_none_or(|told| now.saturating_duration_since(told) >= TELLING);
        if self.forgotten > 0 && (all || (waited && self.events.take(&(), 1.0, now).is_ok())) {
            self.forgotten_told = Some(now);
            told.push(Attempts {
                address: None,
                count: std::mem::take(&mut self.forgotten),
                reason: "attempts of more addresses than are remembered".to_owned(),
            });
        }
        while let Some((due, address)) = self.waiting.first().copied() {
            if !all && (due > now || self.events.take(&(), 1.0, now).is_err()) {
                break;
            }
            self.waiting.pop_first();
            let Some(untold) = self.untold.get_mut(&address) else { continue };
            untold.due = None;
            untold.told = Some(now);
            told.push(Attempts {
                address: Some(address),
                count: std::mem::take(&mut untold.count),
                reason: std::mem::take(&mut untold.reason),
            });
        }
        told
    }

    /// Forgets one address.
    fn forget(&mut self) {
        let Some((_, address)) = self.quiet.pop_first() else { return };
        let Some(untold) = self.untold.remove(&address) else { return };
        if let Some(due) = untold.due {
            self.waiting.remove(&(due, address));
        }
        self.forgotten += untold.count;
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
            throttle.failed(ONE, "wrong", now).answer.unwrap();
        }
        let put_off = throttle.failed(ONE, "wrong", now).answer;
        assert_eq!(put_off, Err(Duration::from_secs(20)));
        throttle.failed([192, 0, 2, 2].into(), "wrong", now).answer.unwrap();
        throttle.failed(ONE, "wrong", now + Duration::from_secs(20)).answer.unwrap();
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
    fn every_address_has_its_turn_however_many_others_go_on_failing() {
        let start = Instant::now();
        let mut throttle = Throttle::new(3);
        let addresses = || (1..=160).map(|number: u8| IpAddr::from([127, 0, 0, number]));
        let last = IpAddr::from([127, 9, 9, 9]);
        let mut told: BTreeMap<IpAddr, u64> = BTreeMap::new();
        // Every two seconds all of them fail, for ten minutes: 60 events are made in each.
        for round in 0..300 {
            let now = start + Duration::from_secs(2 * round);
            for address in addresses().chain([last]) {
                let _ = throttle.failed(address, "wrong", now);
            }
            for attempts in throttle.due(false, now) {
                *told.entry(attempts.address.unwrap()).or_default() += 1;
            }
        }
        let (least, most) = (told.values().min().unwrap(), told.values().max().unwrap());
        assert_eq!(told.len(), 161);
        assert!(*least >= 3 && most - least <= 1, "{least} to {most}");
    }

    #[test]
    fn the_order_of_waiting_and_the_addresses_are_forgotten_together() {
        let now = Instant::now();
        let mut throttle = Throttle::new(3);
        let many = u32::try_from(ADDRESSES).unwrap() + 9;
        for number in 0..many {
            let at = now + Duration::from_millis(number.into());
            let _ = throttle.failed(IpAddr::V4(number.into()), "wrong", at);
        }
        let sizes = (throttle.untold.len(), throttle.waiting.len(), throttle.quiet.len());
        assert_eq!(sizes, (ADDRESSES, ADDRESSES, ADDRESSES));
        // Those that were first were forgotten, and are told of first.
        let told = throttle.due(false, now + TELLING);
        assert_eq!((told[0].address, told[0].count), (None, 9));
        assert_eq!(told[1].address, Some(IpAddr::V4(9.into())));
        let _ = throttle.due(true, now + TELLING);
        assert_eq!((throttle.waiting.len(), throttle.quiet.len()), (0, ADDRESSES));
    }

    #[test]
    fn a_network_of_ipv6_addresses_is_one() {
        let now = Instant::now();
        let mut throttle = Throttle::new(1);
        let mut failed = |address: &str| throttle.failed(address.parse().unwrap(), "wrong", now);
        assert_eq!(failed("2001:db8::1"), Noted { is_new: true, answer: Ok(()) });
        let again = failed("2001:db8::2");
        assert!(!again.is_new && again.answer.is_err());
        assert_eq!(failed("2001:db8:0:1::1"), Noted { is_new: true, answer: Ok(()) });
    }
}
