//! Telling the threads behind the journal when to end.

use tokio::sync::watch;

/// How the threads are to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    /// As ever.
    Run,
    /// Commit what is there, then end.
    Finish,
    /// End at once.
    Abandon,
}

/// Tells the threads; clones tell and hear the same.
#[derive(Debug, Clone)]
pub(crate) struct Signal {
    mode: watch::Sender<Mode>,
}

impl Signal {
    pub(super) fn new() -> Self {
        Self { mode: watch::Sender::new(Mode::Run) }
    }

    /// Moves on to `mode`; there is no way back.
    pub(super) fn set(&self, mode: Mode) {
        self.mode.send_modify(|current| *current = mode.max(*current));
    }

    pub(super) fn get(&self) -> Mode {
        *self.mode.borrow()
    }

    /// Returns when everything is to end at once.
    pub(super) async fn abandoned(&self) {
        let mut mode = self.mode.subscribe();
        let _ = mode.wait_for(|mode| *mode == Mode::Abandon).await;
    }
}
