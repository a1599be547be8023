//! The pause that a destination asked for, kept over a restart.
//!
//! It is a courtesy: it may be lost, and it never lasts longer than a destination may ask for, whatever
//! the clock does meanwhile. So it is written without a sync, and read with no trust.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use blotter_disk::{Access, Disk};

use super::backoff::LONGEST_PAUSE_ASKED;
use super::destination::Destination;
use crate::effective::without_credentials;

/// Name of what is done to the disk here.
const STEP: &str = "forward.pause";
/// Longest file that is read.
const LENGTH: usize = 256;

/// The file beside a destination's cursor that says until when nothing is to be sent there.
#[derive(Debug)]
pub(crate) struct Pause {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// Who asked for it: another address has asked for nothing.
    of: String,
}

impl Pause {
    pub(crate) fn new(disk: Arc<dyn Disk>, journal: &Path, destination: &Destination) -> Self {
        let path = journal.join(format!("{}.pause", destination.consumer()));
        let mut hash = blake3::Hasher::new();
        for url in std::iter::once(&destination.endpoint).chain(destination.endpoints.values()) {
            hash.update(without_credentials(url).as_bytes()).update(b"\n");
        }
        let of = hash.finalize().to_hex().chars().take(16).collect();
        Self { disk, path, of }
    }

    /// Nothing is to be sent for so long.
    pub(super) fn keep(&self, pause: Duration) {
        let text = written(SystemTime::now(), pause, &self.of);
        if let Err(error) = self.write(text.as_bytes()) {
            tracing::debug!("{}: {error}; a restart would not keep the pause", self.path.display());
        }
    }

    fn write(&self, text: &[u8]) -> io::Result<()> {
        let file = self.disk.open(STEP, &self.path, Access::Create)?;
        file.set_len(STEP, 0)?;
        file.write_at(STEP, &mut [IoSlice::new(text)], 0)
    }

    /// How long nothing is to be sent yet; none where that is over, or nobody has asked for it.
    pub(super) fn left(&self) -> Option<Duration> {
        let file = self.disk.open(STEP, &self.path, Access::Read).ok()?;
        let mut content = [0; LENGTH];
        let read = file.read_up_to(&mut content, 0).ok()?;
        let text = std::str::from_utf8(content.get(..read)?).ok()?;
        left(SystemTime::now(), text, &self.of)
    }
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// When it was asked for, when it ends, and by whom it was asked for.
fn written(now: SystemTime, pause: Duration, of: &str) -> String {
    format!("{} {} {of}\n", milliseconds(now), milliseconds(now + pause))
}

fn left(now: SystemTime, text: &str, of: &str) -> Option<Duration> {
    let mut words = text.split_ascii_whitespace();
    let (asked, until): (u64, u64) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let now = milliseconds(now);
    // A clock that went back says nothing about how much of it is left.
    let runs = words.next() == Some(of) && (asked..until).contains(&now);
    let left = Duration::from_millis(until.saturating_sub(now));
    (runs && left <= LONGEST_PAUSE_ASKED).then_some(left)
}

#[cfg(test)]
mod tests {
    use blotter_disk::LocalDisk;
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_left_of_a_pause_is_kept_for_who_asked_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let pause = |endpoint: &str| {
            let toml = format!("name = \"a\"\nendpoint = \"{endpoint}\"");
            let destination = toml_edit::de::from_str(&toml).unwrap();
            Pause::new(Arc::new(LocalDisk), folder.path(), &destination)
        };
        assert_eq!(pause("http://a").left(), None);
        pause("http://a").keep(3000 * SECOND);
        pause("http://a").keep(600 * SECOND);
        let left = pause("http://a").left().unwrap();
        assert!(left <= 600 * SECOND && left > 300 * SECOND, "{left:?}");
        assert_eq!(pause("http://b").left(), None);
        std::fs::write(&pause("http://a").path, "torn").unwrap();
        assert_eq!(pause("http://a").left(), None);
    }

    #[test]
    fn a_clock_that_jumps_ends_a_pause() {
        let now = UNIX_EPOCH + 1_000_000 * SECOND;
        let text = written(now, 60 * SECOND, "a");
        assert_eq!(left(now + 20 * SECOND, &text, "a"), Some(40 * SECOND));
        assert_eq!(left(now + 60 * SECOND, &text, "a"), None);
        assert_eq!(left(now - 20 * SECOND, &text, "a"), None);
        assert_eq!(left(now, &written(now, 86_400 * SECOND, "a"), "a"), None);
    }

    proptest! {
        #[test]
        fn nothing_that_lies_there_lasts_longer_than_may_be_asked_for(now: u32, text in "[0-9]{0,20} [0-9]{0,20} a") {
            let left = left(UNIX_EPOCH + now * SECOND, &text, "a");
            prop_assert!(left.is_none_or(|left| left <= LONGEST_PAUSE_ASKED));
        }
    }
}
