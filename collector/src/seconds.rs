//! Durations as the configuration has them: seconds, whole or not.

use std::time::Duration;

use serde::{Deserialize as _, Deserializer, Serializer, de};

/// Longest duration that is taken, in seconds: ten years.
const LONGEST: f64 = 315_360_000.0;

pub(crate) fn serialize<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    if duration.subsec_nanos() == 0 {
        serializer.serialize_u64(duration.as_secs())
    } else {
        serializer.serialize_f64(duration.as_secs_f64())
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    let duration = Duration::try_from_secs_f64(seconds).ok().filter(|_| seconds <= LONGEST);
    duration.ok_or_else(|| {
        de::Error::custom(format!("{seconds} is no number of seconds up to {LONGEST}"))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct Holder {
        #[serde(with = "super")]
        it: Duration,
    }

    #[test]
    fn whole_and_part_seconds_are_read_and_nothing_else() {
        let read = |text: &str| toml_edit::de::from_str::<Holder>(&format!("it = {text}"));
        assert_eq!(read("3").unwrap().it, Duration::from_secs(3));
        assert_eq!(read("0.7").unwrap().it, Duration::from_millis(700));
        for wrong in ["-1", "nan", "inf", "1e30", "\"3\""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let shown = |it| serde_json::to_string(&Holder { it }).unwrap();
        assert_eq!(shown(Duration::from_secs(3)), r#"{"it":3}"#);
        assert_eq!(shown(Duration::from_millis(700)), r#"{"it":0.7}"#);
    }
}
