//! Times as they are given on the command line.

use anyhow::bail;
use chrono::{DateTime, NaiveDate, Utc};

/// A time in microseconds since the epoch: `30m`, `2h`, `7d` ago, a date, or an RFC 3339 time.
pub fn moment(option: &str, text: &str, now: DateTime<Utc>) -> anyhow::Result<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.timestamp_micros());
    }
    if let Some(midnight) =
        text.parse::<NaiveDate>().ok().and_then(|date| date.and_hms_opt(0, 0, 0))
    {
        return Ok(midnight.and_utc().timestamp_micros());
    }
    if let Some(ago) = ago(text) {
        return Ok(now.timestamp_micros().saturating_sub(ago));
    }
    bail!("{option} `{text}` is no time; write 30m, 2h, 7d, 2026-11-21 or 2026-11-21T12:00:00Z")
}

/// `30m`, `2h`, `7d` in microseconds.
fn ago(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let number: i64 = number.parse().ok().filter(|number| *number >= 0)?;
    number.checked_mul(seconds)?.checked_mul(1_000_000)
}
