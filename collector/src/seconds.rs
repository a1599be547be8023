//! Durations in the configuration file: numbers of seconds.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer, Serializer};

/// Longest duration that can be configured.
const LONGEST: f64 = 366.0 * 24.0 * 3600.0;

pub(crate) fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    if duration.subsec_nanos() == 0 {
        to.serialize_u64(duration.as_secs())
    } else {
        to.serialize_f64(duration.as_secs_f64())
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(from)?;
    if seconds > 0.0 && seconds <= LONGEST {
        Duration::try_from_secs_f64(seconds).map_err(D::Error::custom)
    } else {
        Err(D::Error::custom("must be a number of seconds above 0, and no more than a year"))
    }
}
