//! Connections on which nothing happens: closed when they have waited too long, and earlier when others wait
//! for their place.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// How long one that has just come has to say who it is: as long as a handshake takes.
const YOUNG: Duration = Duration::from_secs(1);

/// The connections that are idle, the one that has been longest first.
#[derive(Debug)]
pub(super) struct Idle {
    young: Duration,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    /// Those on which nobody was ever let in.
    strangers: BTreeMap<u64, (Instant, Seat)>,
    /// The others.
    guests: BTreeMap<u64, (Instant, Seat)>,
}

/// Which idle connections may be closed for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// Those on which nobody was ever let in, unless they have only just come.
    Strangers,
    /// Those first, then those on which somebody was, then those that have only just come.
    Anybody,
}

/// An idle connection.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    /// The address that it is counted under.
    pub address: Option<IpAddr>,
    /// Asks it to end.
    pub close: CancellationToken,
}

/// Where an idle connection stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position(u64);

impl Idle {
    /// Asks the connection to end that has been idle longest, of those of an `address` where there is one;
    /// false where none is.
    pub(super) fn close_longest(&self, whose: Whose, address: Option<IpAddr>) -> bool {
        let mut waiting = self.lock();
        let mut found = longest(&mut waiting.strangers, address, self.young);
        if found.is_none() && whose == Whose::Anybody {
            found = longest(&mut waiting.guests, address, Duration::ZERO);
            found = found.or_else(|| longest(&mut waiting.strangers, address, Duration::ZERO));
        }
        found.inspect(|seat| seat.close.cancel()).is_some()
    }

    /// A connection is idle from now on.
    pub(super) fn enter(&self, is_guest: bool, seat: &Seat) -> Position {
        let mut waiting = self.lock();
        let position = waiting.next;
        waiting.next += 1;
        let among = if is_guest { &mut waiting.guests } else { &mut waiting.strangers };
        among.insert(position, (Instant::now(), seat.clone()));
        Position(position)
    }

    /// It is not any more.
    pub(super) fn leave(&self, position: Position) {
        let mut waiting = self.lock();
        waiting.strangers.remove(&position.0);
        waiting.guests.remove(&position.0);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Idle {
    fn default() -> Self {
        Self { young: YOUNG, waiting: Mutex::default() }
    }
}

/// Takes the first of those that have been idle for so long.
fn longest(
    among: &mut BTreeMap<u64, (Instant, Seat)>,
    address: Option<IpAddr>,
    time: Duration,
) -> Option<Seat> {
    let is_of = |seat: &Seat| address.is_none() || seat.address == address;
    let mut old = among.iter().take_while(|(_, (since, _))| since.elapsed() >= time);
    let position = old.find(|(_, (_, seat))| is_of(seat)).map(|(position, _)| *position)?;
    among.remove(&position).map(|(_, seat)| seat)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_were_never_let_in_go_first_and_then_the_one_idle_longest() {
        let idle = Idle { young: Duration::ZERO, ..Idle::default() };
        let [one, two] = [1, 2].map(|last| Some(IpAddr::from([192, 0, 2, last])));
        let seat = |address| Seat { address, close: CancellationToken::new() };
        let [guest, later, stranger, other] = [one, two, one, two].map(seat);
        idle.enter(true, &guest);
        idle.enter(true, &later);
        idle.enter(false, &stranger);
        let position = idle.enter(false, &other);
        let closed = || [&guest, &later, &stranger, &other].map(|it| it.close.is_cancelled());
        assert!(idle.close_longest(Whose::Anybody, two));
        assert_eq!(closed(), [false, false, false, true]);
        idle.leave(position);
        assert!(!idle.close_longest(Whose::Strangers, two));
        assert!(idle.close_longest(Whose::Anybody, None));
        assert_eq!(closed(), [false, false, true, true]);
        assert!(!idle.close_longest(Whose::Strangers, None));
        assert!(idle.close_longest(Whose::Anybody, two));
        assert_eq!(closed(), [false, true, true, true]);
        assert!(idle.close_longest(Whose::Anybody, None) && guest.close.is_cancelled());
        assert!(!idle.close_longest(Whose::Anybody, None));
    }
    #[test]
    fn one_that_has_only_just_come_goes_last() {
        let idle = Idle { young: Duration::from_secs(3600), ..Idle::default() };
        let [guest, young] =
            [(); 2].map(|()| Seat { address: None, close: CancellationToken::new() });
        idle.enter(false, &young);
        idle.enter(true, &guest);
        assert!(!idle.close_longest(Whose::Strangers, None));
        assert!(idle.close_longest(Whose::Anybody, None) && guest.close.is_cancelled());
        assert!(!young.close.is_cancelled());
        assert!(idle.close_longest(Whose::Anybody, None) && young.close.is_cancelled());
    }
}
