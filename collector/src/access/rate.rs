//! How much one sender may send.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::buckets::{Buckets, Refill};
use crate::config::Limits;

/// Seconds of its rate that a sender may send at once.
const BURST_SECONDS: f64 = 2.0;

/// Senders, and what each has left.
#[derive(Debug)]
pub(crate) struct Rates {
    /// None where there is no limit.
    requests: Option<Mutex<Buckets<String>>>,
    bytes: Option<Mutex<Buckets<String>>>,
}

impl Rates {
    pub(crate) fn new(limits: &Limits) -> Self {
        let table = |per_second: f64| {
            let refill = Refill { per_second, burst: (per_second * BURST_SECONDS).max(1.0) };
            (per_second > 0.0).then(|| Mutex::new(Buckets::new(refill, limits.senders)))
        };
        #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact to the byte")]
        let bytes = limits.sender_bytes_per_second as f64;
        Self { requests: table(f64::from(limits.sender_requests_per_second)), bytes: table(bytes) }
    }

    /// Lets a request of a sender begin.
    ///
    /// # Errors
    /// With the pause to make.
    pub(crate) fn begin(&self, sender: &str) -> Result<(), Duration> {
        let (sender, now) = (sender.to_owned(), Instant::now());
        for (table, amount) in [(&self.bytes, 0.0), (&self.requests, 1.0)] {
            if let Some(table) = table {
                let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
                table.take(&sender, amount, now)?;
            }
        }
        Ok(())
    }

    /// Counts bytes that a sender has sent: what is too much delays its next request.
    pub(crate) fn charge(&self, sender: &str, bytes: usize) {
        if let Some(table) = &self.bytes {
            #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact to the byte")]
            let amount = bytes as f64;
            let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
            table.charge(&sender.to_owned(), amount, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sender_that_sends_too_much_does_not_slow_another() {
        let limits = Limits {
            sender_requests_per_second: 1,
            sender_bytes_per_second: 100,
            ..Limits::default()
        };
        let rates = Rates::new(&limits);
        rates.begin("a").unwrap();
        rates.begin("a").unwrap();
        assert!(rates.begin("a").unwrap_err() > Duration::ZERO);
        rates.begin("b").unwrap();
        rates.charge("b", 1_000_000);
        assert!(rates.begin("b").unwrap_err() > Duration::from_secs(1000));
        rates.begin("c").unwrap();
    }

    #[test]
    fn no_limit_is_none() {
        let limits = Limits {
            sender_requests_per_second: 0,
            sender_bytes_per_second: 0,
            ..Limits::default()
        };
        let rates = Rates::new(&limits);
        rates.charge("a", usize::MAX);
        assert!((0..10_000).all(|_| rates.begin("a").is_ok()));
    }
}
