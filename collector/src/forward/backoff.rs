//! Pauses between attempts.

use std::time::Duration;

/// Longest pause that a destination may ask for: one that asks for years would else never get anything.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);
/// Longest that comes of it, with a pause of our own on top.
pub(super) const LONGEST_PAUSE_ASKED: Duration =
    LONGEST_ASKED.saturating_add(Duration::from_secs(1));

/// Pauses that double from attempt to attempt, each between half and all of that by chance, so that
/// collectors that failed together do not return together.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// The next pause; never shorter than what the destination asked for.
    pub(super) fn pause(&mut self, asked: Option<Duration>, random: u16) -> Duration {
        let most = self.next;
        self.next = most.saturating_mul(2).min(self.longest);
        let jittered = most / 2 + most.saturating_mul(u32::from(random)) / (2 * 0x1_0000);
        match asked {
            None => jittered,
            // Its own pauses on top: those who were told the same time shall not come all at once.
            Some(asked) => asked.min(LONGEST_ASKED) + jittered.min(self.first),
        }
    }

    /// Begins anew after a success.
    pub(super) const fn reset(&mut self) {
        self.next = self.first;
    }
}

/// A number by chance.
pub(super) fn random() -> u16 {
    u16::try_from(uuid::Uuid::new_v4().as_u128() & 0xffff).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let mut backoff = Backoff::new(SECOND, 5 * SECOND);
        let longest = |backoff: &mut Backoff| backoff.pause(None, u16::MAX).as_secs_f64().round();
        let pauses: Vec<f64> = (0..5).map(|_| longest(&mut backoff)).collect();
        assert_eq!(pauses, [1.0, 2.0, 4.0, 5.0, 5.0]);
        backoff.reset();
        assert_eq!(backoff.pause(None, 0), SECOND / 2);
    }

    #[test]
    fn what_a_destination_asks_for_is_the_least_and_has_a_bound() {
        let mut backoff = Backoff::new(SECOND, 60 * SECOND);
        let pause = backoff.pause(Some(30 * SECOND), 0);
        assert!(pause >= 30 * SECOND && pause <= 31 * SECOND, "{pause:?}");
        assert!(backoff.pause(Some(Duration::MAX), 0) <= LONGEST_ASKED + SECOND);
    }
}
