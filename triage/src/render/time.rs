//! Times and durations as people read them, always UTC.

use chrono::{DateTime, Utc};

/// `2026-11-21 00:03:07.349`; a text in place of a time that no calendar has.
#[must_use]
pub fn date_time(unix_nano: i64) -> String {
    DateTime::<Utc>::from_timestamp_nanos(unix_nano).format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// `2026-11-21 00:03:07`.
#[must_use]
pub fn date_time_seconds(unix_nano: i64) -> String {
    DateTime::<Utc>::from_timestamp_nanos(unix_nano).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// `00:03:07.349`.
#[must_use]
pub fn clock(unix_nano: i64) -> String {
    DateTime::<Utc>::from_timestamp_nanos(unix_nano).format("%H:%M:%S%.3f").to_string()
}

/// `2026-11-21`.
#[must_use]
pub fn date(unix_nano: i64) -> String {
    DateTime::<Utc>::from_timestamp_nanos(unix_nano).format("%Y-%m-%d").to_string()
}

/// `185 ms`, `12.3 s`, `4 min 5 s`, `2 h 3 min`.
#[must_use]
pub fn duration(nanos: i64) -> String {
    let ms = nanos / 1_000_000;
    let seconds = ms / 1000;
    match seconds {
        _ if ms < 1 && nanos > 0 => "under 1 ms".to_owned(),
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds}.{} s", (ms % 1000) / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// `3,630`.
#[must_use]
pub fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if number < 0 { format!("-{grouped}") } else { grouped }
}
