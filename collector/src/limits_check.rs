//! Whether limits can be used.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::Limits;

/// Most bytes that can be counted for all requests.
const BYTES: u64 = u32::MAX as u64;
/// Deepest nesting that is decoded.
const DEPTH: u64 = 100;
/// Shortest string that cannot be cut: a mark must fit into what is left.
const STRING: u64 = 256;
const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

impl Limits {
    /// Refuses what no collector could work with.
    ///
    /// # Errors
    /// With the field, and what it must be.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        let many: RangeInclusive<u64> = 1..=1_000_000_000;
        let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        for (field, value, range) in [
            ("request_bytes", number(self.request_bytes), 1..=BYTES / 4),
            ("request_records", number(self.request_records), many.clone()),
            ("expanded_bytes", number(self.expanded_bytes), 1..=BYTES),
            ("memory_bytes", number(self.memory_bytes), 1..=1 << 30),
            ("record_attributes", number(self.record_attributes), many.clone()),
            ("nesting_depth", u64::from(self.nesting_depth), 1..=DEPTH),
            ("string_bytes", number(self.string_bytes), STRING..=BYTES),
            ("senders", number(self.senders), 1..=1_000_000),
            ("bytes_in_flight", number(self.bytes_in_flight), 1..=BYTES),
            ("requests_in_flight", number(self.requests_in_flight), 1..=1_000_000),
            ("connections", number(self.connections), 1..=1_000_000),
            ("connections_per_address", number(self.connections_per_address), 0..=1_000_000),
            ("http2_streams", u64::from(self.http2_streams), 1..=1_000_000),
            ("http2_pending_resets", number(self.http2_pending_resets), 1..=1_000_000),
            ("http2_header_bytes", u64::from(self.http2_header_bytes), 1024..=1 << 24),
        ] {
            if !range.contains(&value) {
                let (least, most) = range.into_inner();
                return Err((field, format!("must be from {least} to {most}")));
            }
        }
        for (field, time) in [
            ("admission_wait_seconds", self.admission_wait),
            ("head_time_seconds", self.head_time),
            ("request_time_seconds", self.request_time),
            ("request_pause_seconds", self.request_pause),
            ("idle_time_seconds", self.idle_time),
            ("retry_after_seconds", self.retry_after),
        ] {
            if time.is_zero() || time > YEAR {
                return Err((field, "must be more than 0, and no more than a year".to_owned()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_used_and_what_cannot_is_named() {
        let defaults = Limits::default;
        assert_eq!(defaults().check(), Ok(()));
        for (limits, field) in [
            (Limits { request_bytes: 0, ..defaults() }, "request_bytes"),
            (Limits { bytes_in_flight: 0, ..defaults() }, "bytes_in_flight"),
            (Limits { nesting_depth: 101, ..defaults() }, "nesting_depth"),
            (Limits { string_bytes: 10, ..defaults() }, "string_bytes"),
            (Limits { connections: 0, ..defaults() }, "connections"),
        ] {
            assert_eq!(limits.check().unwrap_err().0, field);
        }
    }
}
