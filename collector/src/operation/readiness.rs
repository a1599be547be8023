//! Whether a request sent now would be taken, as far as that can be told.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::State;
use super::space::Space;

/// How long the disk may take to say how much space it has.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why no request would be taken now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unready {
    /// In a word.
    pub reason: &'static str,
    /// In words.
    pub text: String,
}

impl fmt::Display for Unready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not ready: {}", self.text)
    }
}

/// The space on the journal's disk, without waiting longer than a disk that works may take.
pub(super) async fn space(state: &Arc<State>) -> Result<Space, Unready> {
    let folder = state.data();
    let asked = tokio::task::spawn_blocking(move || Space::of(&folder));
    let text = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(Ok(space))) => return Ok(space),
        Ok(Ok(Err(error))) => format!("the data folder cannot be looked at: {error}"),
        Ok(Err(_)) => "the collector is stopping".to_owned(),
        Err(_) => "the disk of the data folder does not answer".to_owned(),
    };
    Err(Unready { reason: "disk", text })
}

/// Why no request would be taken now; none where nothing stands against it.
pub(super) async fn unready(state: &Arc<State>) -> Option<Unready> {
    if state.intake.is_draining() {
        let text = "the collector is being drained".to_owned();
        return Some(Unready { reason: "draining", text });
    }
    let space = match space(state).await {
        Ok(space) => space,
        Err(unready) => return Some(unready),
    };
    if let Some((reason, text)) = state.journal.unwritable(Some(space.free)) {
        return Some(Unready { reason, text });
    }
    let text = "the disk of the data folder is read-only".to_owned();
    space.read_only.then_some(Unready { reason: "read_only", text })
}
