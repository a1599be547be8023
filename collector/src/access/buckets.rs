//! Token buckets, one for each key, in a table of bounded size.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// How much may be taken, and how fast it comes back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Refill {
    /// What comes back in a second.
    pub per_second: f64,
    /// Most that can be taken at once.
    pub burst: f64,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// What is left; below zero where more was taken than there was.
    left: f64,
    /// When that was so.
    at: Instant,
}

/// Buckets by key. One that is full again is as good as none; where too many are not, the one that was
/// used longest ago is forgotten.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    refill: Refill,
    limit: usize,
    buckets: HashMap<K, Bucket>,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// At most `limit` buckets.
    pub(super) fn new(refill: Refill, limit: usize) -> Self {
        Self { refill, limit: limit.max(1), buckets: HashMap::new() }
    }

    /// Takes `amount` if anything is left, into debt if need be.
    ///
    /// # Errors
    /// With the time until something is left.
    pub(super) fn take(&mut self, key: &K, amount: f64, now: Instant) -> Result<(), Duration> {
        let refill = self.refill;
        let bucket = self.bucket(key, now);
        if bucket.left < amount.min(1.0) {
            let seconds = (amount.min(1.0) - bucket.left) / refill.per_second;
            return Err(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
        }
        bucket.left -= amount;
        Ok(())
    }

    /// Takes `amount`, into debt if need be.
    pub(super) fn charge(&mut self, key: &K, amount: f64, now: Instant) {
        self.bucket(key, now).left -= amount;
    }

    fn bucket(&mut self, key: &K, now: Instant) -> &mut Bucket {
        let refill = self.refill;
        if !self.buckets.contains_key(key) && self.buckets.len() >= self.limit {
            self.make_room(now);
        }
        let bucket =
            self.buckets.entry(key.clone()).or_insert(Bucket { left: refill.burst, at: now });
        bucket.left = filled(*bucket, refill, now);
        bucket.at = bucket.at.max(now);
        bucket
    }

    fn make_room(&mut self, now: Instant) {
        let refill = self.refill;
        self.buckets.retain(|_, bucket| filled(*bucket, refill, now) < refill.burst);
        if self.buckets.len() >= self.limit {
            let oldest = self.buckets.iter().min_by_key(|(_, bucket)| bucket.at);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.buckets.remove(&oldest);
            }
        }
    }
}

fn filled(bucket: Bucket, refill: Refill, now: Instant) -> f64 {
    let since = now.saturating_duration_since(bucket.at).as_secs_f64();
    (bucket.left + since * refill.per_second).min(refill.burst)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REFILL: Refill = Refill { per_second: 2.0, burst: 4.0 };

    #[test]
    fn no_more_is_taken_than_burst_and_refill_and_the_pause_that_is_told_is_enough() {
        let start = Instant::now();
        let mut buckets = Buckets::new(REFILL, 8);
        for _ in 0..4 {
            buckets.take(&1, 1.0, start).unwrap();
        }
        let pause = buckets.take(&1, 1.0, start).unwrap_err();
        assert_eq!(pause, Duration::from_millis(500));
        buckets.take(&2, 1.0, start).unwrap();
        buckets.take(&1, 1.0, start + pause).unwrap();
        assert!(buckets.take(&1, 1.0, start + pause).is_err());
    }

    #[test]
    fn what_is_larger_than_the_burst_is_taken_and_paid_for_later() {
        let start = Instant::now();
        let mut buckets = Buckets::new(REFILL, 8);
        buckets.charge(&1, 24.0, start);
        assert_eq!(buckets.take(&1, 1.0, start).unwrap_err(), Duration::from_millis(10_500));
    }

    proptest! {
        #[test]
        fn the_table_never_grows_beyond_its_limit(
            keys in proptest::collection::vec((0_u32..50, 0_u64..3000), 1..200),
        ) {
            let mut now = Instant::now();
            let mut buckets = Buckets::new(REFILL, 5);
            for (key, later) in keys {
                now += Duration::from_millis(later);
                let _ = buckets.take(&key, 1.0, now);
                prop_assert!(buckets.buckets.len() <= 5);
            }
        }
    }
}
