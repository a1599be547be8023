//! How long things took.

use std::time::Duration;

/// From acknowledgement to arrival.
#[derive(Debug, Default)]
pub struct Delays {
    down: Vec<Duration>,
    all: Vec<Duration>,
}

impl Delays {
    /// One more; `down` where another destination was in trouble.
    pub(super) fn add(&mut self, delay: Duration, down: bool) {
        self.all.push(delay);
        if down {
            self.down.push(delay);
        }
    }

    /// Of requests that were acknowledged while another destination was in trouble.
    #[must_use]
    pub fn p99_while_down(&self) -> Option<Duration> {
        p99(&self.down)
    }

    /// Of all, restarts of the collector included.
    #[must_use]
    pub fn p99(&self) -> Option<Duration> {
        p99(&self.all)
    }
}

fn p99(delays: &[Duration]) -> Option<Duration> {
    let mut sorted = delays.to_vec();
    sorted.sort_unstable();
    sorted.get((sorted.len() * 99).div_ceil(100).saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_99th_of_a_hundred_is_not_the_slowest() {
        let mut delays = Delays::default();
        assert_eq!(delays.p99(), None);
        for number in (1..=100).rev() {
            delays.add(Duration::from_millis(number), number == 7);
        }
        assert_eq!(delays.p99(), Some(Duration::from_millis(99)));
        assert_eq!(delays.p99_while_down(), Some(Duration::from_millis(7)));
    }
}
