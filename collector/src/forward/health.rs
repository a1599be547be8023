//! Whether anything goes to a destination, since when not, and who is told of that.

use std::time::{Duration, Instant};

use super::forwarder::Work;

/// A destination that gets nothing for so long is recorded as down.
const DOWN_AFTER: Duration = Duration::from_secs(60);

/// On which side something keeps a destination from getting anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The destination takes nothing.
    Theirs,
    /// The disk of this machine: what failed there is over as soon as the same succeeds.
    Ours,
}

/// Whether anything goes to a destination.
#[derive(Debug, Default)]
pub(super) struct Health {
    failing: Option<(Instant, Side)>,
    told_down: bool,
}

impl Health {
    /// Nothing goes there, since `since` at the latest.
    pub(super) fn fails(&mut self, work: &Work, side: Side, reason: String, since: Instant) {
        let since = self.failing.map_or(since, |(before, _)| before);
        self.failing = Some((since, side));
        let name = &work.name;
        if work.status.set_failing(Some(reason.clone())).is_none() {
            tracing::warn!(destination = name, "nothing goes there, it is tried again: {reason}");
        } else {
            tracing::debug!(destination = name, "still nothing goes there: {reason}");
        }
        if since.elapsed() >= DOWN_AFTER && !self.told_down {
            self.told_down = true;
            work.tell_down(since.elapsed(), &reason);
        }
    }

    /// It takes records.
    pub(super) fn recovers(&mut self, work: &Work) {
        self.failing = None;
        if work.status.set_failing(None).is_some() {
            tracing::info!(destination = work.name, "takes records again");
        }
        if std::mem::take(&mut self.told_down) {
            work.tell_recovered();
        }
    }

    /// What kept it from getting anything is over; whether it takes records now will show.
    pub(super) fn forget(&mut self, work: &Work) {
        self.failing = None;
        work.status.set_failing(None);
    }

    /// The disk does what it is asked to: what the destination does is another matter.
    pub(super) fn disk_recovers(&mut self, work: &Work) {
        if self.failing.is_some_and(|(_, side)| side == Side::Ours) {
            self.recovers(work);
        }
    }
}
