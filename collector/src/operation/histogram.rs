//! How long something takes, counted in buckets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bounds for what takes a disk's time, in seconds.
pub(crate) const DISK: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Bounds for what takes a commit's time, in seconds.
pub(crate) const COMMIT: &[f64] =
    &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Counts durations; observing one is three additions.
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds: &'static [f64],
    /// One for each bound, and one for everything beyond.
    buckets: Vec<AtomicU64>,
    nanoseconds: AtomicU64,
}

/// A histogram at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Snapshot {
    /// Each bound in seconds with the number of observations at or below it, the last without one.
    pub buckets: Vec<(Option<f64>, u64)>,
    /// All durations together, in seconds.
    pub sum: f64,
}

impl Histogram {
    pub(crate) fn new(bounds: &'static [f64]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, buckets, nanoseconds: AtomicU64::new(0) }
    }

    pub(crate) fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let at = self.bounds.partition_point(|bound| *bound < seconds);
        if let Some(bucket) = self.buckets.get(at) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut total = 0;
        let bounds = self.bounds.iter().copied().map(Some).chain([None]);
        let buckets = bounds
            .zip(&self.buckets)
            .map(|(bound, bucket)| {
                total += bucket.load(Ordering::Relaxed);
                (bound, total)
            })
            .collect();
        let sum = Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)).as_secs_f64();
        Snapshot { buckets, sum }
    }
}

impl Snapshot {
    /// How many were observed.
    pub(crate) fn count(&self) -> u64 {
        self.buckets.last().map_or(0, |(_, count)| *count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_in_its_bucket_and_every_higher_one() {
        let histogram = Histogram::new(&[0.1, 1.0]);
        for milliseconds in [100, 101, 5000] {
            histogram.observe(Duration::from_millis(milliseconds));
        }
        let snapshot = histogram.snapshot();
        assert_eq!(snapshot.buckets, [(Some(0.1), 1), (Some(1.0), 2), (None, 3)]);
        assert_eq!((snapshot.count(), snapshot.sum), (3, 5.201));
    }
}
