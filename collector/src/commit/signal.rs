//! Telling the threads behind the journal when to end: those of the archive, and those that forward.

use tokio::sync::watch;

/// How the threads are to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// As ever.
    Run,
    /// Commit or send what is there, then end.
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
    pub(crate) fn new() -> Self {
        Self { mode: watch::Sender::new(Mode::Run) }
    }

    /// Moves on to `mode`; there is no way back.
    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_modify(|current| *current = mode.max(*current));
    }

    pub(crate) fn get(&self) -> Mode {
        *self.mode.borrow()
    }

    /// Returns when they are to go on otherwise than by `mode`.
    pub(crate) async fn left(&self, mode: Mode) {
        let mut changes = self.mode.subscribe();
        let _ = changes.wait_for(|now| *now > mode).await;
    }

    /// Returns when everything is to end at once.
    pub(crate) async fn abandoned(&self) {
        let mut mode = self.mode.subscribe();
        let _ = mode.wait_for(|mode| *mode == Mode::Abandon).await;
    }
}
