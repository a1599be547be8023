//! The time of a row.

use crate::names::blotter::TimeSource;
use crate::tables::Event;

/// The time of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Time {
    pub(super) nanos: i64,
    pub(super) source: TimeSource,
    pub(super) clamped: bool,
}

impl Time {
    /// The first candidate that is not zero, else the time of receipt.
    pub(crate) fn new(candidates: &[(TimeSource, u64)], received: i64) -> Self {
        let candidate = candidates.iter().find(|(_, nanos)| *nanos != 0);
        match candidate {
            Some(&(source, nanos)) => {
                let (nanos, clamped) = clamp(nanos);
                Self { nanos, source, clamped }
            }
            None => Self { nanos: received, source: TimeSource::Received, clamped: false },
        }
    }

    pub(crate) fn stamp(self, event: &mut Event) {
        event.time = Some(self.nanos.div_euclid(1000));
        event.time_unix_nano = Some(self.nanos);
        event.time_source = Some(self.source.as_str().to_owned());
        event.time_clamped = self.clamped.then_some(true);
    }
}

/// A time as a row holds it, and whether it had to be clamped to fit.
pub(super) fn clamp(nanos: u64) -> (i64, bool) {
    i64::try_from(nanos).map_or((i64::MAX, true), |nanos| (nanos, false))
}
